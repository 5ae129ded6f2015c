#include "lib/ws/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "lib/ws/url.h"

namespace jitwg::ws {
namespace {

// RFC 6455, section 1.3.
constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr const char* kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields GoodFields() {
  return {{"Host", "gateway.example.org"},
          {"Upgrade", "websocket"},
          {"Connection", "Upgrade"},
          {"Sec-WebSocket-Version", "13"},
          {"Sec-WebSocket-Key", kKey}};
}

std::string Request(const Fields& fields, const std::string& line = "GET / HTTP/1.1") {
  std::string text = line + "\r\n";
  for (const auto& [name, value] : fields) text.append(name).append(": ").append(value + "\r\n");
  return text + "\r\n";
}

Fields With(const std::string& name, const std::string& value) {
  Fields fields = GoodFields();
  for (auto& field : fields) {
    if (field.first == name) {
      field.second = value;
      return fields;
    }
  }
  fields.emplace_back(name, value);
  return fields;
}

Fields Without(const std::string& name) {
  Fields fields = GoodFields();
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

int StatusOf(const std::string& request) { return AnswerUpgrade(request, "/").status; }

TEST(AcceptKey, MatchesTheStandardsExample) { EXPECT_EQ(AcceptKey(kKey), kAccept); }

TEST(AnswerUpgrade, OpensWithWhatTheStandardWants) {
  const UpgradeAnswer answer = AnswerUpgrade(Request(GoodFields()), "/");
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.variant, Variant::kRecords);
  EXPECT_TRUE(CheckUpgradeResponse(answer.response, kKey, Variant::kRecords));
  EXPECT_NE(answer.response.find(kAccept), std::string::npos);
  EXPECT_EQ(answer.response.find("Protocol: "), std::string::npos);
}

TEST(AnswerUpgrade, TakesNamesInAnyCaseAndWordsInLists) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nhost:x\r\nUPGRADE: h2c, WebSocket\r\n"
                     "connection: keep-alive,\tupgrade\r\nSec-Websocket-Version:13\r\n"
                     "Sec-Websocket-Key:  dGhlIHNhbXBsZSBub25jZQ==  \r\n\r\n"),
            101);
}

TEST(AnswerUpgrade, TakesItsSubprotocolAmongOthersAndIgnoresExtensions) {
  Fields fields = With("Sec-WebSocket-Protocol", "chat, jitwg.v1");
  fields.emplace_back("Sec-WebSocket-Extensions", "permessage-deflate");
  const UpgradeAnswer answer = AnswerUpgrade(Request(fields), "/");
  EXPECT_EQ(answer.variant, Variant::kDatagrams);
  EXPECT_NE(answer.response.find("Sec-WebSocket-Protocol: jitwg.v1\r\n"), std::string::npos);
  EXPECT_EQ(answer.response.find("Extensions"), std::string::npos);
  EXPECT_EQ(AnswerUpgrade(Request(With("Sec-WebSocket-Protocol", "chat")), "/").variant,
            Variant::kRecords);
}

TEST(AnswerUpgrade, LooksAtThePathWithoutItsQuery) {
  const std::string request = Request(GoodFields(), "GET /vpn?x=1 HTTP/1.1");
  EXPECT_EQ(AnswerUpgrade(request, "/vpn").status, 101);
  EXPECT_EQ(AnswerUpgrade(request, "/").status, 404);
  EXPECT_EQ(AnswerUpgrade(request, "/vp").status, 404);
}

TEST(AnswerUpgrade, RefusesEachFaultWithItsStatus) {
  const Fields good = GoodFields();
  const std::vector<std::pair<int, std::string>> cases = {
      {400, "\r\n\r\n"},
      {400, "hello\r\n\r\n"},
      {400, Request(good, "GET /")},
      {400, Request(good, "GET  / HTTP/1.1")},
      {400, Request(good, "GET / FTP/1.1")},
      {505, Request(good, "GET / HTTP/1.0")},
      {505, Request(good, "GET / HTTP/2")},
      {505, Request(good, "GET / HTTP/1.1 ")},
      {405, Request(good, "POST / HTTP/1.1")},
      {405, Request(good, "get / HTTP/1.1")},
      {404, Request(good, "GET /other HTTP/1.1")},
      {404, Request(good, "GET http://gateway/ HTTP/1.1")},
      {400, Request(Without("Host"))},
      {400, Request(With("Content-Length", "5"))},
      {400, Request(With("Transfer-Encoding", "chunked"))},
      {426, Request(Without("Upgrade"))},
      {426, Request(With("Upgrade", "h2c"))},
      {426, Request(With("Upgrade", "websockets"))},
      {426, Request(Without("Connection"))},
      {426, Request(With("Connection", "close"))},
      {426, Request(Without("Sec-WebSocket-Version"))},
      {426, Request(With("Sec-WebSocket-Version", "8"))},
      {426, Request(With("Sec-WebSocket-Version", "13, 8"))},
      {400, Request(Without("Sec-WebSocket-Key"))},
      {400, Request(With("Sec-WebSocket-Key", "short"))},
      {400, Request(With("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=!"))},
      {400, Request(With("Sec-WebSocket-Key", "!!!hIHNhbXBsZSBub25jZQ=="))},
      {400, "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nno colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"},
      {400, std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29)},
  };
  for (const auto& [status, request] : cases) {
    const UpgradeAnswer answer = AnswerUpgrade(request, "/");
    EXPECT_EQ(answer.status, status) << request;
    EXPECT_EQ(answer.response.find("HTTP/1.1 " + std::to_string(status) + " "), 0U);
    EXPECT_NE(answer.response.find("Connection: close\r\n"), std::string::npos);
  }
}

