#include "lib/ws_io/byte_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "lib/base/net.h"

namespace jitwg::ws {
namespace {

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(int descriptor) : descriptor_(descriptor) {}

  IoResult Handshake() override { return {}; }

  IoResult Read(std::span<std::uint8_t> into) override {
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got == 0) return {IoState::kClosed};
    return Outcome(got, IoState::kWantRead);
  }

  IoResult Write(std::span<const std::uint8_t> from) override {
    return Outcome(::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL),
                   IoState::kWantWrite);
  }

  void EndWriting() override { ::shutdown(descriptor_, SHUT_WR); }

  std::string Problem() const override { return std::strerror(errno_); }

 private:
  IoResult Outcome(ssize_t count, IoState wanted) {
    if (count > 0) return {IoState::kDone, static_cast<std::size_t>(count)};
    if (errno == EAGAIN || errno == EINTR) return {wanted};
    errno_ = errno;
    return {IoState::kFailed};
  }

  const int descriptor_;
  int errno_ = 0;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(const TlsContext& context, int descriptor)
      : descriptor_(descriptor), ssl_(SSL_new(context.get()), &SSL_free) {
    if (ssl_) SSL_set_fd(ssl_.get(), descriptor);
  }

  SSL* get() { return ssl_.get(); }

  IoResult Handshake() override {
    if (!ssl_) return {IoState::kFailed};
    ERR_clear_error();
    return Outcome(SSL_do_handshake(ssl_.get()));
  }

  IoResult Read(std::span<std::uint8_t> into) override {
    ERR_clear_error();
    return Outcome(SSL_read(ssl_.get(), into.data(), ClampedSize(into.size())));
  }

  IoResult Write(std::span<const std::uint8_t> from) override {
    ERR_clear_error();
    return Outcome(SSL_write(ssl_.get(), from.data(), ClampedSize(from.size())));
  }

  void EndWriting() override {
    ERR_clear_error();
    if (ssl_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(descriptor_, SHUT_WR);
  }

  std::string Problem() const override {
    if (!ssl_) return "out of memory";
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      return std::string("certificate: ") + X509_verify_cert_error_string(verdict);
    }
    return problem_;
  }

 private:
  static int ClampedSize(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  }

  IoResult Outcome(int result) {
    if (result > 0) return {IoState::kDone, static_cast<std::size_t>(result)};
    const int saved_errno = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {IoState::kWantRead};
      case SSL_ERROR_WANT_WRITE:
        return {IoState::kWantWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {IoState::kClosed};
      default:
        Keep(saved_errno);
        return {IoState::kFailed};
    }
  }

  void Keep(int saved_errno) {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    problem_ = reason != nullptr  ? reason
               : saved_errno != 0 ? std::strerror(saved_errno)
                                  : "the connection was cut off";
  }

  const int descriptor_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string problem_;
};

}  // namespace

std::unique_ptr<ByteStream> MakePlainStream(int descriptor) {
  return std::make_unique<PlainStream>(descriptor);
}

std::unique_ptr<ByteStream> MakeTlsServerStream(const TlsContext& context, int descriptor) {
  auto stream = std::make_unique<TlsStream>(context, descriptor);
  if (stream->get() != nullptr) SSL_set_accept_state(stream->get());
  return stream;
}

std::unique_ptr<ByteStream> MakeTlsClientStream(const TlsContext& context, int descriptor,
                                                const std::string& host) {
  auto stream = std::make_unique<TlsStream>(context, descriptor);
  SSL* const ssl = stream->get();
  if (ssl == nullptr) return stream;
  SSL_set_connect_state(ssl);
  if (IpAddress::Parse(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set1_host(ssl, host.c_str());
  }
  return stream;
}

}  // namespace jitwg::ws
