#include "lib/http/http_engine.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/config_values.h"
#include "lib/http/problem.h"

namespace jitwg::http {
namespace {

using Clock = std::chrono::steady_clock;

// One request on its way; the engine's callbacks know it by their thread.
struct Exchange {
  Connection& connection;
  const HttpLimits& limits;
  const bool last;    // of its connection, whatever comes
  bool close = last;  // after this one
  bool head_done = false;
  bool head_too_long = false;
  bool wrote = false;
  std::size_t head_bytes = 0;
};
thread_local Exchange* t_exchange = nullptr;

// The connection as httplib wants it; reads ahead, since httplib reads headers byte by byte.
class EngineStream final : public httplib::Stream {
 public:
  explicit EngineStream(Exchange& exchange) : exchange_(exchange) {}
  ~EngineStream() override { explicit_bzero(buffer_.data(), buffer_.size()); }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override {
    if (begin_ == end_ && !Fill()) return failed_ ? -1 : 0;
    const std::size_t count = std::min(size, end_ - begin_);
    std::memcpy(data, buffer_.data() + begin_, count);
    begin_ += count;
    if (!exchange_.head_done && (exchange_.head_bytes += count) > exchange_.limits.max_header) {
      exchange_.head_too_long = true;
      return -1;
    }
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* data, std::size_t size) override {
    exchange_.wrote = true;
    return exchange_.connection.Write(data, size) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = exchange_.connection.source();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return exchange_.connection.fd(); }

  // Bytes of a next request were read already: it cannot be kept apart from this one.
  bool has_rest() const { return begin_ != end_; }

 private:
  bool Fill() {
    const ssize_t got = exchange_.connection.Read(buffer_.data(), buffer_.size());
    failed_ = got < 0;
    begin_ = 0;
    end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    return got > 0;
  }

