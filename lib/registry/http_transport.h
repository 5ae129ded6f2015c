// Requests to one HTTP server, many in flight, on one thread of their own (libcurl's multi
// interface). Knows nothing of peers. The only file pair that knows libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/result.h"

namespace jitwg::registry {

struct HttpOptions {
  std::string base_url;              // "https://api.example:8443", without a path or with one
  std::string ca_file;               // PEM; empty: the system's
  std::size_t max_in_flight = 2048;  // requests that are sent or wait for a connection
  long max_connections = 8;
  std::chrono::milliseconds connect_timeout{3000};
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;                       // "/v1/...": percent-encoded, goes behind the base URL
  std::string body;                         // JSON; wiped after sending. Empty: none
  std::chrono::milliseconds timeout{1000};  // for all of it; not above zero: it is over already
  std::size_t max_answer = 64UL << 10;      // bytes of body; more is an error
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // may carry secrets: the receiver wipes it
};

// Thread-safe. Follows no redirects, speaks HTTP/1.1 only, verifies certificates always.
class HttpTransport {
 public:
  using Done = std::function<void(Result<HttpAnswer>)>;

  // kInvalidArgument: the URL or the CA file is none. Connects to nobody yet.
  static Result<std::unique_ptr<HttpTransport>> Start(HttpOptions options);
  // Stop().
  ~HttpTransport();
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // What is sent as "Authorization: Bearer" from now on; empty: nothing.
  void SetToken(const std::string& token);

  // `done` is called exactly once, on the transport's thread, and must not block. Any answer of the
  // server is a success here. Errors: kUnavailable (no connection, an answer that is cut off or too
  // long, stopped), kDeadlineExceeded, kResourceExhausted (too many in flight).
  void Send(HttpRequest request, Done done);

  // Ends what is in flight with kUnavailable. Idempotent; not from a `done`.
  void Stop();

  // Is this the transport's own thread?
  bool IsThisThread() const;

 private:
  class Impl;
  explicit HttpTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A URL that carries a token or preshared keys over a network must be https://: kInvalidArgument
// for any other, and for http:// to anything but 127.0.0.0/8, [::1] and localhost.
Status CheckHttpUrl(const std::string& url);

}  // namespace jitwg::registry
