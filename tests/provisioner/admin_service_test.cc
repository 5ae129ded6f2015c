#include "provisioner/admin_service.h"

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/server.h"
#include "provisioner/admin_convert.h"
#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

class AdminServiceTest : public GatewayFixture {
 protected:
  AdminServiceTest()
      : provisioner_(clock_, link_, registry_, *replay_, Quiet()),
        admin_(clock_, provisioner_, registry_,
               {.version = "1.2.3",
                .registry_kind = "sqlite",
                .heartbeat = std::chrono::milliseconds(20),
                .cache = nullptr,
                .cache_store = nullptr}) {
    rpc::ServerOptions options;
    options.socket_path = directory_.path() + "/a";
    server_ = std::move(*rpc::Server::Start(options, {&admin_}));
    stub_ = v1::Admin::NewStub(*rpc::MakeChannel("unix:" + options.socket_path));
    provisioner_.Start();
    link_.WaitForWatcher();
  }
  ~AdminServiceTest() override {
    provisioner_.Stop();
    admin_.Stop();
    server_.reset();
  }
  static ProvisionerOptions Quiet() {
    ProvisionerOptions options;
    options.evict_interval = std::chrono::hours(1);
    return options;
  }
  v1::StatusResponse Status() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::StatusResponse response;
    EXPECT_TRUE(stub_->Status(&context, {}, &response).ok());
    return response;
  }

  Provisioner provisioner_;
  AdminService admin_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::Admin::Stub> stub_;
};

TEST_F(AdminServiceTest, StatusTellsOfLinkRegistryAndCounts) {
  EXPECT_FALSE(Status().sniffer_connected());
  link_.Connect(1);
  link_.Emit(MakeEvent(1, 0, 5));
  registry_.Fail(Error{ErrorCode::kUnavailable, "the disk is away"});
  const auto status = Status();
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_TRUE(status.sniffer_connected());
  EXPECT_EQ(status.registry_kind(), "sqlite");
  EXPECT_FALSE(status.registry_healthy());
  EXPECT_EQ(status.registry_problem(), "the disk is away");
  EXPECT_EQ(status.registry_lookups(), 1U);
  EXPECT_EQ(status.lookups_in_flight(), 0U);
  EXPECT_EQ(status.decisions().at("unknown_key"), 1U);
  EXPECT_EQ(status.decisions().at("installed"), 0U);
  EXPECT_EQ(status.decisions_size(), static_cast<int>(kVerdicts));
  EXPECT_EQ(status.evictions_size(), static_cast<int>(kEvictionReasons));
  link_.Disconnect(Error{ErrorCode::kUnavailable, "gone"});
  EXPECT_EQ(Status().sniffer_problem(), "gone");
}

TEST_F(AdminServiceTest, DecisionsAreStreamed) {
  Register(MakePeer(1));
  grpc::ClientContext context;
  const auto reader = stub_->WatchDecisions(&context, {});
  v1::WatchDecisionsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_TRUE(message.has_heartbeat());
  link_.Emit(MakeEvent(1, 0, 5));
  do {
    ASSERT_TRUE(reader->Read(&message));
  } while (message.has_heartbeat());
  ASSERT_TRUE(message.has_decision());
  EXPECT_EQ(message.decision().verdict(), "installed");
  EXPECT_EQ(message.decision().peer_name(), "peer-1");
  EXPECT_EQ(message.decision().public_key(), rpc::ToBytes(Key(1)));
  EXPECT_EQ(message.decision().timestamp(), rpc::ToBytes(Stamp(0)));
  EXPECT_EQ(message.decision().allowed_ips_size(), 1);
  context.TryCancel();
}

TEST_F(AdminServiceTest, AnOutboundDecisionHasADestinationAndNeitherSourceNorStamp) {
  grpc::ClientContext context;
  const auto reader = stub_->WatchDecisions(&context, {});
  v1::WatchDecisionsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  link_.Emit(OutboundDemand{3, "wg0", *IpAddress::Parse("10.9.9.9"), clock_.WallNow()});
  do {
    ASSERT_TRUE(reader->Read(&message));
  } while (message.has_heartbeat());
  ASSERT_TRUE(message.has_decision());
  EXPECT_EQ(message.decision().verdict(), "unknown_address");
  EXPECT_EQ(message.decision().destination(), std::string("\x0a\x09\x09\x09"));
  EXPECT_TRUE(message.decision().public_key().empty());
  EXPECT_TRUE(message.decision().timestamp().empty());
  EXPECT_FALSE(message.decision().has_source());
  context.TryCancel();
  grpc::ClientContext status_context;
  v1::StatusResponse status;
  ASSERT_TRUE(stub_->Status(&status_context, {}, &status).ok());
  EXPECT_EQ(status.outbound().at("received"), 1U);
  EXPECT_EQ(status.decisions().at("unknown_address"), 1U);
}

TEST_F(AdminServiceTest, TheLastDecisionsComeFirstWhenTheyAreWanted) {
  for (std::uint16_t i = 1; i <= 3; ++i) link_.Emit(MakeEvent(i, 0, i));
  while (provisioner_.decisions().Count(Verdict::kUnknownKey) != 3) std::this_thread::yield();
  grpc::ClientContext context;
  v1::WatchDecisionsRequest request;
  request.set_recent(2);
  const auto reader = stub_->WatchDecisions(&context, request);
  v1::WatchDecisionsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_TRUE(message.has_heartbeat());
  for (std::uint16_t i = 2; i <= 3; ++i) {
    ASSERT_TRUE(reader->Read(&message));
    EXPECT_EQ(message.decision().public_key(), rpc::ToBytes(Key(i)));
  }
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_TRUE(message.has_heartbeat());
  context.TryCancel();
}

