#include "lib/rpc/server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "jitwg/v1/admin.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {
namespace {

class EmptyAdmin final : public v1::Admin::Service {};

grpc::health::v1::HealthCheckResponse::ServingStatus Check(grpc::Channel& channel) {
  const auto stub = grpc::health::v1::Health::NewStub(
      std::shared_ptr<grpc::Channel>(&channel, [](grpc::Channel*) {}));
  grpc::ClientContext context;
  SetTimeout(context, std::chrono::seconds(10));
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.status();
}

TEST(RpcServer, AnswersTheHealthCheckAndCarriesItsDescriptor) {
  const TempDir dir;
  EmptyAdmin admin;
  auto server = Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&admin});
  ASSERT_TRUE(server) << server.error().message;
  const auto channel = MakeChannel("unix:" + dir.File("s.sock")).value();
  EXPECT_EQ(Check(*channel), grpc::health::v1::HealthCheckResponse::SERVING);
  (*server)->SetServing(false);
  EXPECT_EQ(Check(*channel), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_NE(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
                "grpc.health.v1.Health"),
            nullptr);
}

TEST(RpcServer, TheSocketHasTheConfiguredModeAndGoesWithTheServer) {
  const TempDir dir;
  const std::string path = dir.File("s.sock");
  EmptyAdmin admin;
  {
    auto server = Server::Start({path, {0600, ""}, 4 << 20}, {&admin});
    ASSERT_TRUE(server);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, static_cast<mode_t>(0600));
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(RpcServer, ASecondServerAtTheSamePathIsRefused) {
  const TempDir dir;
  EmptyAdmin first_admin;
  EmptyAdmin second_admin;
  auto first = Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&first_admin});
  ASSERT_TRUE(first);
  const auto second = Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&second_admin});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  const auto channel = MakeChannel(dir.File("s.sock")).value();
  EXPECT_EQ(Check(*channel), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST(RpcServer, AMissingDirectoryIsAnErrorThatSaysSo) {
  const TempDir dir;
  EmptyAdmin admin;
  const auto server = Server::Start({dir.File("none/s.sock"), {}, 4 << 20}, {&admin});
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("none/s.sock"), std::string::npos);
}

}  // namespace
}  // namespace jitwg::rpc
