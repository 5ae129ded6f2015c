#include "lib/http/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace jitwg::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kRefusedStays(500);
constexpr std::size_t kMaxRefused = 128;
// How soon a connection that is idle notices that others wait, or that the server stops.
constexpr milliseconds kSlice(50);

socklen_t ToSockaddr(const Endpoint& endpoint, sockaddr_storage& storage) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&storage, &v4, sizeof(v4));
    return sizeof(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = endpoint.scope_id;
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&storage, &v6, sizeof(v6));
  return sizeof(v6);
}

Result<int> Listen(const Endpoint& endpoint) {
  const std::string where = "cannot listen on " + endpoint.ToString();
  sockaddr_storage address{};
  const socklen_t size = ToSockaddr(endpoint, address);
  const int fd =
      ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return ErrnoError(where, errno);
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    const int fault = errno;
    ::close(fd);
    return ErrnoError(where, fault);
  }
  return fd;
}

std::uint16_t PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  // Both families have the port in the same place.
  sockaddr_in v4{};
  std::memcpy(&v4, &address, sizeof(v4));
  return ntohs(v4.sin_port);
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const ServerOptions& options,
                                                      Application& application) {
  std::unique_ptr<TlsContext> tls;
  if (!options.certificate.empty()) {
    auto loaded = TlsContext::Load(options.certificate, options.key);
    if (!loaded) return loaded.error();
    tls = std::move(*loaded);
  }
  const auto listener = Listen(options.listen);
  if (!listener) return listener.error();
  const int waker = ::eventfd(0, EFD_CLOEXEC);
  if (waker < 0) {
    const int fault = errno;
    ::close(*listener);
    return ErrnoError("cannot make an eventfd", fault);
  }
  return std::unique_ptr<HttpServer>(
      new HttpServer(options, application, std::move(tls), *listener, waker, PortOf(*listener)));
}

HttpServer::HttpServer(ServerOptions options, Application& application,
                       std::unique_ptr<TlsContext> tls, int listener, int waker, std::uint16_t port)
    : options_(std::move(options)),
      engine_(options_.limits, application),
      tls_(std::move(tls)),
      listener_(listener),
      waker_(waker),
      port_(port) {
  threads_.emplace_back([this] { Accept(); });
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Work(); });
}

HttpServer::~HttpServer() {
  Stop();
  ::close(listener_);
  ::close(waker_);
}

void HttpServer::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  (void)!::write(waker_, &one, sizeof(one));
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool HttpServer::Stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool HttpServer::OthersWait() {
  const std::lock_guard lock(mutex_);
  return stopping_ || !queue_.empty();
}

void HttpServer::Accept() {
  std::array<pollfd, 2> polled{{{listener_, POLLIN, 0}, {waker_, POLLIN, 0}}};
  while (!Stopping()) {
    const int timeout = refused_.empty() ? -1 : static_cast<int>(kSlice.count());
    const int ready = ::poll(polled.data(), polled.size(), timeout);
    if (ready > 0 && polled[0].revents != 0) TakeOne();
    EndRefused(/*all=*/false);
  }
  EndRefused(/*all=*/true);
}

void HttpServer::TakeOne() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Out of descriptors: wait for some to come free instead of spinning.
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      pollfd waker{waker_, POLLIN, 0};
      (void)::poll(&waker, 1, static_cast<int>(kSlice.count()));
    }
    return;
  }
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < options_.max_queued) {
      queue_.push_back(fd);
      ready_.notify_one();
      return;
    }
  }
  Refuse(fd);
}

void HttpServer::Refuse(int fd) {
  if (tls_ || refused_.size() >= kMaxRefused) {
    ::close(fd);
    return;
  }
  const std::string& busy = HttpEngine::Busy();
  (void)::send(fd, busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
  // Closed later: closing before the request was read would take the answer back.
  refused_.emplace_back(fd, steady_clock::now());
}

void HttpServer::EndRefused(bool all) {
  std::array<char, 4096> ignored{};
  const auto now = steady_clock::now();
  for (const auto& [fd, since] : refused_) {
    (void)!::recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT);
  }
  while (!refused_.empty() && (all || now - refused_.front().second > kRefusedStays)) {
    ::close(refused_.front().first);
    refused_.pop_front();
  }
}

void HttpServer::Work() {
  for (;;) {
    int fd = -1;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      fd = queue_.front();
      queue_.pop_front();
    }
    Serve(fd);
  }
}

void HttpServer::Serve(int fd) {
  const auto connection = tls_ ? tls_->Accept(fd) : std::make_unique<Connection>(fd);
  if (!connection) return;
  connection->SetDeadline(steady_clock::now() + options_.limits.header_timeout);
  if (!connection->Handshake()) return;
  bool served = false;
  // Who was served makes room for those who wait; who was not yet has its time.
  const auto yields = [&] { return served ? OthersWait() : Stopping(); };
  for (bool more = true; more; served = true) {
    const auto idle_since = steady_clock::now();
    bool there = connection->AwaitData(kSlice);
    while (!there && !yields() && steady_clock::now() - idle_since < options_.idle_timeout) {
      there = connection->AwaitData(kSlice);
    }
    if (!there) break;
    more = engine_.Serve(*connection, /*last=*/OthersWait());
  }
  connection->Finish();
}

}  // namespace jitwg::http
