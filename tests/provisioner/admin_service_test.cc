#include "provisioner/admin_service.h"

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/server.h"
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
                .heartbeat = std::chrono::milliseconds(20)}) {
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
