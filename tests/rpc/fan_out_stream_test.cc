#include "lib/rpc/fan_out_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "jitwg/v1/admin.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {
namespace {

using Response = v1::WatchDecisionsResponse;

Response DecisionOf(int number) {
  Response response;
  response.mutable_decision()->set_lookup_microseconds(static_cast<std::uint64_t>(number));
  return response;
}

class HubService final : public v1::Admin::CallbackService {
 public:
  explicit HubService(FanOutLimits limits) : hub(limits) {}

  grpc::ServerWriteReactor<Response>* WatchDecisions(grpc::CallbackServerContext*,
                                                     const v1::WatchDecisionsRequest*) override {
    Response first;
    first.mutable_heartbeat();
    return FanOutStream<Response>::Start(hub, nullptr, std::move(first), merge);
  }

  FanOut<Response> hub;
  FanOutStream<Response>::Merge merge;
};

class FanOutStreamTest : public testing::Test {
 protected:
  void StartServer(FanOutLimits limits) {
    service_ = std::make_unique<HubService>(limits);
    auto server = Server::Start({dir_.File("s.sock"), {}, 4 << 20}, {service_.get()});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    stub_ = v1::Admin::NewStub(MakeChannel(dir_.File("s.sock")).value());
  }

  // A stream whose first heartbeat has arrived: its watcher is registered.
  std::unique_ptr<grpc::ClientReader<Response>> OpenStream(grpc::ClientContext& context) {
    SetTimeout(context, std::chrono::seconds(30));
    auto reader = stub_->WatchDecisions(&context, {});
    Response first;
    EXPECT_TRUE(reader->Read(&first));
    EXPECT_TRUE(first.has_heartbeat());
    return reader;
  }

  void WaitForWatchers(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (service_->hub.watchers() != count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    ASSERT_EQ(service_->hub.watchers(), count);
  }

  TempDir dir_;
  std::unique_ptr<HubService> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::Admin::Stub> stub_;
};

TEST_F(FanOutStreamTest, EveryWatcherGetsEverythingInOrder) {
  StartServer({});
  grpc::ClientContext contexts[2];
  auto first = OpenStream(contexts[0]);
  auto second = OpenStream(contexts[1]);
  for (int i = 0; i < 100; ++i) service_->hub.Publish(DecisionOf(i));
  for (auto* reader : {first.get(), second.get()}) {
    for (std::uint64_t i = 0; i < 100; ++i) {
      Response response;
      ASSERT_TRUE(reader->Read(&response));
      EXPECT_EQ(response.decision().lookup_microseconds(), i);
      EXPECT_EQ(response.dropped_before(), 0U);
    }
  }
  contexts[0].TryCancel();
  contexts[1].TryCancel();
}

TEST_F(FanOutStreamTest, NothingIsLostUncounted) {
  StartServer({16, 4});
  grpc::ClientContext context;
  auto reader = OpenStream(context);
  constexpr std::uint64_t kPublished = 200'000;
  std::jthread publisher([this] {
    for (std::uint64_t i = 0; i < kPublished; ++i) {
      service_->hub.Publish(DecisionOf(static_cast<int>(i)));
    }
  });
  std::uint64_t accounted = 0;
  while (accounted < kPublished) {
    Response response;
    ASSERT_TRUE(reader->Read(&response));
    accounted += response.dropped_before();
    EXPECT_EQ(response.decision().lookup_microseconds(), accounted);
    ++accounted;
  }
  EXPECT_EQ(accounted, kPublished);
  context.TryCancel();
}

// Decisions that wait go together, as a sum.
TEST_F(FanOutStreamTest, WhatIsMergedIsNeitherLostNorDoubled) {
  StartServer({});
  service_->merge = [](Response& message, const Response& next) {
    if (!message.has_decision() || !next.has_decision()) return false;
    auto& decision = *message.mutable_decision();
    decision.set_lookup_microseconds(decision.lookup_microseconds() +
                                     next.decision().lookup_microseconds());
    decision.set_install_microseconds(decision.install_microseconds() + 1);
    return true;
  };
  grpc::ClientContext context;
  auto reader = OpenStream(context);
  std::vector<Response> decisions;
  for (int i = 1; i <= 100; ++i) decisions.push_back(DecisionOf(i));
  service_->hub.Publish(std::move(decisions));
  std::uint64_t sum = 0;
  std::uint64_t merged = 0;
  std::uint64_t messages = 0;
  while (sum < 5050) {
    Response response;
    ASSERT_TRUE(reader->Read(&response));
    sum += response.decision().lookup_microseconds();
    merged += response.decision().install_microseconds();
    ++messages;
  }
  EXPECT_EQ(sum, 5050U);
  EXPECT_EQ(messages + merged, 100U);
  EXPECT_LT(messages, 100U);
  context.TryCancel();
}

TEST_F(FanOutStreamTest, ACancelledStreamGivesItsPlaceBack) {
  StartServer({16, 1});
  grpc::ClientContext first;
  auto reader = OpenStream(first);
  grpc::ClientContext refused;
  auto none = stub_->WatchDecisions(&refused, {});
  Response response;
  EXPECT_FALSE(none->Read(&response));
  EXPECT_EQ(none->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  first.TryCancel();
  WaitForWatchers(0);
  grpc::ClientContext again;
  auto second = OpenStream(again);
  again.TryCancel();
}

TEST_F(FanOutStreamTest, ShutdownEndsAnIdleStream) {
  StartServer({});
  grpc::ClientContext context;
  auto reader = OpenStream(context);
  server_->Shutdown(std::chrono::milliseconds(1));
  Response response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(service_->hub.watchers(), 0U);
}

}  // namespace
}  // namespace jitwg::rpc
