// /v1/peers/{key}/config in each of its forms.
#include "peer-api/qr_code.h"
#include "tests/peer-api/service_fixture.h"

namespace jitwg::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigTest : public ServiceTest {
 protected:
  ConfigTest() {
    ServerSide side;
    side.endpoint = "vpn.example.org:51820";
    side.public_key = TestKey(200);
    options_.server_sides["default"] = side;
    side.endpoint = "[2001:db8::5]:443";
    side.allowed_ips = {*IpPrefix::Parse("10.0.0.0/8")};
    side.dns = {*IpAddress::Parse("10.8.0.1")};
    options_.server_sides["gateway/gw-5"] = side;
  }
  void MakePeer(const std::string& rest = "") {
    PutPools();
    const std::string body = R"({"public_key":")" + key_.ToBase64() +
                             R"(","generate_preshared_key":true,"persistent_keepalive":25)" + rest +
                             "}";
    ASSERT_EQ(Call("POST", "/v1/peers", body).status, 201);
    psk_ = SecretToBase64(*control_->Get(key_)->value().preshared_key);
  }
  Answer Get(const std::string& query, const std::string& accept = "") {
    RequestHead head;
    head.method = "GET";
    head.target = path_ + query;
    head.authorization = kAdmin;
    head.accept = accept;
    return Send(head);
  }

  const PrivateKey private_key_ = GeneratePrivateKey();
  const PublicKey key_ = DerivePublicKey(private_key_);
  const std::string path_ = "/v1/peers/" + ToKeySegment(key_) + "/config";
  std::string psk_;
};

TEST_F(ConfigTest, JsonHasAllButThePrivateKey) {
  MakePeer();
  const Answer answer = Get("");
  EXPECT_EQ(answer.status, 200);
  const nlohmann::json expected{{"interface",
                                 {{"addresses", {"10.8.0.1/32"}},
                                  {"dns", nlohmann::json::array()},
                                  {"private_key", nullptr}}},
                                {"peer",
                                 {{"public_key", TestKey(200).ToBase64()},
                                  {"preshared_key", psk_},
                                  {"endpoint", "vpn.example.org:51820"},
                                  {"allowed_ips", {"0.0.0.0/0", "::/0"}},
                                  {"persistent_keepalive", 25}}}};
  EXPECT_EQ(answer.Json(), expected);
}

TEST_F(ConfigTest, AWgQuickFileHasAPlaceholderForIt) {
  MakePeer(R"(,"gateway":"gw-5")");
  const Answer answer = Get("?format=wg-quick");
  EXPECT_EQ(answer.type, "text/plain; charset=utf-8");
  EXPECT_EQ(answer.body,
            "[Interface]\nPrivateKey = PUT-THE-PRIVATE-KEY-HERE\n"
            "Address = 10.8.0.1/32\nDNS = 10.8.0.1\n\n[Peer]\nPublicKey = " +
                TestKey(200).ToBase64() + "\nPresharedKey = " + psk_ +
                "\nAllowedIPs = 10.0.0.0/8\nEndpoint = [2001:db8::5]:443\n"
                "PersistentKeepalive = 25\n");
}

TEST_F(ConfigTest, TheAcceptHeaderChoosesWhereTheQueryDoesNot) {
  MakePeer();
  EXPECT_EQ(Get("", "text/plain").type, "text/plain; charset=utf-8");
  EXPECT_EQ(Get("", "*/*").type, "application/json");
  EXPECT_EQ(Get("", "text/html, image/svg+xml;q=0.9").type, "image/svg+xml");
  EXPECT_EQ(Get("", "image/png").body.substr(1, 3), "PNG");
  EXPECT_EQ(Get("?format=json", "text/plain").type, "application/json");
  EXPECT_EQ(Get("", "text/html").status, 406);
  EXPECT_EQ(Get("?format=pdf").status, 400);
}

TEST_F(ConfigTest, ThePrivateKeyThatTheCallerSendsIsPutInIfItIsThePeers) {
  MakePeer();
  std::string text = SecretToBase64(private_key_);
  const std::string body = R"({"private_key":")" + text + "\"}";
  const Answer answer = Call("POST", path_ + "?format=wg-quick", body);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("PrivateKey = " + text + "\n"));
  EXPECT_EQ(Call("POST", path_, body).Json()["interface"]["private_key"], text);
  EXPECT_THAT(Call("POST", path_ + "?format=qr-svg", body).body, HasSubstr("<svg "));
  const std::string other = SecretToBase64(GeneratePrivateKey());
  const Answer wrong = Call("POST", path_, R"({"private_key":")" + other + "\"}");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, Not(HasSubstr(other)));
  EXPECT_EQ(Call("POST", path_, "{}").status, 400);
  const Answer unread = Call("POST", path_, R"({"private_key":")" + text + "\"} x");
  EXPECT_EQ(unread.status, 400);
  EXPECT_THAT(unread.body, Not(HasSubstr(text)));
}

TEST_F(ConfigTest, WithoutAHostAddressOrAKnownEndpointThereIsNone) {
  MakePeer(R"(,"allowed_ips":["10.8.0.0/24"])");
  EXPECT_EQ(Get("").status, 409);
  EXPECT_EQ(Get("").Code(), "failed_precondition");
  ASSERT_EQ(Call("POST", "/v1/peers",
                 R"({"network":"far","allowed_ips":["10.8.0.9/32"],"public_key":")" +
                     TestKey(3).ToBase64() + "\"}")
                .status,
            201);
  const Answer far = Call("GET", PeerPath(3, "/config"));
  EXPECT_EQ(far.status, 409);
  EXPECT_THAT(far.Detail(), HasSubstr("--wireguard-endpoint far="));
  EXPECT_EQ(Call("GET", PeerPath(4, "/config")).status, 404);
}

TEST(QrCode, TooMuchTextIsRefused) {
  EXPECT_TRUE(QrSvg(std::string(2900, 'x')));
  for (const auto& made : {QrSvg(std::string(3000, 'x')), QrPng(std::string(3000, 'x'))}) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ClientEndpoints, AreHostAndPort) {
  for (const char* good : {"a:1", "vpn.example.org:51820", "192.0.2.1:65535", "[2001:db8::1]:1"}) {
    EXPECT_TRUE(CheckEndpoint(good)) << good;
  }
  for (const char* bad :
       {"", "a", "a:", ":1", "a:0", "a:65536", "2001:db8::1:1", "a b:1", "a\nPostUp = x:1"}) {
    EXPECT_FALSE(CheckEndpoint(bad)) << bad;
  }
}

}  // namespace
}  // namespace jitwg::api
