#include "lib/base/self_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace jitwg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Error NoAddress(std::string_view text) {
  return InvalidArgument("'" + std::string(text.substr(0, 120)) +
                         "' is no address; write it like unix:/run/jitwg/sniffer.sock or "
                         "127.0.0.1:8080");
}

// False: the time is over.
bool WaitFor(int socket, short events, steady_clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    pollfd polled{socket, events, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool Connected(int socket, const sockaddr_storage& address, socklen_t size,
               steady_clock::time_point end) {
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  if (errno != EINPROGRESS || !WaitFor(socket, POLLOUT, end)) return false;
  int error = 0;
  socklen_t length = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

}  // namespace

Result<SelfProbe> SelfProbe::At(std::string_view address) {
  SelfProbe probe;
  std::string_view rest = address;
  if (rest.substr(0, 5) == "unix:") rest.remove_prefix(5);
  if (rest.substr(0, 1) == "/") {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (rest.size() >= sizeof(local.sun_path)) return NoAddress(address);
    std::memcpy(local.sun_path, rest.data(), rest.size());
    std::memcpy(&probe.address_, &local, sizeof(local));
    probe.size_ = sizeof(local);
    return probe;
  }
  if (rest.substr(0, 4) == "tcp:") rest.remove_prefix(4);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return NoAddress(address);
  std::string host(rest.substr(0, colon));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port(rest.substr(colon + 1));
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return Error{ErrorCode::kUnavailable, "cannot find '" + host + "': " + ::gai_strerror(failed)};
  }
  std::memcpy(&probe.address_, found->ai_addr, found->ai_addrlen);
  probe.size_ = found->ai_addrlen;
  ::freeaddrinfo(found);
  return probe;
}

bool SelfProbe::Answers(milliseconds deadline) const {
  const auto end = steady_clock::now() + deadline;
  const int socket = ::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  // The end of our side makes also a server speak that waits for a client's first word.
  const bool answered = Connected(socket, address_, size_, end) &&
                        ::shutdown(socket, SHUT_WR) == 0 && WaitFor(socket, POLLIN, end);
  ::close(socket);
  return answered;
}

}  // namespace jitwg
