// See nfnetlink_exchange.h.
#include "sniffer/hold/nfnetlink_exchange.h"

#include <cerrno>
#include <chrono>
#include <vector>

#include "sniffer/hold/nfnetlink_reader.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kAnswerSize = 16384;
constexpr int kPatience = 20;
constexpr std::chrono::milliseconds kTurn{100};

}  // namespace

int ExchangeNfnetlink(NetlinkSocket& socket, std::span<const std::uint8_t> messages,
                      std::uint32_t first, std::uint32_t last) {
  if (const int error = socket.Send(messages); error != 0) return error;
  std::vector<std::uint8_t> buffer(kAnswerSize);
  NfnetlinkAnswer answer;
  for (int turn = 0; turn < kPatience && !answer.acknowledged;) {
    const auto received = socket.Receive(buffer, kTurn);
    if (received.errno_value == EAGAIN) {
      // A batch that is refused as a whole gets one answer, to its first message.
      if (answer.error != 0) return answer.error;
      ++turn;
      continue;
    }
    if (received.errno_value != 0) return received.errno_value;
    ReadAnswer(NetlinkBytes(buffer).first(received.size), first, last, answer);
    if (answer.error != 0 && answer.refused == first) return answer.error;
  }
  if (answer.error != 0) return answer.error;
  return answer.acknowledged ? 0 : ETIMEDOUT;
}

}  // namespace jitwg::sniffer