TEST(AnswerUpgrade, RefusesAKeyOrHostThatIsThereTwice) {
  for (const char* name : {"Sec-WebSocket-Key", "Host"}) {
    Fields fields = GoodFields();
    fields.emplace_back(name, kKey);
    EXPECT_EQ(StatusOf(Request(fields)), 400) << name;
  }
}

TEST(AnswerUpgrade, RefusesTooManyFields) {
  Fields fields = GoodFields();
  while (fields.size() < kMaxHeaderFields) fields.emplace_back("X", "y");
  EXPECT_EQ(StatusOf(Request(fields)), 101);
  fields.emplace_back("X", "y");
  EXPECT_EQ(StatusOf(Request(fields)), 400);
}

TEST(AnswerUpgrade, TakesNoTruncatedHead) {
  const std::string request = Request(GoodFields());
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_FALSE(FindHeadEnd(request.substr(0, size))) << size;
    EXPECT_EQ(StatusOf(request.substr(0, size)), 400) << size;
  }
  EXPECT_EQ(FindHeadEnd(request + "more"), request.size());
}

TEST(AnswerUpgrade, SaysWhatWouldDo) {
  EXPECT_NE(RefusalResponse(405).find("Allow: GET\r\n"), std::string::npos);
  EXPECT_NE(RefusalResponse(426).find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
  EXPECT_NE(RefusalResponse(431).find("Too Large"), std::string::npos);
}

TEST(HttpHead, JoinsFieldsOfOneName) {
  const std::string text = "GET / HTTP/1.1\r\nx-forwarded-for: a, b\r\nX-Forwarded-For:c\r\n\r\n";
  const auto head = ParseHead(text);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->Joined("X-Forwarded-For"), "a, b,c");
  EXPECT_EQ(head->Joined("Other"), "");
}

TEST(UpgradeRequest, IsTakenByTheServersSide) {
  for (const Variant variant : {Variant::kRecords, Variant::kDatagrams}) {
    const UpgradeAnswer answer =
        AnswerUpgrade(UpgradeRequest("gateway:8443", "/vpn?a", kKey, variant), "/vpn");
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(answer.variant, variant);
    EXPECT_TRUE(CheckUpgradeResponse(answer.response, kKey, variant));
  }
}

TEST(CheckUpgradeResponse, RefusesAnAnswerToAnotherRequest) {
  const std::string good = AnswerUpgrade(Request(GoodFields()), "/").response;
  EXPECT_FALSE(CheckUpgradeResponse(good, "AAAAAAAAAAAAAAAAAAAAAA==", Variant::kRecords));
  EXPECT_FALSE(CheckUpgradeResponse(good, kKey, Variant::kDatagrams));
  EXPECT_FALSE(CheckUpgradeResponse("SSH-2.0-OpenSSH\r\n\r\n", kKey, Variant::kRecords));
  std::string extended = good;
  extended.insert(extended.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_FALSE(CheckUpgradeResponse(extended, kKey, Variant::kRecords));
  const Status refused = CheckUpgradeResponse(RefusalResponse(404), kKey, Variant::kRecords);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("404"), std::string::npos);
}

TEST(ParseUrl, ReadsWhatTheStandardAllows) {
  struct Case {
    std::string text;
    Url url;
    std::string host_header;
  };
  const std::vector<Case> cases = {
      {"wss://gateway.example.org", {true, "gateway.example.org", 443, "/"}, "gateway.example.org"},
      {"ws://gateway", {false, "gateway", 80, "/"}, "gateway"},
      {"wss://h:8443/vpn?x=1", {true, "h", 8443, "/vpn?x=1"}, "h:8443"},
      {"wss://h?x=1", {true, "h", 443, "/?x=1"}, "h"},
      {"ws://[2001:db8::1]:81/", {false, "2001:db8::1", 81, "/"}, "[2001:db8::1]:81"},
      {"wss://[::1]", {true, "::1", 443, "/"}, "[::1]"},
  };
  for (const Case& one : cases) {
    const auto url = ParseUrl(one.text);
    ASSERT_TRUE(url) << one.text;
    EXPECT_EQ(url->tls, one.url.tls);
    EXPECT_EQ(url->host, one.url.host);
    EXPECT_EQ(url->port, one.url.port);
    EXPECT_EQ(url->path, one.url.path);
    EXPECT_EQ(url->HostHeader(), one.host_header);
  }
}

TEST(ParseUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "gateway", "http://gateway", "wss:/gateway", "wss://", "wss:///path",
                           "wss://h:", "wss://h:0", "wss://h:65536", "wss://h:x", "wss://user@h",
                           "wss://h/#part", "wss://h/a b", "wss://h/\r\nX: y", "wss://[::1",
                           "wss://[h]", "wss://[127.0.0.1]", "wss://[::1]x"}) {
    EXPECT_FALSE(ParseUrl(text)) << text;
  }
}

}  // namespace
}  // namespace jitwg::ws
