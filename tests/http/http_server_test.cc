// The server against clients that are slow, huge, hasty or hostile.
#include "lib/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "lib/http/application.h"
#include "lib/http/problem.h"
#include "tests/http/raw_client.h"

namespace jitwg::http {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Echoes bodies; "/hold" waits until it is let go, "/no" is refused before its body.
class EchoApplication final : public Application {
 public:
  std::optional<Response> Refuse(const RequestHead& head) override {
    if (head.target == "/no") return Problem(401, ErrorCode::kPermissionDenied, "no");
    return std::nullopt;
  }
  Response Handle(const Request& request) override {
    if (request.head.target == "/hold") {
      std::unique_lock lock(mutex_);
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return free_; });
    }
    return {200, "text/plain",
            request.head.method + " " + request.head.target + " " + request.body};
  }
  bool AwaitHeld(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return held_ >= count; });
  }
  void Free() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  bool free_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.listen = {*IpAddress::Parse("127.0.0.1"), 0, 0};
    options_.threads = 4;
    options_.limits.max_body = 1000;
  }
  ~HttpServerTest() override { application_.Free(); }
  HttpServer& server() {
    if (!server_) server_ = std::move(*HttpServer::Start(options_, application_));
    return *server_;
  }
  // What one connection gets that sends this.
  std::string Talk(const std::string& text) {
    RawClient client(server().port());
    EXPECT_TRUE(client.Send(text));
    return client.ReadAll();
  }

  ServerOptions options_;
  EchoApplication application_;
  std::unique_ptr<HttpServer> server_;
};

