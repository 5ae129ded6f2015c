// One accepted TCP connection, plain or TLS, with a deadline on all that it does. The only file
// that knows OpenSSL.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "lib/base/result.h"

namespace jitwg::http {

// One thread at a time.
class Connection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Takes the descriptor, which is non-blocking.
  explicit Connection(int fd);
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From now on nothing lasts beyond it.
  void SetDeadline(Time deadline) { deadline_ = deadline; }
  // Before the first byte; false: no connection comes of it.
  virtual bool Handshake() { return true; }
  // At least one byte, 0 when the other side is done, -1 on errors and at the deadline.
  virtual ssize_t Read(char* data, std::size_t size);
  // All of it, or false.
  virtual bool Write(const char* data, std::size_t size);
  // Whether Read would find something within the time.
  virtual bool AwaitData(std::chrono::milliseconds time);
  // Says goodbye and reads what still comes, for a moment: closing on unread data would take back
  // an answer that is under way.
  virtual void Finish();

  int fd() const { return fd_; }
  // The other side's address, without port.
  const std::string& source() const { return source_; }

 protected:
  // Waits for POLLIN or POLLOUT until the deadline.
  bool Await(short events) const;
  Time deadline() const { return deadline_; }

 private:
  const int fd_;
  std::string source_;
  Time deadline_ = Time::max();
};

// Certificate and key, loaded once; thread-safe.
class TlsContext {
 public:
  // PEM files; TLS 1.2 and newer. kInvalidArgument: they cannot be read, or do not fit together.
  static Result<std::unique_ptr<TlsContext>> Load(const std::string& certificate,
                                                  const std::string& key);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // nullptr when out of memory; the descriptor is closed then.
  std::unique_ptr<Connection> Accept(int fd) const;

 private:
  explicit TlsContext(void* context) : context_(context) {}
  void* context_;  // SSL_CTX
};

}  // namespace jitwg::http
