#include "provisioner/operator.h"

#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::seconds;

class OperatorTest : public GatewayFixture {
 protected:
  OperatorTest()
      : operator_({.clock = clock_,
                   .link = link_,
                   .registry = registry_,
                   .replay = *replay_,
                   .book = book_,
                   .remover = remover_,
                   .decisions = decisions_,
                   .cache = nullptr,
                   .missing_pinned = [this](const PublicKey& key) { missing_.push_back(key); }},
                  {"gw1", ""}, seconds(1)) {}
  void Decide(std::uint16_t number, Verdict verdict, std::uint64_t initiation_id) {
    Decision decision;
    decision.event = MakeEvent(number, 0, initiation_id);
    decision.verdict = verdict;
    decisions_.Publish(std::move(decision));
  }
  static EvictionWish OfKey(std::uint16_t number) {
    EvictionWish wish;
    wish.key = Key(number);
    return wish;
  }
  static EvictionWish IdleFor(seconds time) {
    EvictionWish wish;
    wish.idle_for = time;
    return wish;
  }
  static EvictionWish All(const std::string& interface = "") {
    EvictionWish wish;
    wish.all = true;
    wish.interface = interface;
    return wish;
  }
  std::vector<PublicKey> Evict(const EvictionWish& wish) {
    const auto outcome = operator_.Evict(wish, {});
    EXPECT_TRUE(outcome && outcome->status);
    std::vector<PublicKey> keys;
    if (outcome) {
      for (const EvictedPeer& peer : outcome->peers) {
        EXPECT_EQ(peer.outcome, PeerOutcome::kRemoved);
        keys.push_back(peer.id.public_key);
      }
    }
    return keys;
  }

  std::vector<PublicKey> missing_;
  Operator operator_;
};

TEST_F(OperatorTest, ExplainsAPeerThatIsIn) {
  Register(MakePeer(1));
  PeerState state = LiveState(MakePeer(1));
  state.rx_bytes = 77;
  link_.PutPeer("wg0", state);
  ASSERT_TRUE(replay_->Raise({{Key(1), Stamp(9)}}));
  Decide(1, Verdict::kInstalled, 5);
  const auto explanation = operator_.Explain(Key(1), {});
  ASSERT_TRUE(explanation.record && *explanation.record);
  EXPECT_EQ((*explanation.record)->name, "peer-1");
  ASSERT_EQ(explanation.interfaces.size(), 1U);
  EXPECT_EQ(explanation.interfaces[0].verdict, "allowed");
  ASSERT_TRUE(explanation.interfaces[0].installed);
  EXPECT_EQ(explanation.interfaces[0].installed->rx_bytes, 77U);
  EXPECT_EQ(*explanation.newest_timestamp, Stamp(9));
  ASSERT_EQ(explanation.decisions.size(), 1U);
  EXPECT_EQ(explanation.decisions[0].event.initiation_id, 5U);
}

TEST_F(OperatorTest, ExplainsWhyAKeyIsRefused) {
  auto peer = MakePeer(1);
  peer.gateway = "gw2";
  Register(peer);
  EXPECT_EQ(operator_.Explain(Key(1), {}).interfaces.at(0).verdict, "other_gateway");
  EXPECT_EQ(operator_.Explain(Key(2), {}).interfaces.at(0).verdict, "unknown_key");
  registry_.Fail(Error{ErrorCode::kUnavailable, "away"});
  const auto away = operator_.Explain(Key(1), {});
  EXPECT_FALSE(away.record);
  EXPECT_EQ(away.interfaces.at(0).verdict, "registry_unavailable");
  link_.FailLists(Error{ErrorCode::kUnavailable, "no sniffer"});
  EXPECT_FALSE(operator_.Explain(Key(1), {}).listed);
}

