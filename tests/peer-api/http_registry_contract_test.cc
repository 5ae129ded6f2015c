// The registry over HTTP is held to the registries' one contract: the gateways' client, the real
// server and an SQLite file behind it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lib/registry/http_registry.h"
#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"
#include "peer-api/http_server.h"
#include "peer-api/service.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

class HttpUnderTest final : public RegistryUnderTest {
 public:
  explicit HttpUnderTest(const Clock& clock) {
    std::string pattern = testing::TempDir() + "jitwg-http-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    SqliteOptions options;
    options.poll_interval = std::chrono::milliseconds(20);
    const std::string path = directory_ + "/r.db";
    store_ = std::move(*SqliteRegistry::Open(path, clock, options));
    control_ = std::move(*SqliteControlPlane::Open(path, clock));
    api::ServiceOptions service_options;
    service_options.lookup_timeout = std::chrono::minutes(2);
    service_ = std::make_unique<api::Service>(
        clock, *store_, *control_, std::move(*api::Tokens::Parse("admin the-token-of-the-tests")),
        service_options);
    api::ServerOptions server_options;
    server_options.listen = {*IpAddress::Parse("127.0.0.1"), 0, 0};
    server_options.threads = 24;
    server_ = std::move(*api::HttpServer::Start(server_options, *service_));
    std::ofstream(directory_ + "/token") << "the-token-of-the-tests\n";
    EXPECT_EQ(::chmod((directory_ + "/token").c_str(), 0600), 0);
    registry_ = Connect();
    other_ = Connect();
  }
  ~HttpUnderTest() override {
    registry_.reset();
    other_.reset();
    service_->Stop();
    server_.reset();
    service_.reset();
    control_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *other_; }
  void Close() override { registry_.reset(); }

 private:
  std::unique_ptr<HttpRegistry> Connect() {
    HttpRegistryOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(server_->port());
    options.token_file = directory_ + "/token";
    auto opened = HttpRegistry::Open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  std::string directory_;
  std::unique_ptr<SqliteRegistry> store_;
  std::unique_ptr<SqliteControlPlane> control_;
  std::unique_ptr<api::Service> service_;
  std::unique_ptr<api::HttpServer> server_;
  std::unique_ptr<HttpRegistry> registry_;
  std::unique_ptr<HttpRegistry> other_;
};

INSTANTIATE_TEST_SUITE_P(
    Http, RegistryContract,
    testing::Values(RegistryKind{
        "PeerApi", [](const Clock& clock) { return std::make_unique<HttpUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace jitwg::registry
