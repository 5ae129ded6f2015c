// The link against a real gRPC server: loss and return of the stream, deadlines, hostile answers.
#include "provisioner/grpc_sniffer_link.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <thread>

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "provisioner/registry_batch.h"
#include "tests/provisioner/sniffer_server.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::milliseconds;

class RecordingListener final : public SnifferListener {
 public:
  void OnConnected(std::uint64_t instance) override { Push(instances_, instance); }
  void OnEvents(const std::vector<HandshakeEvent>& events) override {
    for (const HandshakeEvent& event : events) Push(events_, event);
  }
  void OnDemand(const OutboundDemand& demand) override { Push(demands_, demand); }
  void OnDropped(std::uint64_t count) override { Push(drops_, count); }
  void OnDisconnected(const Error& why) override { Push(losses_, why); }

  std::uint64_t NextInstance() { return Next(instances_); }
  HandshakeEvent NextEvent() { return Next(events_); }
  OutboundDemand NextDemand() { return Next(demands_); }
  std::uint64_t NextDrop() { return Next(drops_); }
  Error NextLoss() { return Next(losses_); }

 private:
  template <class T>
  void Push(std::deque<T>& queue, T item) {
    const std::lock_guard lock(mutex_);
    queue.push_back(std::move(item));
    changed_.notify_all();
  }
  template <class T>
  T Next(std::deque<T>& queue) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !queue.empty(); });
    T item = std::move(queue.front());
    queue.pop_front();
    return item;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::uint64_t> instances_;
  std::deque<HandshakeEvent> events_;
  std::deque<OutboundDemand> demands_;
  std::deque<std::uint64_t> drops_;
  std::deque<Error> losses_;
};

v1::WatchResponse EventMessage(std::uint64_t id) {
  v1::WatchResponse message;
  v1::HandshakeEvent* event = message.mutable_event();
  event->set_initiation_id(id);
  event->set_interface("wg0");
  event->set_public_key(rpc::ToBytes(Key(1)));
  event->set_timestamp(rpc::ToBytes(Stamp(3)));
  rpc::Fill(Endpoint{*IpAddress::Parse("192.0.2.7"), 4000, 0}, event->mutable_source());
  return message;
}

class GrpcSnifferLinkTest : public ::testing::Test {
 protected:
  GrpcSnifferLinkTest() { server_ = std::make_unique<SnifferServer>(socket(), 11); }

  std::string socket() const { return directory_.path() + "/s"; }
  std::unique_ptr<GrpcSnifferLink> Connect(SnifferLinkTimes times = {}) {
    times.first_backoff = milliseconds(1);
    times.last_backoff = milliseconds(20);
    return std::make_unique<GrpcSnifferLink>(*rpc::MakeChannel("unix:" + socket()), times);
  }
  std::jthread Watch(GrpcSnifferLink& link) {
    return std::jthread([&](const std::stop_token& stop) { link.Watch(listener_, stop); });
  }

  TemporaryDirectory directory_;
  std::unique_ptr<SnifferServer> server_;
  RecordingListener listener_;
};

TEST_F(GrpcSnifferLinkTest, DeliversEventsAndDrops) {
  const auto link = Connect();
  const auto watching = Watch(*link);
  EXPECT_EQ(listener_.NextInstance(), 11U);
  auto message = EventMessage(5);
  message.set_dropped_before(3);
  server_->Send(message);
  EXPECT_EQ(listener_.NextDrop(), 3U);
  const HandshakeEvent event = listener_.NextEvent();
  EXPECT_EQ(event.initiation_id, 5U);
  EXPECT_EQ(event.interface, "wg0");
  EXPECT_EQ(event.public_key, Key(1));
  EXPECT_EQ(event.timestamp, Stamp(3));
  EXPECT_EQ(event.source.ToString(), "192.0.2.7:4000");
}

TEST_F(GrpcSnifferLinkTest, DeliversDemandsAndDropsMalformedOnes) {
  const auto link = Connect();
  const auto watching = Watch(*link);
  v1::WatchResponse message;
  message.mutable_demand()->set_demand_id(8);
  message.mutable_demand()->set_interface("wg0");
  message.mutable_demand()->set_destination("abc");
  server_->Send(message);
  EXPECT_EQ(listener_.NextDrop(), 1U);
  message.mutable_demand()->set_destination(std::string("\x0a\x08\x01\x02"));
  server_->Send(message);
  const OutboundDemand demand = listener_.NextDemand();
  EXPECT_EQ(demand.demand_id, 8U);
  EXPECT_EQ(demand.interface, "wg0");
  EXPECT_EQ(demand.destination.ToString(), "10.8.1.2");
  message.mutable_demand()->set_demand_id(0);
  server_->Send(message);
  EXPECT_EQ(listener_.NextDrop(), 1U);
}

