#include "sniffer/events_service.h"

#include <gtest/gtest.h>

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/server.h"
#include "tests/rpc/temp_dir.h"
#include "tests/sniffer/core/gateway.h"

namespace jitwg::sniffer {
namespace {

class EventsServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = rpc::Server::Start({dir_.File("s.sock"), {}, 4 << 20}, {&service_});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    stub_ = v1::HandshakeEvents::NewStub(rpc::MakeChannel(dir_.File("s.sock")).value());
  }

  static HandshakeEvent EventOn(const std::string& interface) {
    HandshakeEvent event;
    event.initiation_id = 7;
    event.interface = interface;
    event.public_key = Gateway::KeyOf(3);
    event.source = {IpAddress::Parse("192.0.2.7").value(), 40000, 0};
    event.destination = {IpAddress::Parse("198.51.100.1").value(), 51820, 0};
    event.timestamp = Tai64n::FromUnix(1000, 0);
    event.already_installed = true;
    return event;
  }

  ManualClock clock_;
  Statistics statistics_;
  EventsService service_{
      clock_, statistics_,
      EventsService::Others{
          [] {
            return PacketSourceStats{5, 2, 0, 0};
          },
          [] {
            return CompletionStatus{"reinject by raw", "no mirred", {3, 4, 5, 6}, 7, 8};
          },
          [](v1::OutboundStatus& status) { (*status.mutable_packets())["asked"] = 9; }}};
  rpc::TempDir dir_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::HandshakeEvents::Stub> stub_;
};

TEST_F(EventsServiceTest, AWatcherIsGreetedAndThenToldEverything) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, std::chrono::seconds(30));
  const auto reader = stub_->Watch(&context, {});
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.heartbeat().sniffer_instance(), service_.instance());
  service_.OnEvents(std::vector{EventOn("wg0")});
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_TRUE(response.has_event());
  EXPECT_EQ(response.event().initiation_id(), 7U);
  EXPECT_EQ(response.event().public_key(), rpc::ToBytes(Gateway::KeyOf(3)));
  EXPECT_EQ(response.event().source().port(), 40000U);
  EXPECT_EQ(response.event().timestamp(), rpc::ToBytes(Tai64n::FromUnix(1000, 0)));
  EXPECT_TRUE(response.event().already_installed());
  context.TryCancel();
}

// Nine events at once for one who takes four in a message, and for one who never said so.
TEST_F(EventsServiceTest, EventsGoTogetherOnlyForThoseWhoAskedForIt) {
  grpc::ClientContext contexts[2];
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> readers[2];
  v1::WatchResponse response;
  for (int i = 0; i < 2; ++i) {
    rpc::SetTimeout(contexts[i], std::chrono::seconds(30));
    v1::WatchRequest request;
    if (i == 0) request.set_max_events(4);
    readers[i] = stub_->Watch(&contexts[i], request);
    ASSERT_TRUE(readers[i]->Read(&response));
  }
  std::vector<HandshakeEvent> events(9, EventOn("wg0"));
  for (std::size_t i = 0; i < events.size(); ++i) events[i].initiation_id = i + 1;
  service_.OnEvents(events);
  std::uint64_t next = 1;
  std::size_t most = 0;
  while (next <= 9) {
    ASSERT_TRUE(readers[0]->Read(&response));
    ASSERT_TRUE(response.has_event());
    EXPECT_EQ(response.event().initiation_id(), next++);
    for (const auto& more : response.more_events()) EXPECT_EQ(more.initiation_id(), next++);
    most = std::max(most, static_cast<std::size_t>(response.more_events_size()) + 1);
  }
  EXPECT_EQ(most, 4U);
  for (std::uint64_t i = 1; i <= 9; ++i) {
    ASSERT_TRUE(readers[1]->Read(&response));
    EXPECT_EQ(response.event().initiation_id(), i);
    EXPECT_EQ(response.more_events_size(), 0);
  }
  for (auto& context : contexts) context.TryCancel();
}

TEST_F(EventsServiceTest, AWatcherOfOneInterfaceHearsNothingOfTheOthers) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, std::chrono::seconds(30));
  v1::WatchRequest request;
  request.add_interfaces("wg1");
  const auto reader = stub_->Watch(&context, request);
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  service_.OnEvents(std::vector{EventOn("wg0")});
  service_.OnEvents(std::vector{EventOn("wg1")});
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().interface(), "wg1");
  context.TryCancel();
}

TEST_F(EventsServiceTest, StatisticsNameEveryReason) {
  statistics_.Count(InitiationResult::kBadMac1);
  grpc::ClientContext context;
  v1::GetStatisticsResponse response;
  ASSERT_TRUE(stub_->GetStatistics(&context, {}, &response).ok());
  EXPECT_EQ(response.initiations().size(), kInitiationResults);
  EXPECT_EQ(response.initiations().at("bad_mac1"), 1U);
  EXPECT_EQ(response.captured(), 5U);
  EXPECT_EQ(response.kernel_dropped(), 2U);
  EXPECT_EQ(response.sniffer_instance(), service_.instance());
  const v1::CompletionStatus& completion = response.completion();
  EXPECT_EQ(completion.strategy(), "reinject by raw");
  EXPECT_EQ(completion.why_not_better(), "no mirred");
  EXPECT_EQ(completion.held(), 3U);
  EXPECT_EQ(completion.let_go().at("superseded"), 4U);
  EXPECT_EQ(completion.let_go().at("expired"), 5U);
  EXPECT_EQ(completion.let_go().at("out_of_room"), 6U);
  EXPECT_EQ(completion.reinjected(), 7U);
  EXPECT_EQ(completion.reinject_failed(), 8U);
  EXPECT_EQ(response.outbound().packets().at("asked"), 9U);
}

TEST_F(EventsServiceTest, DemandsComeInTheSameStreamAndOnlyOfTheInterfaceWatched) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, std::chrono::seconds(30));
  v1::WatchRequest request;
  request.add_interfaces("wg1");
  const auto reader = stub_->Watch(&context, request);
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  service_.OnDemand({3, "wg0", IpAddress::Parse("10.8.0.2").value(), clock_.WallNow()});
  service_.OnDemand({4, "wg1", IpAddress::Parse("fd08::2").value(), clock_.WallNow()});
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_TRUE(response.has_demand());
  EXPECT_EQ(response.demand().demand_id(), 4U);
  EXPECT_EQ(response.demand().interface(), "wg1");
  EXPECT_EQ(response.demand().destination().size(), 16U);
  EXPECT_EQ(rpc::ToWallTime(response.demand().asked_at()), clock_.WallNow());
  context.TryCancel();
}

}  // namespace
}  // namespace jitwg::sniffer
