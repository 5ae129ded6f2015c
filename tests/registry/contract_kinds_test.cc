// Who is held to the contract: SQLite, the fake, and the fault injector with no fault.
#include <unistd.h>

#include <filesystem>

#include "lib/registry/sqlite_registry.h"
#include "tests/registry/registry_contract.h"
#include "tests/support/fake_registry.h"

namespace jitwg::registry {
namespace {

class SqliteUnderTest final : public RegistryUnderTest {
 public:
  explicit SqliteUnderTest(const Clock& clock) {
    std::string pattern = testing::TempDir() + "jitwg-registry-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    SqliteOptions options;
    options.poll_interval = std::chrono::milliseconds(20);
    registry_ = std::move(*SqliteRegistry::Open(directory_ + "/r.db", clock, options));
    other_ = std::move(*SqliteRegistry::Open(directory_ + "/r.db", clock, options));
  }
  ~SqliteUnderTest() override {
    registry_.reset();
    other_.reset();
    std::filesystem::remove_all(directory_);
  }
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *other_; }
  void Close() override { registry_.reset(); }

 private:
  std::string directory_;
  std::unique_ptr<SqliteRegistry> registry_;
  std::unique_ptr<SqliteRegistry> other_;
};

class FakeUnderTest final : public RegistryUnderTest {
 public:
  explicit FakeUnderTest(const Clock& clock) : registry_(std::make_unique<FakeRegistry>(clock)) {}
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *registry_; }
  void Close() override { registry_.reset(); }

 private:
  std::unique_ptr<FakeRegistry> registry_;
};

class FaultlessUnderTest final : public RegistryUnderTest {
 public:
  explicit FaultlessUnderTest(const Clock& clock)
      : inner_(std::make_unique<FakeRegistry>(clock)),
        registry_(std::make_unique<FaultyRegistry>(*inner_)) {}
  Registry& registry() override { return *registry_; }
  Registry& other() override { return *inner_; }
  void Close() override {
    registry_.reset();
    inner_.reset();
  }

 private:
  std::unique_ptr<FakeRegistry> inner_;
  std::unique_ptr<FaultyRegistry> registry_;
};

template <class UnderTest>
RegistryKind Kind(const std::string& name) {
  return {name, [](const Clock& clock) { return std::make_unique<UnderTest>(clock); }};
}

INSTANTIATE_TEST_SUITE_P(Kinds, RegistryContract,
                         testing::Values(Kind<SqliteUnderTest>("Sqlite"),
                                         Kind<FakeUnderTest>("Fake"),
                                         Kind<FaultlessUnderTest>("FaultInjector")),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace jitwg::registry