TEST_F(GrpcSnifferLinkTest, AMalformedEventCountsAsDropped) {
  const auto link = Connect();
  const auto watching = Watch(*link);
  auto broken = EventMessage(1);
  broken.mutable_event()->set_public_key("short");
  server_->Send(broken);
  server_->Send(EventMessage(2));
  EXPECT_EQ(listener_.NextDrop(), 1U);
  EXPECT_EQ(listener_.NextEvent().initiation_id, 2U);
}

TEST_F(GrpcSnifferLinkTest, DeliversAllEventsOfAMessageInOrder) {
  const auto link = Connect();
  const auto watching = Watch(*link);
  auto message = EventMessage(1);
  *message.add_more_events() = EventMessage(2).event();
  message.mutable_more_events(0)->set_public_key("short");
  *message.add_more_events() = EventMessage(3).event();
  server_->Send(message);
  EXPECT_EQ(listener_.NextDrop(), 1U);
  EXPECT_EQ(listener_.NextEvent().initiation_id, 1U);
  EXPECT_EQ(listener_.NextEvent().initiation_id, 3U);
}

TEST_F(GrpcSnifferLinkTest, ComesBackAfterTheSnifferWasRestarted) {
  const auto link = Connect();
  const auto watching = Watch(*link);
  EXPECT_EQ(listener_.NextInstance(), 11U);
  server_.reset();
  listener_.NextLoss();
  listener_.NextLoss();  // a try in vain
  server_ = std::make_unique<SnifferServer>(socket(), 22);
  EXPECT_EQ(listener_.NextInstance(), 22U);
  server_->Send(EventMessage(6));
  EXPECT_EQ(listener_.NextEvent().initiation_id, 6U);
}

TEST_F(GrpcSnifferLinkTest, ASilentStreamIsGivenUpAndOpenedAgain) {
  const auto link = Connect({.max_silence = milliseconds(200)});
  const auto watching = Watch(*link);
  EXPECT_EQ(listener_.NextInstance(), 11U);
  EXPECT_EQ(listener_.NextLoss().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(listener_.NextInstance(), 11U);
  server_->WaitForWatches(2);
}

TEST_F(GrpcSnifferLinkTest, InstallsCarryEverythingAndAnswersComeBack) {
  v1::InstallPeersResponse response;
  v1::PeerResult* result = response.add_results();
  result->set_public_key(rpc::ToBytes(Key(1)));
  result->set_outcome(v1::PEER_OUTCOME_REFUSED_CAP);
  result->set_message("full");
  server_->AnswerInstall(response);
  const auto link = Connect();
  PeerSpec spec;
  spec.public_key = Key(1);
  spec.preshared_key.emplace().mutable_bytes()[0] = 9;
  spec.allowed_ips = MakePeer(1).allowed_ips;
  spec.persistent_keepalive = 25;
  spec.initiation_id = 77;
  std::vector<PeerSpec> specs;
  specs.push_back(std::move(spec));
  const auto results = InstallAndWait(*link, "wg0", std::move(specs), Completion::kInitiate);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), 1U);
  EXPECT_EQ((*results)[0].outcome, PeerOutcome::kRefusedCap);
  EXPECT_EQ((*results)[0].message, "full");
  const auto request = server_->last_install();
  EXPECT_EQ(request.interface(), "wg0");
  EXPECT_EQ(request.completion(), v1::COMPLETION_INITIATE);
  ASSERT_EQ(request.peers_size(), 1);
  EXPECT_EQ(request.peers(0).preshared_key().size(), 32U);
  EXPECT_EQ(request.peers(0).preshared_key()[0], 9);
  EXPECT_EQ(request.peers(0).persistent_keepalive_seconds(), 25U);
  EXPECT_EQ(request.peers(0).initiation_id(), 77U);
  EXPECT_EQ(request.peers(0).allowed_ips_size(), 1);
}

