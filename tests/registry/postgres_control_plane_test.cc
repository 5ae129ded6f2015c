// The control plane on PostgreSQL is held to its contract: two of them and a registry on one
// database of a private server.
#include "lib/registry/postgres_control_plane.h"

#include "lib/registry/postgres_registry.h"
#include "tests/registry/control_plane_contract.h"
#include "tests/support/postgres_server.h"

namespace jitwg::registry {
namespace {

class PostgresUnderTest final : public ControlPlaneUnderTest {
 public:
  explicit PostgresUnderTest(const Clock& clock)
      : database_(PostgresServer::Shared().NewDatabase()) {
    const std::string address = PostgresServer::Shared().Address(database_);
    registry_ = std::move(*PostgresRegistry::Open(address, clock));
    control_ = std::move(*PostgresControlPlane::Open(address, clock));
    other_ = std::move(*PostgresControlPlane::Open(address, clock));
  }
  ~PostgresUnderTest() override {
    registry_.reset();
    control_.reset();
    other_.reset();
    PostgresServer::Shared().Execute("postgres", "DROP DATABASE " + database_ + " WITH (FORCE)");
  }
  ControlPlane& control() override { return *control_; }
  ControlPlane& other() override { return *other_; }
  Registry& registry() override { return *registry_; }

 private:
  std::string database_;
  std::unique_ptr<PostgresRegistry> registry_;
  std::unique_ptr<PostgresControlPlane> control_;
  std::unique_ptr<PostgresControlPlane> other_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ControlPlaneContract,
    testing::Values(ControlPlaneKind{
        "Postgres", [](const Clock& clock) { return std::make_unique<PostgresUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace jitwg::registry
