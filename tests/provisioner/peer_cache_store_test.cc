#include "provisioner/peer_cache_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

const WallTime kReadAt{std::chrono::hours(480000)};

CachedPeer Cached(std::uint16_t number, std::chrono::seconds later = {}) {
  return {MakePeer(number), kReadAt + later};
}

class PeerCacheStoreTest : public ::testing::Test {
 protected:
  PeerCacheStoreTest() { limits_.retry_delay = std::chrono::milliseconds(1); }
  void Open() {
    store_.reset();
    store_ = std::make_unique<PeerCacheStore>(directory_.path(), limits_);
  }
  std::string file() const { return directory_.path() + "/cache.db"; }
  bool Has(std::uint16_t number) { return store_->Find(Key(number)).has_value(); }
  // The file cannot be opened while a folder is in its place.
  void BlockFile() { std::filesystem::create_directories(file()); }
  void UnblockFile() { std::filesystem::remove_all(file()); }

  TemporaryDirectory directory_;
  PeerCacheLimits limits_;
  std::unique_ptr<PeerCacheStore> store_;
};

TEST_F(PeerCacheStoreTest, KeepsEveryFieldAcrossARestart) {
  registry::Peer peer = MakePeer(1);
  peer.allowed_ips.push_back(*IpPrefix::Parse("fd00:1::/64"));
  peer.network = "blue";
  peer.preshared_key.emplace();
  peer.preshared_key->mutable_bytes()[31] = 7;
  peer.persistent_keepalive = 25;
  peer.pinned = true;
  peer.gateway = "gw1";
  peer.enabled = false;
  peer.expires_at = kReadAt + std::chrono::microseconds(5);
  peer.created_at = kReadAt - std::chrono::hours(2);
  peer.updated_at = kReadAt - std::chrono::hours(1);
  Open();
  store_->Put({peer.Clone(), kReadAt});
  Open();
  const auto found = store_->Find(Key(1));
  ASSERT_TRUE(found);
  const registry::Peer& got = found->peer;
  EXPECT_EQ(found->read_at, kReadAt);
  EXPECT_EQ(got.public_key, peer.public_key);
  EXPECT_EQ(got.name, peer.name);
  EXPECT_EQ(got.network, "blue");
  EXPECT_EQ(got.allowed_ips, peer.allowed_ips);
  ASSERT_TRUE(got.preshared_key);
  EXPECT_TRUE(std::ranges::equal(got.preshared_key->bytes(), peer.preshared_key->bytes()));
  EXPECT_EQ(got.persistent_keepalive, 25);
  EXPECT_TRUE(got.pinned);
  EXPECT_EQ(got.gateway, "gw1");
  EXPECT_FALSE(got.enabled);
  EXPECT_EQ(got.expires_at, peer.expires_at);
  EXPECT_EQ(got.created_at, peer.created_at);
  EXPECT_EQ(got.updated_at, peer.updated_at);
}

TEST_F(PeerCacheStoreTest, TheFileIsPrivate) {
  Open();
  store_->Put(Cached(1));
  ASSERT_TRUE(store_->Flush());
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(PeerCacheStoreTest, ARemovalHoldsAtOnceAndAcrossARestart) {
  Open();
  store_->Put(Cached(1));
  ASSERT_TRUE(store_->Flush());
  store_->Remove(Key(1));
  EXPECT_FALSE(Has(1));
  Open();
  EXPECT_FALSE(Has(1));
}

TEST_F(PeerCacheStoreTest, SurvivesBeingKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    PeerCacheStore store(directory_.path(), limits_);
    for (std::uint16_t i = 0; i < 200; ++i) store.Put(Cached(i));
    if (!store.Flush()) ::_exit(1);
    store.Remove(Key(7));
    if (!store.Flush()) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  Open();
  EXPECT_TRUE(Has(0));
  EXPECT_FALSE(Has(7));
  EXPECT_EQ(store_->size(), 199U);
}

TEST_F(PeerCacheStoreTest, ADamagedFileIsSetAsideAndBegunAnew) {
  std::ofstream(file()) << std::string(8192, 'x');
  Open();
  EXPECT_FALSE(Has(1));
  EXPECT_TRUE(std::filesystem::exists(file() + ".damaged"));
  store_->Put(Cached(1));
  EXPECT_TRUE(store_->Flush());
  Open();
  EXPECT_TRUE(Has(1));
}

TEST_F(PeerCacheStoreTest, WithoutAFileItKeepsWhatIsInMemory) {
  BlockFile();
  Open();
  store_->Put(Cached(1));
  store_->Put(Cached(2));
  store_->Remove(Key(2));
  EXPECT_FALSE(store_->Flush());
  EXPECT_TRUE(Has(1));
  EXPECT_FALSE(Has(2));
  EXPECT_GE(store_->write_failures(), 1U);
  UnblockFile();
  while (!store_->Flush()) std::this_thread::yield();
  Open();
  EXPECT_TRUE(Has(1));
}

TEST_F(PeerCacheStoreTest, TheOldestGoWhenThereAreTooMany) {
  limits_.max_entries = 100;
  Open();
  for (std::uint16_t i = 0; i < 300; ++i) {
    store_->Put(Cached(i, std::chrono::seconds(i)));
    ASSERT_TRUE(i % 50 != 49 || store_->Flush());
  }
  EXPECT_LE(store_->size(), 106U);
  EXPECT_FALSE(Has(0));
  EXPECT_TRUE(Has(299));
}

TEST_F(PeerCacheStoreTest, MemoryIsBoundedAndRevokedPeersDoNotComeBack) {
  Open();
  for (std::uint16_t i = 0; i < 50; ++i) store_->Put(Cached(i));
  store_.reset();
  limits_.max_unwritten = 10;
  std::filesystem::rename(file(), file() + ".away");
  BlockFile();
  Open();
  for (std::uint16_t i = 0; i < 50; ++i) store_->Remove(Key(i));
  for (std::uint16_t i = 100; i < 200; ++i) store_->Put(Cached(i));
  EXPECT_FALSE(Has(100));
  EXPECT_TRUE(Has(199));
  UnblockFile();
  std::filesystem::rename(file() + ".away", file());
  while (!store_->Flush()) std::this_thread::yield();
  for (std::uint16_t i = 0; i < 50; ++i) EXPECT_FALSE(Has(i)) << i;
  EXPECT_TRUE(Has(199));
}

TEST_F(PeerCacheStoreTest, ListsInPagesByKey) {
  Open();
  for (std::uint16_t i = 0; i < 10; ++i) {
    CachedPeer cached = Cached(i);
    cached.peer.pinned = i % 2 == 0;
    store_->Put(std::move(cached));
  }
  registry::ListQuery query;
  query.pinned_only = true;
  query.limit = 2;
  query.after = Key(2);
  const auto page = store_->List(query);
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].peer.public_key, Key(4));
  EXPECT_EQ(page[1].peer.public_key, Key(6));
}

}  // namespace
}  // namespace jitwg::provisioner
