// PostgreSQL is held to the contract: two registries on one database of a private server.
#include "lib/registry/postgres_registry.h"
#include "tests/registry/registry_contract.h"
#include "tests/support/postgres_server.h"

namespace jitwg::registry {
namespace {

class PostgresUnderTest final : public RegistryUnderTest {
 public:
  explicit PostgresUnderTest(const Clock& clock)
      : database_(PostgresServer::Shared().NewDatabase()) {
    const std::string address = PostgresServer::Shared().Address(database_);
    registry_ = std::move(*PostgresRegistry::Open(address, clock));
    other_ = std::move(*PostgresRegistry::Open(address, clock));
  }
  ~PostgresUnderTest() override {
    registry_.reset();
    other_.reset();
    PostgresServer::Shared().Execute("postgres", "DROP DATABASE " + database_ + " WITH (FORCE)");
  }
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *other_; }
  void Close() override { registry_.reset(); }

 private:
  std::string database_;
  std::unique_ptr<PostgresRegistry> registry_;
  std::unique_ptr<PostgresRegistry> other_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, RegistryContract,
    testing::Values(RegistryKind{
        "Postgres", [](const Clock& clock) { return std::make_unique<PostgresUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace jitwg::registry
