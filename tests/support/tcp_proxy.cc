#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace jitwg {
namespace {

constexpr int kTurn = 20;  // milliseconds: how soon a stop or a new connection is seen

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void Reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd);
}

}  // namespace

TcpProxy::TcpProxy(int target_port) : target_port_(target_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::terminate();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stop_ = true;
  thread_.join();
  ResetAll();
  ::close(listener_);
}

int TcpProxy::ResetAll() {
  const std::lock_guard lock(mutex_);
  const int count = static_cast<int>(pairs_.size());
  for (const Pair& pair : pairs_) {
    Reset(pair.client);
    Reset(pair.server);
  }
  pairs_.clear();
  return count;
}

void TcpProxy::Accept() {
  Pair pair;
  pair.client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  pair.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target_port_);
  if (::connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    Reset(pair.client);
    ::close(pair.server);
    return;
  }
  pairs_.push_back(pair);
}

bool TcpProxy::Move(int from, int to) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t more =
        ::send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return true;
}

void TcpProxy::Run() {
  while (!stop_) {
    std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      for (const Pair& pair : pairs_) {
        fds.push_back({pair.client, POLLIN, 0});
        fds.push_back({pair.server, POLLIN, 0});
      }
    }
    if (::poll(fds.data(), fds.size(), kTurn) <= 0) continue;
    const std::lock_guard lock(mutex_);
    // A reset since then has emptied the list; what poll(2) said holds for no later pair.
    for (std::size_t i = 0; 2 * i + 2 < fds.size() && i < pairs_.size(); ++i) {
      if (pairs_[i].client != fds[2 * i + 1].fd || pairs_[i].server != fds[2 * i + 2].fd) break;
      const Pair pair = pairs_[i];
      bool open = fds[2 * i + 1].revents == 0 || Move(pair.client, pair.server);
      open = open && (fds[2 * i + 2].revents == 0 || Move(pair.server, pair.client));
      if (open) continue;
      ::close(pair.client);
      ::close(pair.server);
      pairs_[i] = {};
    }
    pairs_.erase(std::remove_if(pairs_.begin(), pairs_.end(),
                                [](const Pair& pair) { return pair.client < 0; }),
                 pairs_.end());
    if (fds[0].revents != 0) Accept();
  }
}

}  // namespace jitwg