const std::string kClose = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  RawClient client(server().port());
  ASSERT_TRUE(client.Send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("GET /one"), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(client.Send("POST /two?a=%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
  EXPECT_THAT(client.ReadUntil("body"), EndsWith("POST /two?a=%20b body"));
  ASSERT_TRUE(client.Send("HEAD /three" + kClose + "\r\n"));
  EXPECT_THAT(client.ReadAll(), EndsWith("\r\n\r\n(closed)"));
}

TEST_F(HttpServerTest, BodiesThatCannotBeBoundedAreNotRead) {
  const std::string post = "POST /" + kClose;
  EXPECT_THAT(Talk(post + "\r\n"), StartsWith("HTTP/1.1 411"));
  EXPECT_THAT(Talk(post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 411"));
  EXPECT_THAT(Talk(post + "Content-Length: 4\r\nContent-Encoding: gzip\r\n\r\nbody"),
              StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(Talk(post + "Content-Length: 1001\r\n\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Talk(post + "Content-Length: 99999999999999999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Talk(post + "Content-Length: -1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Talk(post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Talk(post + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Talk(post + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'z')),
              EndsWith("zzz(closed)"));
}

TEST_F(HttpServerTest, TheBodyOfARefusedRequestIsNotTakenForTheNext) {
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const std::string line : {"POST /no", "GET /no", "DELETE /no"}) {
    const std::string answer =
        Talk(line + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(smuggled.size()) +
             "\r\n\r\n" + smuggled);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << line;
    EXPECT_THAT(answer, Not(HasSubstr("smuggled"))) << line;
    EXPECT_THAT(answer, EndsWith("(closed)")) << line;
  }
}

TEST_F(HttpServerTest, NothingFollowsARequestWhoseLengthIsNotClear) {
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string length = "Content-Length: " + std::to_string(smuggled.size());
  for (const std::string fields :
       {"Content-Length: 7x", "Content-Length: +7", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nContent-Length: 3"}) {
    const std::string answer =
        Talk("POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n\r\n" + smuggled);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << fields;
    EXPECT_THAT(answer, Not(HasSubstr("smuggled"))) << fields;
  }
  const std::string packed = Talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n" +
                                  length + "\r\n\r\n" + smuggled);
  EXPECT_THAT(packed, StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(packed, Not(HasSubstr("smuggled")));
}

TEST_F(HttpServerTest, NonsenseIsAProblem) {
  for (const char* text : {"GARBAGE\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/3.0\r\n\r\n",
                           "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    const std::string answer = Talk(text);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400")) << text;
    EXPECT_THAT(answer, HasSubstr("application/problem+json")) << text;
    EXPECT_THAT(answer, HasSubstr("\"code\":\"invalid_argument\"")) << text;
  }
}

TEST_F(HttpServerTest, HeadersAreBounded) {
  std::string many = "GET /" + kClose;
  for (int i = 0; i < 2000; ++i) many += "X-" + std::to_string(i) + ": filler-filler\r\n";
  EXPECT_THAT(Talk(many + "\r\n"), HasSubstr("431"));
  EXPECT_THAT(Talk("GET /" + std::string(5000, 'a') + kClose + "\r\n"), StartsWith("HTTP/1.1"));
  EXPECT_THAT(Talk("GET /" + std::string(100'000, 'a') + kClose + "\r\n"),
              StartsWith("HTTP/1.1 4"));
}

TEST_F(HttpServerTest, WhoIsSlowWithHeaderOrBodyIsPutOut) {
  options_.limits.header_timeout = 200ms;
  options_.limits.body_timeout = 200ms;
  options_.idle_timeout = 200ms;
  EXPECT_THAT(Talk("GET / HTTP/1.1\r\nHost:"), EndsWith("(closed)"));
  EXPECT_THAT(Talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"),
              EndsWith("(closed)"));
  EXPECT_THAT(Talk(""), EndsWith("(closed)"));
}

TEST_F(HttpServerTest, DribblingDoesNotProlongTheDeadline) {
  options_.limits.header_timeout = 300ms;
  RawClient client(server().port());
  // A byte every now and then, for far longer than the limit; ends when the server hangs up.
  std::promise<void> done;
  std::thread dribbler([&, stop = done.get_future()] {
    (void)client.Send("GET / HTTP/1.1\r\nX: ");
    while (stop.wait_for(20ms) != std::future_status::ready && client.Send("x")) {
    }
  });
  EXPECT_THAT(client.ReadAll(), EndsWith("(closed)"));
  done.set_value();
  dribbler.join();
}

TEST_F(HttpServerTest, ConnectionsBeyondThreadsAndQueueGet503AtOnce) {
  options_.threads = 1;
  options_.max_queued = 1;
  RawClient busy(server().port());
  ASSERT_TRUE(busy.Send("GET /hold" + kClose + "\r\n"));
  ASSERT_TRUE(application_.AwaitHeld(1));
  RawClient queued(server().port());
  ASSERT_TRUE(queued.Send("GET /queued" + kClose + "\r\n"));
  const std::string refused = Talk("GET /refused" + kClose + "\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("\"code\":\"unavailable\""));
  application_.Free();
  EXPECT_THAT(busy.ReadAll(), HasSubstr("GET /hold"));
  EXPECT_THAT(queued.ReadAll(), HasSubstr("GET /queued"));
}

TEST_F(HttpServerTest, IdleConnectionsMakeRoomForThoseWhoWait) {
  options_.threads = 1;
  options_.idle_timeout = 60s;
  RawClient idle(server().port());
  ASSERT_TRUE(idle.Send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(idle.ReadUntil("GET /first"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Talk("GET /second" + kClose + "\r\n"), HasSubstr("GET /second"));
}

TEST_F(HttpServerTest, StoppingAnswersWhatIsUnderWayAndTakesNoMore) {
  RawClient busy(server().port());
  ASSERT_TRUE(busy.Send("GET /hold" + kClose + "\r\n"));
  ASSERT_TRUE(application_.AwaitHeld(1));
  const std::uint16_t port = server().port();
  std::thread stopper([&] { server().Stop(); });
  application_.Free();
  stopper.join();
  EXPECT_THAT(busy.ReadAll(), HasSubstr("GET /hold"));
  server_.reset();
  EXPECT_FALSE(RawClient(port).connected());
}

TEST_F(HttpServerTest, ManyAtOnceAreAllAnswered) {
  constexpr int kClients = 8;
  constexpr int kEach = 50;
  (void)server();  // started before there are several who would
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const std::string body = std::to_string(i) + "-" + std::to_string(n);
        EXPECT_THAT(Talk("PUT /" + kClose + "Content-Length: " + std::to_string(body.size()) +
                         "\r\n\r\n" + body),
                    EndsWith("PUT / " + body + "(closed)"));
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(HttpServerTest, ATakenPortIsSaid) {
  options_.listen.port = server().port();
  const auto second = HttpServer::Start(options_, application_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1:" + std::to_string(server().port())));
}

}  // namespace
}  // namespace jitwg::http
