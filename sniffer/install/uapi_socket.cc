// See uapi_socket.h.
#include "sniffer/install/uapi_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace jitwg::sniffer {
namespace {

using std::chrono::steady_clock;

// 0 when ready, else a positive errno.
int WaitFor(int socket, short events, steady_clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd ready{socket, events, 0};
    const int count = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (count > 0) return 0;
    if (count == 0) return EAGAIN;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

UapiSocket::UapiSocket(UapiSocket&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

UapiSocket::~UapiSocket() {
  if (socket_ >= 0) ::close(socket_);
}

int UapiSocket::Connect(const std::string& path, UapiSocket& into) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (into.socket_ >= 0) ::close(into.socket_);
  // Connecting to a Unix socket waits only for a place in the backlog; without blocking it says
  // EAGAIN.
  into.socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (into.socket_ < 0) return errno;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(into.socket_, generic, sizeof(address)) == 0 ? 0 : errno;
}

int UapiSocket::Send(std::string_view text, std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const int error = WaitFor(socket_, POLLOUT, deadline); error != 0) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

UapiSocket::Received UapiSocket::Receive(std::span<std::uint8_t> into,
                                         std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  for (;;) {
    const ssize_t size = ::recv(socket_, into.data(), into.size(), 0);
    if (size >= 0) return {0, static_cast<std::size_t>(size)};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {errno, 0};
    if (const int error = WaitFor(socket_, POLLIN, deadline); error != 0) return {error, 0};
  }
}

}  // namespace jitwg::sniffer