TEST_F(AdminServiceTest, AKeyIsExplained) {
  auto peer = MakePeer(1);
  peer.preshared_key.emplace();
  peer.preshared_key->mutable_bytes()[0] = 1;
  peer.expires_at = clock_.WallNow() + std::chrono::hours(1);
  Register(peer);
  PeerState state = LiveState(peer);
  state.endpoint = Endpoint{*IpAddress::Parse("192.0.2.7"), 4711, 0};
  link_.PutPeer("wg0", state);
  ASSERT_TRUE(replay_->Raise({{Key(1), Stamp(3)}}));
  grpc::ClientContext context;
  v1::ExplainRequest request;
  request.set_public_key(rpc::ToBytes(Key(1)));
  v1::ExplainResponse response;
  ASSERT_TRUE(stub_->Explain(&context, request, &response).ok());
  EXPECT_EQ(response.public_key(), request.public_key());
  EXPECT_EQ(response.record().name(), "peer-1");
  EXPECT_TRUE(response.record().has_preshared_key());
  EXPECT_TRUE(response.record().has_expires_at());
  ASSERT_EQ(response.interfaces_size(), 1);
  EXPECT_EQ(response.interfaces(0).verdict(), "allowed");
  EXPECT_EQ(response.interfaces(0).installed().endpoint().port(), 4711U);
  EXPECT_EQ(response.newest_timestamp(), rpc::ToBytes(Stamp(3)));
  EXPECT_FALSE(response.has_cached_age());
}

TEST_F(AdminServiceTest, PeersAreEvictedAndStampsForgotten) {
  // Registered, or the reconciler removes it first.
  Register(MakePeer(1));
  link_.PutPeer("wg0", OwnPeer(MakePeer(1)));
  ASSERT_TRUE(replay_->Raise({{Key(1), Stamp(3)}}));
  {
    grpc::ClientContext context;
    v1::EvictRequest request;
    v1::EvictResponse response;
    EXPECT_EQ(stub_->Evict(&context, request, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  grpc::ClientContext evicting;
  v1::EvictRequest evict;
  evict.set_public_key(rpc::ToBytes(Key(1)));
  v1::EvictResponse evicted;
  ASSERT_TRUE(stub_->Evict(&evicting, evict, &evicted).ok());
  ASSERT_EQ(evicted.results_size(), 1);
  EXPECT_EQ(evicted.results(0).outcome(), v1::PEER_OUTCOME_REMOVED);
  EXPECT_FALSE(HasPeer(1));
  grpc::ClientContext forgetting;
  v1::ForgetTimestampRequest forget;
  forget.set_public_key(rpc::ToBytes(Key(1)));
  v1::ForgetTimestampResponse forgotten;
  ASSERT_TRUE(stub_->ForgetTimestamp(&forgetting, forget, &forgotten).ok());
  EXPECT_EQ(forgotten.forgotten_timestamp(), rpc::ToBytes(Stamp(3)));
  EXPECT_EQ(Newest(1), std::nullopt);
}

TEST_F(AdminServiceTest, AKeyThatIsNoneIsRefusedByEveryCall) {
  v1::ExplainRequest explain;
  explain.set_public_key("short");
  v1::ExplainResponse explained;
  grpc::ClientContext first;
  EXPECT_EQ(stub_->Explain(&first, explain, &explained).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::ForgetTimestampResponse forgotten;
  grpc::ClientContext second;
  EXPECT_EQ(stub_->ForgetTimestamp(&second, {}, &forgotten).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminServiceTest, HeartbeatsComeWhenThereIsNothingToTell) {
  grpc::ClientContext context;
  const auto reader = stub_->WatchDecisions(&context, {});
  v1::WatchDecisionsResponse message;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader->Read(&message));
    EXPECT_TRUE(message.has_heartbeat());
  }
  context.TryCancel();
}

TEST_F(AdminServiceTest, WatchersAreBoundedAndTheirPlacesComeFree) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchDecisionsResponse>>> readers;
  v1::WatchDecisionsResponse message;
  for (int i = 0; i < 8; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub_->WatchDecisions(contexts.back().get(), {}));
    ASSERT_TRUE(readers.back()->Read(&message));
  }
  grpc::ClientContext extra;
  const auto refused = stub_->WatchDecisions(&extra, {});
  EXPECT_FALSE(refused->Read(&message));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (auto& context : contexts) context->TryCancel();
  while (provisioner_.decisions().fan().watchers() != 0) std::this_thread::yield();
}

TEST(FillMessage, AnEvictionCarriesItsReason) {
  v1::WatchDecisionsResponse response;
  FillMessage(EvictionNotice{{}, {"wg0", Key(1)}, EvictionReason::kUnfinished}, 4, &response);
  EXPECT_EQ(response.dropped_before(), 4U);
  EXPECT_EQ(response.eviction().reason(), "unfinished");
  EXPECT_EQ(response.eviction().interface(), "wg0");
}

}  // namespace
}  // namespace jitwg::provisioner
