// While the registry is well the cached one is held to the registries' contract.
#include <unistd.h>

#include "provisioner/cached_registry.h"
#include "tests/provisioner/test_values.h"
#include "tests/registry/registry_contract.h"
#include "tests/support/fake_registry.h"

namespace jitwg::registry {
namespace {

class CachedUnderTest final : public RegistryUnderTest {
 public:
  explicit CachedUnderTest(const Clock& clock)
      : inner_(std::make_unique<FakeRegistry>(clock)),
        store_(directory_.path()),
        registry_(std::make_unique<provisioner::CachedRegistry>(*inner_, store_, clock)) {}
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *inner_; }
  void Close() override {
    registry_.reset();
    inner_.reset();
  }

 private:
  provisioner::TemporaryDirectory directory_;
  std::unique_ptr<FakeRegistry> inner_;
  provisioner::PeerCacheStore store_;
  std::unique_ptr<provisioner::CachedRegistry> registry_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, RegistryContract,
    testing::Values(RegistryKind{
        "Cached", [](const Clock& clock) { return std::make_unique<CachedUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace jitwg::registry
