#include "lib/ws_client/waiting.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>

namespace jitwg::ws {

int MillisecondsUntil(SteadyTime deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

Wake WaitFor(int descriptor, short events, int stop, SteadyTime deadline) {
  // poll(2) passes over a negative descriptor.
  std::array<pollfd, 2> watched = {{{stop, POLLIN, 0}, {descriptor, events, 0}}};
  for (;;) {
    const int ready = ::poll(watched.data(), watched.size(), MillisecondsUntil(deadline));
    if (watched[0].revents != 0) return Wake::kStopped;
    if (ready > 0) return Wake::kReady;
    if (ready == 0 && MillisecondsUntil(deadline) == 0) return Wake::kTimeout;
  }
}

}  // namespace jitwg::ws
