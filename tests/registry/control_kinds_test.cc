// Who is held to the control plane's contract, and what only SQLite's promises.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "lib/registry/factory.h"
#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"
#include "tests/registry/control_plane_contract.h"

namespace jitwg::registry {
namespace {

class SqliteUnderTest final : public ControlPlaneUnderTest {
 public:
  explicit SqliteUnderTest(const Clock& clock) {
    std::string pattern = testing::TempDir() + "jitwg-control-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    SqliteOptions options;
    options.poll_interval = std::chrono::milliseconds(20);
    registry_ = std::move(*SqliteRegistry::Open(directory_ + "/r.db", clock, options));
    control_ = std::move(*SqliteControlPlane::Open(directory_ + "/r.db", clock));
    other_ = std::move(*SqliteControlPlane::Open(directory_ + "/r.db", clock));
  }
  ~SqliteUnderTest() override {
    registry_.reset();
    control_.reset();
    other_.reset();
    std::filesystem::remove_all(directory_);
  }
  ControlPlane& control() override { return *control_; }
  ControlPlane& other() override { return *other_; }
  Registry& registry() override { return *registry_; }

 private:
  std::string directory_;
  std::unique_ptr<SqliteRegistry> registry_;
  std::unique_ptr<SqliteControlPlane> control_;
  std::unique_ptr<SqliteControlPlane> other_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ControlPlaneContract,
    testing::Values(ControlPlaneKind{
        "Sqlite", [](const Clock& clock) { return std::make_unique<SqliteUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

class SqliteControlPlaneTest : public testing::Test {
 protected:
  SqliteControlPlaneTest() {
    std::string pattern = testing::TempDir() + "jitwg-control-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~SqliteControlPlaneTest() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/r.db"; }

  ManualClock clock_;
  std::string directory_;
};

// Creates peers first..first+count-1 as another process does; false when one cannot be created.
bool CreateInThisProcess(const std::string& path, const Clock& clock, unsigned first,
                         unsigned count) {
  const auto control = SqliteControlPlane::Open(path, clock);
  if (!control) return false;
  for (unsigned i = first; i < first + count; ++i) {
    if (!(*control)->Create(TestPeer(i, {}))) return false;
  }
  return true;
}

TEST_F(SqliteControlPlaneTest, ProcessesThatAllocateAtOnceFillThePoolWithoutAGap) {
  constexpr unsigned kProcesses = 4;
  constexpr unsigned kEach = 60;
  auto control = std::move(*SqliteControlPlane::Open(path(), clock_));
  Network network;
  network.name = "default";
  network.pools = {*IpPrefix::Parse("10.8.0.0/24")};
  ASSERT_TRUE(control->PutNetwork(network));
  control.reset();  // no connection is taken over a fork
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(CreateInThisProcess(path(), clock_, 1 + i * kEach, kEach) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  control = std::move(*SqliteControlPlane::Open(path(), clock_));
  PeerFilter all;
  all.query.limit = kMaxListLimit;
  const auto peers = control->Search(all);
  ASSERT_TRUE(peers);
  std::vector<IpPrefix> addresses;
  for (const Peer& peer : *peers) addresses.push_back(peer.allowed_ips.front());
  std::sort(addresses.begin(), addresses.end());
  ASSERT_EQ(addresses.size(), kProcesses * kEach);
  for (unsigned i = 0; i < addresses.size(); ++i) {
    EXPECT_EQ(addresses[i].ToString(), "10.8.0." + std::to_string(i + 1) + "/32");
  }
}

TEST_F(SqliteControlPlaneTest, TheFactoryOpensIt) {
  const auto control = MakeControlPlane("sqlite:" + path(), clock_);
  ASSERT_TRUE(control) << control.error().message;
  EXPECT_TRUE((*control)->Health());
  const auto refused = MakeControlPlane("carrier-pigeon:coop", clock_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jitwg::registry
