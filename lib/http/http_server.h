// The listening socket, the threads that serve its connections, and the bounds on both. Knows
// nothing of HTTP.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/http/connection.h"
#include "lib/http/http_engine.h"

namespace jitwg::http {

struct ServerOptions {
  Endpoint listen;
  std::size_t threads = 16;
  std::size_t max_queued = 64;                   // connections that wait for a thread
  std::chrono::milliseconds idle_timeout{5000};  // a connection without a request
  std::string certificate;                       // PEM files; empty: no TLS
  std::string key;
  HttpLimits limits;
};

class HttpServer {
 public:
  // Errors: what bind(2) says; TlsContext::Load. `application` outlives it.
  static Result<std::unique_ptr<HttpServer>> Start(const ServerOptions& options,
                                                   Application& application);
  ~HttpServer();

  std::uint16_t port() const { return port_; }

  // No new connections; requests under way are answered. The application's own waiting must have
  // been ended. Idempotent.
  void Stop();

 private:
  using Time = std::chrono::steady_clock::time_point;

  HttpServer(ServerOptions options, Application& application, std::unique_ptr<TlsContext> tls,
             int listener, int waker, std::uint16_t port);
  void Accept();
  void TakeOne();
  void Refuse(int fd);
  void EndRefused(bool all);
  void Work();
  void Serve(int fd);
  bool Stopping();
  bool OthersWait();

  const ServerOptions options_;
  HttpEngine engine_;
  const std::unique_ptr<TlsContext> tls_;
  const int listener_;
  const int waker_;  // readable once Stop was called
  const std::uint16_t port_;
  std::deque<std::pair<int, Time>> refused_;  // the accepting thread's alone

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<int> queue_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace jitwg::http