TEST_F(OperatorTest, ExplainsWithTheNewestTenDecisionsOfTheKey) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    Decide(1, Verdict::kReplay, i);
    Decide(2, Verdict::kReplay, 100 + i);
  }
  const auto explanation = operator_.Explain(Key(1), {});
  ASSERT_EQ(explanation.decisions.size(), 10U);
  EXPECT_EQ(explanation.decisions.front().event.initiation_id, 19U);
  EXPECT_EQ(explanation.decisions.back().event.initiation_id, 10U);
}

TEST_F(OperatorTest, EvictsOneKeyAndRemembersItsStamp) {
  for (std::uint16_t i = 1; i <= 3; ++i) Install(MakePeer(i));
  PeerState state = *link_.GetPeer("wg0", Key(2));
  state.newest_timestamp = Stamp(44);
  link_.PutPeer("wg0", state);
  EXPECT_EQ(Evict(OfKey(2)), std::vector<PublicKey>{Key(2)});
  EXPECT_TRUE(HasPeer(1));
  EXPECT_FALSE(HasPeer(2));
  EXPECT_EQ(Newest(2), Stamp(44));
  EXPECT_EQ(decisions_.Count(EvictionReason::kOperator), 1U);
  EXPECT_TRUE(Evict(OfKey(2)).empty());
}

TEST_F(OperatorTest, EvictsTheIdleOrAllButNeverAForeignPeer) {
  for (std::uint16_t i = 1; i <= 3; ++i) Install(MakePeer(i));
  PeerState foreign = OwnPeer(MakePeer(9));
  foreign.own = false;
  link_.PutPeer("wg0", foreign);
  clock_.Advance(seconds(700));
  book_.NoteActivity({"wg0", Key(3)}, clock_.SteadyNow());
  EXPECT_EQ(Evict(IdleFor(seconds(600))).size(), 2U);
  EXPECT_TRUE(HasPeer(3));
  EXPECT_EQ(Evict(All()).size(), 1U);
  EXPECT_TRUE(HasPeer(9));
  EXPECT_TRUE(Evict(OfKey(9)).empty());
}

TEST_F(OperatorTest, AnUnclearOrMisplacedWishEvictsNobody) {
  Install(MakePeer(1));
  EvictionWish both = OfKey(1);
  both.all = true;
  EXPECT_EQ(operator_.Evict({}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(operator_.Evict(both, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(operator_.Evict(All("wg7"), {}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(HasPeer(1));
}

TEST_F(OperatorTest, APinnedPeerThatIsMissingIsNotForgottenByTheWay) {
  auto peer = MakePeer(1);
  peer.pinned = true;
  Install(peer);
  clock_.Advance(seconds(1));
  link_.DropPeer("wg0", Key(1));
  EXPECT_TRUE(Evict(All()).empty());
  EXPECT_EQ(missing_, std::vector<PublicKey>{Key(1)});
}

TEST_F(OperatorTest, ForgetsAStamp) {
  ASSERT_TRUE(replay_->Raise({{Key(1), Stamp(9)}}));
  EXPECT_EQ(*operator_.ForgetTimestamp(Key(1)), Stamp(9));
  EXPECT_EQ(*operator_.ForgetTimestamp(Key(1)), std::nullopt);
}

TEST(DecisionHistory, KeepsTheLastOnesInOrder) {
  DecisionHistory history(4);
  for (std::uint64_t i = 0; i < 10; ++i) {
    Decision decision;
    decision.event = MakeEvent(1, 0, i);
    decision.detail = std::string(5000, 'x');
    history.Add(decision);
  }
  const auto last = history.Last(100);
  ASSERT_EQ(last.size(), 4U);
  EXPECT_EQ(last.front().event.initiation_id, 6U);
  EXPECT_EQ(last.back().event.initiation_id, 9U);
  EXPECT_EQ(history.Last(1).at(0).event.initiation_id, 9U);
  EXPECT_EQ(history.Of(Key(1), 2).at(0).event.initiation_id, 9U);
  EXPECT_TRUE(history.Of(Key(2), 2).empty());
  EXPECT_LE(last[0].detail.size(), DecisionHistory::kMaxDetail);
}

}  // namespace
}  // namespace jitwg::provisioner
