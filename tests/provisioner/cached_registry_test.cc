#include "provisioner/cached_registry.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "provisioner/coordinator.h"
#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Error kAway{ErrorCode::kUnavailable, "away"};
const Error kHangs{ErrorCode::kDeadlineExceeded, "no answer"};

struct Answer {
  Result<std::optional<registry::Peer>> found;
  std::optional<seconds> age;

  bool IsPeer() const { return found && found->has_value(); }
  bool IsNo() const { return found && !found->has_value(); }
};

class CachedRegistryTest : public ::testing::Test {
 protected:
  CachedRegistryTest() { Restart(); }
  void Restart() {
    cached_.reset();
    store_.reset();
    store_ = std::make_unique<PeerCacheStore>(directory_.path());
    cached_ = std::make_unique<CachedRegistry>(inner_, *store_, clock_);
    cached_->Subscribe([this](const registry::Change& change) {
      const std::lock_guard lock(mutex_);
      changes_.push_back(change);
    });
  }
  std::future<Answer> Begin(std::uint16_t number) {
    const auto promise = std::make_shared<std::promise<Answer>>();
    cached_->LookUp(
        Key(number), seconds(1),
        [promise](Result<std::optional<registry::Peer>> found, std::optional<seconds> age) {
          promise->set_value({std::move(found), age});
        });
    return promise->get_future();
  }
  Answer LookUp(std::uint16_t number) { return Begin(number).get(); }
  void Register(std::uint16_t number) { ASSERT_TRUE(inner_.Put(MakePeer(number), true)); }
  std::vector<registry::Change> changes() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  HoldableRegistry inner_;
  std::mutex mutex_;
  std::vector<registry::Change> changes_;
  std::unique_ptr<PeerCacheStore> store_;
  std::unique_ptr<CachedRegistry> cached_;
};

TEST_F(CachedRegistryTest, AsksTheRegistryWhileItIsWell) {
  Register(1);
  EXPECT_TRUE(LookUp(1).IsPeer());
  EXPECT_EQ(LookUp(1).age, std::nullopt);
  EXPECT_EQ(inner_.finds(), 2U);
}

TEST_F(CachedRegistryTest, AKnownPeerIsServedWhileTheRegistryIsAwayUntilItIsTooOld) {
  Register(1);
  LookUp(1);
  inner_.Fail(kAway);
  clock_.Advance(seconds(90));
  const Answer answer = LookUp(1);
  EXPECT_TRUE(answer.IsPeer());
  EXPECT_EQ(answer.age, seconds(90));
  EXPECT_EQ(cached_->counters().served, 1U);
  EXPECT_TRUE(cached_->counters().registry_away);
  clock_.Advance(hours(24));
  EXPECT_FALSE(LookUp(1).found);
}

TEST_F(CachedRegistryTest, AnUnknownPeerGetsTheRegistrysErrorAndNoNegativeEntry) {
  inner_.Fail(kAway);
  const Answer answer = LookUp(1);
  ASSERT_FALSE(answer.found);
  EXPECT_EQ(answer.found.error().code, ErrorCode::kUnavailable);
  inner_.Fail(std::nullopt);
  Register(1);
  EXPECT_TRUE(LookUp(1).IsPeer());
}

TEST_F(CachedRegistryTest, ANoIsSaidAgainForASecondOrUntilANotice) {
  EXPECT_TRUE(LookUp(1).IsNo());
  EXPECT_TRUE(LookUp(1).IsNo());
  EXPECT_EQ(inner_.finds(), 1U);
  clock_.Advance(seconds(1));
  EXPECT_TRUE(LookUp(1).IsNo());
  EXPECT_EQ(inner_.finds(), 2U);
  Register(1);
  inner_.Notify({Key(1)});
  EXPECT_TRUE(LookUp(1).IsPeer());
  EXPECT_TRUE(LookUp(2).IsNo());
  inner_.Notify({});
  Register(2);
  EXPECT_TRUE(LookUp(2).IsPeer());
}

