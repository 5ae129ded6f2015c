// A request and its answer as the handlers see them: no sockets, no HTTP library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/key.h"

namespace jitwg::http {

// What is known before a body is read.
struct RequestHead {
  std::string method;  // "GET"; HEAD arrives as GET
  std::string target;  // path and query as on the wire, percent-encoded
  std::string host;    // header fields; empty when absent
  std::string authorization;
  std::string accept;
  std::string content_type;
  bool has_body = false;
  std::string source;  // the client's address, without port
};

struct Request {
  RequestHead head;
  std::string body;  // may carry secrets: wiped by whoever made the request
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;  // may carry secrets: wiped once it is sent
  std::vector<std::pair<std::string, std::string>> headers;

  Response() = default;
  Response(int status_code, std::string type, std::string text)
      : status(status_code), content_type(std::move(type)), body(std::move(text)) {}
  Response(Response&&) = default;
  Response& operator=(Response&&) = default;
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;
  ~Response() { WipeString(body); }
};

}  // namespace jitwg::http
