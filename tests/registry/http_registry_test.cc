// The HTTP registry is held to the contract: two of them against one peer API on an SQLite file,
// and what only it promises: tokens, outages of the peer API, servers that are none.
#include "lib/registry/http_registry.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lib/http/http_server.h"
#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"
#include "peer-api/service.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""ms;
using testing::HasSubstr;

constexpr const char* kAdmin = "an-admin-token-for-tests";
constexpr const char* kGateway = "a-gateway-token-for-tests";

class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "jitwg-http-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string path() const { return path_; }

 private:
  std::string path_;
};

// A peer API that can be switched off and on again at the same port.
class TestApi {
 public:
  explicit TestApi(const Clock& clock) : clock_(clock) { SwitchOn(); }
  ~TestApi() { SwitchOff(); }

  void SwitchOn() {
    SqliteOptions options;
    options.poll_interval = 20ms;
    registry_ = std::move(*SqliteRegistry::Open(folder_.path() + "/r.db", clock_, options));
    control_ = std::move(*SqliteControlPlane::Open(folder_.path() + "/r.db", clock_));
    const std::string tokens = std::string("admin ") + kAdmin + "\ngateway " + kGateway + "\n";
    service_ = std::make_unique<api::Service>(clock_, *registry_, *control_,
                                              std::move(*api::Tokens::Parse(tokens)),
                                              api::ServiceOptions{});
    http::ServerOptions server;
    server.listen = {*IpAddress::Parse("127.0.0.1"), port_, 0};
    auto started = http::HttpServer::Start(server, *service_);
    if (!started) throw std::runtime_error(started.error().message);
    server_ = std::move(*started);
    port_ = server_->port();
  }
  void SwitchOff() {
    if (service_) service_->Stop();
    server_.reset();
    service_.reset();
    control_.reset();
    registry_.reset();
  }
  // Straight to the data, past HTTP.
  Registry& data() { return *registry_; }
  HttpRegistryOptions Options(const char* token) {
    HttpRegistryOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(port_) + "/";
    options.token_file =
        folder_.Write("token-" + std::to_string(++tokens_), std::string(token) + "\n");
    options.min_backoff = 10ms;
    options.max_backoff = 100ms;
    return options;
  }
  std::unique_ptr<HttpRegistry> Connect(const char* token) {
    return std::move(*HttpRegistry::Open(Options(token)));
  }

 private:
  const Clock& clock_;
  Folder folder_;
  std::uint16_t port_ = 0;
  int tokens_ = 0;
  std::unique_ptr<SqliteRegistry> registry_;
  std::unique_ptr<SqliteControlPlane> control_;
  std::unique_ptr<api::Service> service_;
  std::unique_ptr<http::HttpServer> server_;
};

class HttpUnderTest final : public RegistryUnderTest {
 public:
  explicit HttpUnderTest(const Clock& clock)
      : api_(clock), registry_(api_.Connect(kAdmin)), other_(api_.Connect(kAdmin)) {}
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *other_; }
  void Close() override { registry_.reset(); }

 private:
  TestApi api_;
  std::unique_ptr<HttpRegistry> registry_;
  std::unique_ptr<HttpRegistry> other_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, RegistryContract,
    testing::Values(RegistryKind{
        "Http", [](const Clock& clock) { return std::make_unique<HttpUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

class HttpRegistryTest : public testing::Test {
 protected:
  ManualClock clock_;
  TestApi api_{clock_};
};

TEST_F(HttpRegistryTest, AGatewaysTokenReadsAndReportsAndChangesNothing) {
  const auto registry = api_.Connect(kGateway);
  ASSERT_TRUE(api_.data().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->has_value());
  EXPECT_TRUE(registry->Report({{"gw-1", "0.1", 1, {}}, {}}));
  EXPECT_EQ(registry->Put(TestPeer(2, {"10.0.0.2/32"}), false).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(registry->Remove(TestKey(1)).error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(FindNow(api_.data(), TestKey(1))->has_value());
}

TEST_F(HttpRegistryTest, AWrongTokenIsAnOutageThatHealthExplains) {
  const auto registry = api_.Connect("not-one-of-the-tokens");
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(registry->Health());
}

// What a container's environment may hold; nobody listens there.
class ProxyInTheEnvironment {
 public:
  ProxyInTheEnvironment() { Set("http://127.0.0.1:9"); }
  ~ProxyInTheEnvironment() { Set(nullptr); }

 private:
  static void Set(const char* value) {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
      value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    }
  }
};

TEST_F(HttpRegistryTest, WithoutTlsNoProxyOfTheEnvironmentIsTold) {
  const ProxyInTheEnvironment proxy;
  const auto registry = api_.Connect(kGateway);
  ASSERT_TRUE(api_.data().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->has_value());
}

TEST_F(HttpRegistryTest, WhileThePeerApiIsAwayLookupsFailAndThenTheyWork) {
  const auto registry = api_.Connect(kGateway);
  ASSERT_TRUE(api_.data().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  api_.SwitchOff();
  const auto away = FindNow(*registry, TestKey(1));
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(registry->Health());
  api_.SwitchOn();
  const auto back = FindNow(*registry, TestKey(1));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->has_value());
  EXPECT_TRUE(registry->Health());
}

TEST_F(HttpRegistryTest, NoticesThatWereMissedAreToldAsOneWithoutAKey) {
  const auto registry = api_.Connect(kGateway);
  ChangeLog log;
  registry->Subscribe(log.Callback());
  api_.SwitchOff();
  api_.SwitchOn();
  EXPECT_TRUE(log.Await([](const std::vector<Change>& changes) {
    return std::any_of(changes.begin(), changes.end(),
                       [](const Change& change) { return !change.public_key; });
  }));
  ASSERT_TRUE(api_.data().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  EXPECT_TRUE(log.AwaitKey(TestKey(1)));
  registry->Subscribe({});
}

TEST_F(HttpRegistryTest, ASubscriptionMadeWhileThePeerApiIsAwayIsToldThatAnythingMayHaveChanged) {
  const auto registry = api_.Connect(kGateway);
  api_.SwitchOff();
  ChangeLog log;
  registry->Subscribe(log.Callback());
  api_.SwitchOn();
  EXPECT_TRUE(log.Await([](const auto& changes) { return !changes.empty(); }));
  EXPECT_FALSE(log.changes().front().public_key);
  registry->Subscribe({});
}

TEST_F(HttpRegistryTest, WhatIsNoPeerApiIsRefusedOrAnOutage) {
  for (const char* url : {"", "ftp://x", "http://192.0.2.1", "http://example.org", "https://u:p@x",
                          "https://x/?q=1", "http://127.0.0.1.example.org"}) {
    HttpRegistryOptions options;
    options.base_url = url;
    const auto opened = HttpRegistry::Open(options);
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument) << url;
  }
  HttpRegistryOptions options = api_.Options(kGateway);
  options.base_url += "no/such/path";
  const auto registry = std::move(*HttpRegistry::Open(options));
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_FALSE(found) << "a 404 of something else must not pass for 'no such peer'";
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpRegistryTest, ATokenFileThatIsNoneIsNamedWithoutItsContents) {
  HttpRegistryOptions options = api_.Options(kGateway);
  options.token_file += "-absent";
  EXPECT_EQ(HttpRegistry::Open(options).error().code, ErrorCode::kNotFound);
  options = api_.Options("two words");
  const auto opened = HttpRegistry::Open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr(options.token_file));
  EXPECT_EQ(opened.error().message.find("two words"), std::string::npos);
}

}  // namespace
}  // namespace jitwg::registry