TEST_F(CachedRegistryTest, ARevokedPeerIsNotServedWhenTheRegistryGoesAwayLater) {
  for (std::uint16_t i = 1; i <= 3; ++i) {
    Register(i);
    LookUp(i);
  }
  ASSERT_TRUE(inner_.Remove(Key(1)));
  EXPECT_TRUE(LookUp(1).IsNo());  // the registry said so
  ASSERT_TRUE(inner_.Remove(Key(2)));
  inner_.Notify({Key(2)});  // a notice said so
  inner_.Fail(kAway);
  EXPECT_FALSE(LookUp(1).IsPeer());
  EXPECT_FALSE(LookUp(2).IsPeer());
  EXPECT_TRUE(LookUp(3).IsPeer());
  Restart();
  EXPECT_FALSE(LookUp(1).IsPeer());
  EXPECT_FALSE(LookUp(2).IsPeer());
  EXPECT_TRUE(LookUp(3).IsPeer());
}

TEST_F(CachedRegistryTest, AnAnswerThatANoticeOvertookIsNotKept) {
  Register(1);
  Register(2);
  inner_.Hold();
  auto first = Begin(1);
  auto second = Begin(2);
  inner_.Notify({Key(1)});
  inner_.Release();
  EXPECT_TRUE(first.get().IsPeer());
  EXPECT_TRUE(second.get().IsPeer());
  inner_.Fail(kAway);
  EXPECT_FALSE(LookUp(1).IsPeer());
  EXPECT_TRUE(LookUp(2).IsPeer());
}

TEST_F(CachedRegistryTest, AHangingRegistryCostsTheTimeOutOnce) {
  Register(1);
  LookUp(1);
  inner_.Fail(kHangs);
  EXPECT_TRUE(LookUp(1).IsPeer());
  inner_.Hold();  // an answer would never come
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(LookUp(1).IsPeer());
  EXPECT_EQ(inner_.finds(), 2U);
  clock_.Advance(milliseconds(500));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(LookUp(1).IsPeer());
  EXPECT_EQ(inner_.finds(), 3U);  // one probe
  auto unknown = Begin(9);        // still tried
  EXPECT_EQ(inner_.finds(), 4U);
  inner_.Fail(std::nullopt);
  inner_.Release();
  EXPECT_TRUE(unknown.get().IsNo());
  EXPECT_EQ(LookUp(1).age, std::nullopt);  // and the registry is asked again
}

// A peer that was revoked meanwhile would stay for as long as nobody else calls.
TEST_F(CachedRegistryTest, AProbeNoticesThatTheRegistryIsBackWhenNobodyCalls) {
  Register(1);
  LookUp(1);
  cached_->Probe(seconds(1));
  EXPECT_EQ(inner_.finds(), 1U) << "the registry is there: nothing to find out";
  inner_.Fail(kAway);
  LookUp(1);
  cached_->Probe(seconds(1));
  cached_->Probe(seconds(1));
  EXPECT_EQ(inner_.finds(), 3U) << "none within the interval of the last";
  EXPECT_TRUE(changes().empty());
  inner_.Fail(std::nullopt);
  clock_.Advance(milliseconds(500));
  cached_->Probe(seconds(1));
  while (changes().empty()) std::this_thread::yield();
  EXPECT_EQ(changes()[0].public_key, Key(1));
  EXPECT_FALSE(cached_->counters().registry_away);
}

TEST_F(CachedRegistryTest, WhoWasServedMeanwhileIsToldWhenTheRegistryIsBack) {
  Register(1);
  Register(2);
  LookUp(1);
  LookUp(2);
  inner_.Fail(kAway);
  LookUp(1);
  inner_.Fail(std::nullopt);
  LookUp(2);
  while (changes().empty()) std::this_thread::yield();
  ASSERT_EQ(changes().size(), 1U);
  EXPECT_EQ(changes()[0].public_key, Key(1));
}

TEST_F(CachedRegistryTest, PinnedPeersAreListedWhileTheRegistryIsAway) {
  registry::ListQuery query;
  query.pinned_only = true;
  inner_.Fail(kAway);
  EXPECT_FALSE(cached_->List(query));
  inner_.Fail(std::nullopt);
  auto pinned = MakePeer(1);
  pinned.pinned = true;
  ASSERT_TRUE(inner_.Put(pinned, true));
  ASSERT_TRUE(cached_->List(query));
  inner_.Fail(kAway);
  const auto page = cached_->List(query);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1U);
  query.after = Key(1);
  EXPECT_TRUE(cached_->List(query)->empty());
  query.pinned_only = false;
  EXPECT_FALSE(cached_->List(query));
}