TEST_F(GrpcSnifferLinkTest, CallsFailWithTheSniffersReason) {
  server_->AnswerWith({grpc::StatusCode::NOT_FOUND, "no interface wg9"});
  const auto link = Connect();
  const auto results = InstallAndWait(*link, "wg9", {}, Completion::kRetry);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kNotFound);
  EXPECT_NE(results.error().message.find("no interface wg9"), std::string::npos);
  EXPECT_EQ(link->List("wg9", {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(link->Remove("wg9", {}, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(link->GetInterfaces({}).error().code, ErrorCode::kNotFound);
}

TEST_F(GrpcSnifferLinkTest, AHangingInstallEndsAtItsDeadline) {
  server_->HangInstalls();
  const auto link = Connect({.install = milliseconds(100)});
  const auto results = InstallAndWait(*link, "wg0", {}, Completion::kRetry);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(GrpcSnifferLinkTest, TheNextCallTellsThatAnEarlierOneWasGivenUp) {
  server_->HangInstalls();
  const auto link = Connect({.install = milliseconds(100)});
  ASSERT_FALSE(InstallAndWait(*link, "wg0", {}, Completion::kRetry));
  const v1::CallOrder first = server_->last_install().order();
  EXPECT_NE(first.caller(), 0U);
  EXPECT_EQ(first.number(), first.oldest_open());
  link->Install("wg0", {}, Completion::kRetry, [](const auto&) {});
  static_cast<void>(link->Remove("wg0", {}, {}));
  const v1::CallOrder third = server_->last_remove().order();
  EXPECT_EQ(third.caller(), first.caller());
  EXPECT_EQ(third.oldest_open(), first.number() + 1);
  EXPECT_EQ(third.number(), first.number() + 2);
  EXPECT_NE(Connect()->Remove("wg0", {}, {}).has_value(), false);
  EXPECT_NE(server_->last_remove().order().caller(), first.caller());
}

TEST_F(GrpcSnifferLinkTest, TheEndOfTheLinkEndsItsInstalls) {
  server_->HangInstalls();
  auto link = Connect();
  std::optional<bool> answered;
  link->Install("wg0", {}, Completion::kRetry, [&](const Result<std::vector<PeerResult>>& results) {
    answered = results.has_value();
  });
  server_->WaitForInstall();
  link.reset();
  EXPECT_EQ(answered, std::optional<bool>(false));
}

TEST_F(GrpcSnifferLinkTest, ListsInChunksAndPassesInterruptionsOn) {
  std::vector<v1::ListPeersResponse> chunks(2);
  for (std::uint16_t i = 0; i < 2; ++i) {
    v1::PeerState* state = chunks[i].add_peers();
    state->set_public_key(rpc::ToBytes(Key(i)));
    state->set_own(true);
    state->set_rx_bytes(100);
    state->mutable_installed_for()->set_seconds(5);
  }
  chunks[0].mutable_peers(0)->set_newest_timestamp(rpc::ToBytes(Stamp(4)));
  chunks[0].mutable_peers(0)->mutable_last_handshake()->set_seconds(1000);
  chunks[1].set_interrupted(true);
  server_->AnswerList(chunks);
  const auto list = Connect()->List("wg0", {});
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->peers.size(), 2U);
  EXPECT_TRUE(list->interrupted);
  EXPECT_EQ(list->peers[0].newest_timestamp, Stamp(4));
  EXPECT_EQ(list->peers[0].last_handshake, WallTime(std::chrono::seconds(1000)));
  EXPECT_FALSE(list->peers[1].last_handshake);
  EXPECT_EQ(list->peers[1].installed_for, std::chrono::seconds(5));
}

TEST_F(GrpcSnifferLinkTest, AListWithAMalformedKeyIsRefused) {
  std::vector<v1::ListPeersResponse> chunks(1);
  chunks[0].add_peers()->set_public_key("short");
  server_->AnswerList(chunks);
  EXPECT_EQ(Connect()->List("wg0", {}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(GrpcSnifferLinkTest, RemovesAndDescribesInterfaces) {
  const auto link = Connect();
  const auto removed = link->Remove("wg0", {Key(1), Key(2)}, {});
  ASSERT_TRUE(removed);
  EXPECT_EQ((*removed)[1].outcome, PeerOutcome::kRemoved);
  EXPECT_EQ(server_->last_remove().public_keys_size(), 2);
  const auto states = link->GetInterfaces({});
  ASSERT_TRUE(states);
  EXPECT_EQ(states->at(0).generation, 7U);
  EXPECT_EQ(states->at(0).allowed_prefixes.at(0).ToString(), "10.0.0.0/8");
}

TEST_F(GrpcSnifferLinkTest, WithoutASnifferCallsFailAsUnavailable) {
  server_.reset();
  const auto link = Connect();
  EXPECT_EQ(link->GetInterfaces({}).error().code, ErrorCode::kUnavailable);
  const auto watching = Watch(*link);
  EXPECT_EQ(listener_.NextLoss().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace jitwg::provisioner
