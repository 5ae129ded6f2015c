#include "lib/http/connection.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace jitwg::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLinger(500);
constexpr std::size_t kMaxDrained = 256 << 10;

std::string SourceOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> host{};
  if (::getpeername(fd, generic, &size) != 0 ||
      ::getnameinfo(generic, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "?";
  }
  return host.data();
}

int MillisecondsUntil(Connection::Time deadline) {
  if (deadline == Connection::Time::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

class TlsConnection final : public Connection {
 public:
  TlsConnection(int fd, SSL* ssl) : Connection(fd), ssl_(ssl) {}
  ~TlsConnection() override { SSL_free(ssl_); }

  bool Handshake() override {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_accept(ssl_);
      if (done == 1) return true;
      if (!AwaitWhat(done)) return false;
    }
  }
  ssize_t Read(char* data, std::size_t size) override {
    for (;;) {
      if (steady_clock::now() >= deadline()) return -1;
      ERR_clear_error();
      std::size_t got = 0;
      const int done = SSL_read_ex(ssl_, data, size, &got);
      if (done == 1) return static_cast<ssize_t>(got);
      if (SSL_get_error(ssl_, done) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!AwaitWhat(done)) return -1;
    }
  }
  bool Write(const char* data, std::size_t size) override {
    while (size > 0) {
      if (steady_clock::now() >= deadline()) return false;
      ERR_clear_error();
      std::size_t put = 0;
      const int done = SSL_write_ex(ssl_, data, size, &put);
      if (done == 1) {
        data += put;
        size -= put;
      } else if (!AwaitWhat(done)) {
        return false;
      }
    }
    return true;
  }
  bool AwaitData(milliseconds time) override {
    return SSL_pending(ssl_) > 0 || Connection::AwaitData(time);
  }
  void Finish() override {
    SSL_shutdown(ssl_);
    Connection::Finish();
  }

 private:
  bool AwaitWhat(int done) {
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return Await(POLLIN);
      case SSL_ERROR_WANT_WRITE:
        return Await(POLLOUT);
      default:
        return false;
    }
  }

  SSL* const ssl_;
};

std::string LastTlsError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

}  // namespace

Connection::Connection(int fd) : fd_(fd), source_(SourceOf(fd)) {}

Connection::~Connection() { ::close(fd_); }

bool Connection::Await(short events) const {
  pollfd polled{fd_, events, 0};
  for (;;) {
    const int ready = ::poll(&polled, 1, MillisecondsUntil(deadline_));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool Connection::AwaitData(milliseconds time) {
  pollfd polled{fd_, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(time.count())) > 0;
}

ssize_t Connection::Read(char* data, std::size_t size) {
  for (;;) {
    // Also for those who always have one more byte.
    if (steady_clock::now() >= deadline_) return -1;
    const ssize_t got = ::recv(fd_, data, size, 0);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Await(POLLIN)) return -1;
  }
}

bool Connection::Write(const char* data, std::size_t size) {
  while (size > 0) {
    if (steady_clock::now() >= deadline_) return false;
    const ssize_t put = ::send(fd_, data, size, MSG_NOSIGNAL);
    if (put >= 0) {
      data += put;
      size -= static_cast<std::size_t>(put);
      continue;
    }
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Await(POLLOUT)) return false;
  }
  return true;
}

void Connection::Finish() {
  ::shutdown(fd_, SHUT_WR);
  deadline_ = steady_clock::now() + kLinger;
  std::array<char, 4096> ignored{};
  for (std::size_t drained = 0; drained < kMaxDrained;) {
    const ssize_t got = Connection::Read(ignored.data(), ignored.size());
    if (got <= 0) return;
    drained += static_cast<std::size_t>(got);
  }
}

Result<std::unique_ptr<TlsContext>> TlsContext::Load(const std::string& certificate,
                                                     const std::string& key) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Error{ErrorCode::kInternal, "no TLS context: " + LastTlsError()};
  std::unique_ptr<TlsContext> tls(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "no PEM certificate in " + certificate + ": " + LastTlsError()};
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "no PEM key of that certificate in " + key + ": " + LastTlsError()};
  }
  return tls;
}

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

std::unique_ptr<Connection> TlsContext::Accept(int fd) const {
  SSL* const ssl = SSL_new(static_cast<SSL_CTX*>(context_));
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    ::close(fd);
    return nullptr;
  }
  return std::make_unique<TlsConnection>(fd, ssl);
}

}  // namespace jitwg::http
