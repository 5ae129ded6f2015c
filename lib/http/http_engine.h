// HTTP/1.1 on a connection that is there: parses requests, asks the application, writes answers.
// The only file that knows cpp-httplib, whose own sockets and threads are not used: they have no
// deadline for a whole request and no bound on those who wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "lib/http/application.h"
#include "lib/http/connection.h"

namespace jitwg::http {

struct HttpLimits {
  std::size_t max_body = 1 << 20;
  std::size_t max_header = 16 << 10;                   // request line and all fields
  std::chrono::milliseconds header_timeout{10'000};    // for these, from the first byte
  std::chrono::milliseconds body_timeout{20'000};      // for the body
  std::chrono::milliseconds response_timeout{20'000};  // for the answer to be taken
};

// Thread-safe.
class HttpEngine {
 public:
  // `application` outlives it.
  HttpEngine(const HttpLimits& limits, Application& application);
  ~HttpEngine();

  // Serves the request whose first byte is there. True: the connection may bring another, which is
  // never so when `last`.
  bool Serve(Connection& connection, bool last);

  // What a connection gets for which no thread is free.
  static const std::string& Busy();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jitwg::http