  Exchange& exchange_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool failed_ = false;
};

void Send(Response& answer, httplib::Response& out) {
  out.status = answer.status;
  out.set_header("Cache-Control", "no-store");
  out.set_header("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.headers) out.set_header(name, value);
  if (t_exchange->close) out.set_header("Connection", "close");
  if (answer.body.empty()) return;
  // Held in one place that is wiped, where set_content would copy and compress it.
  const auto held = std::make_shared<Response>(std::move(answer));
  out.set_content_provider(held->body.size(), held->content_type,
                           [held](std::size_t offset, std::size_t size, httplib::DataSink& sink) {
                             return sink.write(held->body.data() + offset, size);
                           });
}

std::optional<Response> RefuseFraming(const httplib::Request& request, const HttpLimits& limits,
                                      std::size_t& length) {
  const auto invalid = [](int status, const char* detail) {
    return Problem(status, ErrorCode::kInvalidArgument, detail);
  };
  const bool wants_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  // httplib bounds neither chunked nor unpacked bodies.
  if (request.has_header("Transfer-Encoding")) {
    return invalid(411, "send a Content-Length; chunked bodies are not taken");
  }
  if (request.has_header("Content-Encoding")) {
    return invalid(415, "send the body without Content-Encoding");
  }
  const std::size_t lengths = request.get_header_value_count("Content-Length");
  if (lengths > 1) return invalid(400, "there is more than one Content-Length");
  if (lengths == 0) {
    if (wants_body) return invalid(411, "send a Content-Length");
    return std::nullopt;
  }
  const auto number = ParseNumber(request.get_header_value("Content-Length"), 0, INT64_MAX);
  if (!number) return invalid(400, "the Content-Length is no number");
  length = static_cast<std::size_t>(*number);
  if (length > limits.max_body) {
    return invalid(413, "the body is larger than this service takes (--max-body)");
  }
  return std::nullopt;
}

RequestHead HeadOf(const httplib::Request& request, std::size_t length) {
  RequestHead head;
  head.method = request.method == "HEAD" ? "GET" : request.method;
  head.target = request.target;
  head.host = request.get_header_value("Host");
  head.authorization = request.get_header_value("Authorization");
  head.accept = request.get_header_value("Accept");
  head.content_type = request.get_header_value("Content-Type");
  head.has_body = length > 0;
  head.source = t_exchange->connection.source();
  return head;
}

}  // namespace

class HttpEngine::Impl : public httplib::Server {
 public:
  Impl(const HttpLimits& limits, Application& application)
      : limits_(limits), application_(application) {
    // Never used as one, but without it httplib believes that it is shutting down.
    svr_sock_ = 0;
    set_keep_alive_max_count(1000);
    set_payload_max_length(limits.max_body);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return Admit(request, response);
    });
    const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
      Answer(request, response);
    };
    const char* const kEverything = "[^]*";
    Get(kEverything, handle);
    Post(kEverything, handle);
    Put(kEverything, handle);
    Patch(kEverything, handle);
    Delete(kEverything, handle);
    set_expect_100_continue_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          response.status = Expect(request);
          return response.status;
        });
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
      return MakeProblem(response);
    }));
  }

  bool Serve(Connection& connection, bool last) {
    Exchange exchange{connection, limits_, last};
    t_exchange = &exchange;
    connection.SetDeadline(Clock::now() + limits_.header_timeout);
    EngineStream stream(exchange);
    bool closed = last;
    const bool good = process_request(stream, last, closed, [](httplib::Request& request) {
      request.ranges.clear();  // no part of an answer is asked for
    });
    if (!good && !exchange.wrote && exchange.head_too_long) SendRaw(connection);
    t_exchange = nullptr;
    return good && !closed && !exchange.close && !stream.has_rest();
  }

 private:
  HandlerResponse Admit(const httplib::Request& request, httplib::Response& response) {
    Exchange& exchange = *t_exchange;
    exchange.head_done = true;
    std::size_t length = 0;
    auto refused = RefuseFraming(request, limits_, length);
    // A body that was not read would pass for the next request.
    if (refused || length > 0) exchange.close = true;
    if (!refused) refused = application_.Refuse(HeadOf(request, length));
    if (!refused) {
      exchange.close = exchange.last;
      exchange.connection.SetDeadline(Clock::now() + limits_.body_timeout);
      return HandlerResponse::Unhandled;
    }
    exchange.connection.SetDeadline(Clock::now() + limits_.response_timeout);
    Send(*refused, response);
    return HandlerResponse::Handled;
  }

  void Answer(const httplib::Request& request, httplib::Response& response) {
    // httplib's own copies of the body are its request's, which nobody reads after this.
    auto& body = const_cast<std::string&>(request.body);  // NOLINT: the object is not const
    Request mine{HeadOf(request, body.size()), std::move(body)};
    Response answer = application_.Handle(mine);
    WipeString(mine.body);
    WipeString(body);
    t_exchange->connection.SetDeadline(Clock::now() + limits_.response_timeout);
    Send(answer, response);
  }

  int Expect(const httplib::Request& request) const {
    const auto length = ParseNumber(request.get_header_value("Content-Length"), 0,
                                    static_cast<std::int64_t>(limits_.max_body));
    if (length) return 100;
    t_exchange->close = true;
    return 413;
  }

  // What httplib itself refused.
  static HandlerResponse MakeProblem(httplib::Response& response) {
    if (response.has_header("Content-Type")) return HandlerResponse::Handled;
    const int status = t_exchange->head_too_long ? 431 : response.status;
    t_exchange->close = true;
    Response problem = Problem(status, ErrorCode::kInvalidArgument,
                               status == 431 ? "the header fields are too long"
                                             : "this is no request that is understood here");
    response.status = status;
    response.set_header("Connection", "close");
    response.set_content(problem.body, problem.content_type);
    return HandlerResponse::Handled;
  }

  static void SendRaw(Connection& connection) {
    const Response problem =
        Problem(431, ErrorCode::kInvalidArgument, "the header fields are too long");
    const std::string text =
        "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: " + problem.content_type +
        "\r\nConnection: close\r\nContent-Length: " + std::to_string(problem.body.size()) +
        "\r\n\r\n" + problem.body;
    (void)connection.Write(text.data(), text.size());
  }

  const HttpLimits limits_;
  Application& application_;
};

HttpEngine::HttpEngine(const HttpLimits& limits, Application& application)
    : impl_(std::make_unique<Impl>(limits, application)) {}

HttpEngine::~HttpEngine() = default;

bool HttpEngine::Serve(Connection& connection, bool last) { return impl_->Serve(connection, last); }

const std::string& HttpEngine::Busy() {
  static const std::string text = [] {
    const Response problem = Problem(503, ErrorCode::kUnavailable, "too many connections wait");
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + problem.content_type +
           "\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: " +
           std::to_string(problem.body.size()) + "\r\n\r\n" + problem.body;
  }();
  return text;
}

}  // namespace jitwg::http