TEST_F(CachedRegistryTest, ADecisionFromTheCacheSaysSo) {
  FakeSnifferLink link;
  PeerBook book;
  InterfaceTable interfaces;
  interfaces.Update(*link.GetInterfaces({}));
  DecisionHub decisions;
  const auto replay = std::move(*ReplayMemory::Open(directory_.path()));
  Register(1);
  LookUp(1);
  inner_.Fail(kAway);
  clock_.Advance(seconds(35));
  {
    Coordinator coordinator(
        {clock_, link, *cached_, *replay, book, interfaces, decisions, cached_.get()}, {}, {});
    coordinator.OnEvent(MakeEvent(1, 0, 7));
    while (coordinator.in_flight() != 0) std::this_thread::yield();
  }
  EXPECT_TRUE(link.HasPeer("wg0", Key(1)));
  EXPECT_EQ(decisions.history().Last(1).at(0).detail, "from the gateway's cache, 35 s old");
}

TEST_F(CachedRegistryTest, ADamagedRowIsNoOutage) {
  Register(1);
  LookUp(1);
  inner_.DamageRow(Key(1), true);
  const Answer answer = LookUp(1);
  ASSERT_FALSE(answer.found);
  EXPECT_EQ(answer.found.error().code, ErrorCode::kDataLoss);
  EXPECT_FALSE(cached_->counters().registry_away);
}

// A registry with its gateway's cache, as they should be.
class CachedRegistryModel : public CachedRegistryTest {
 protected:
  // When the gateway read the peer last; a probe may have read it once more.
  struct Known {
    WallTime surely;
    WallTime perhaps;
  };

  int Pick(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

  // A change and its notice, which only a registry that is there sends.
  void ChangePeer(std::uint16_t number) {
    if (away_) return;
    registered_[number] = Pick(2) == 0;
    if (registered_[number]) {
      Register(number);
    } else {
      static_cast<void>(inner_.Remove(Key(number)));
    }
    inner_.Notify({Key(number)});
    known_.erase(number);
  }
  void ChangeWeather() {
    away_ = Pick(2) == 0;
    inner_.Fail(!away_ ? std::nullopt : std::optional(Pick(2) == 0 ? kAway : kHangs));
  }
  bool IsYoung(WallTime read_at) { return clock_.WallNow() - read_at <= hours(24); }

  void Check(std::uint16_t number) {
    const Answer answer = LookUp(number);
    const auto known = known_.find(number);
    const bool may_be_known = known != known_.end() && IsYoung(known->second.perhaps);
    const bool must_be_known = known != known_.end() && IsYoung(known->second.surely);
    if (away_) {
      ASSERT_TRUE(!must_be_known || answer.IsPeer());
      ASSERT_TRUE(may_be_known || !answer.IsPeer());
    } else {
      ASSERT_EQ(answer.IsPeer(), registered_[number]);
      ASSERT_EQ(answer.IsNo(), !registered_[number]);
    }
    const WallTime now = clock_.WallNow();
    if (answer.IsPeer() && !answer.age) known_[number] = {now, now};
    if (answer.IsPeer() && answer.age && !away_) known_[number].perhaps = now;
    served_ += answer.age.has_value();
  }

  std::mt19937 random_{20'260'101};
  std::map<std::uint16_t, bool> registered_;
  std::map<std::uint16_t, Known> known_;
  bool away_ = false;
  int served_ = 0;
};

TEST_F(CachedRegistryModel, AgreesOverRandomHistories) {
  for (int step = 0; step < 20'000 && !HasFatalFailure(); ++step) {
    SCOPED_TRACE(step);
    const auto number = static_cast<std::uint16_t>(Pick(12));
    switch (Pick(9)) {
      case 0:
        ChangePeer(number);
        break;
      case 1:
        if (!away_) inner_.Notify({});
        break;
      case 2:
        ChangeWeather();
        break;
      case 3:
        clock_.Advance(Pick(50) == 0 ? milliseconds(hours(25)) : milliseconds(Pick(2000)));
        break;
      case 4:
        if (Pick(200) == 0) Restart();
        break;
      default:
        Check(number);
    }
  }
  EXPECT_GT(served_, 500);
}

}  // namespace
}  // namespace jitwg::provisioner
