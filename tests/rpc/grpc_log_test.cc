// gRPC can be told by its environment to log every byte that it sends, preshared keys among them.
#include "lib/rpc/grpc_log.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "jitwg/v1/admin.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {
namespace {

constexpr const char* kSecret = "a preshared key";
constexpr const char* kSecretInHex = "61 20 70 72 65 73 68 61 72 65 64 20 6b 65 79";

class SilentAdmin final : public v1::Admin::Service {};

// As GRPC_VERBOSITY=debug GRPC_TRACE=tcp does, and --log-level trace.
class AllTold {
 public:
  AllTold() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "told", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_DEBUG);
    grpc_init();
    traced_ = grpc_tracer_set_enabled("tcp", 1) == 1;
  }
  ~AllTold() {
    static_cast<void>(grpc_tracer_set_enabled("tcp", 0));
    grpc_shutdown();
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    spdlog::set_default_logger(before_);
  }
  AllTold(const AllTold&) = delete;
  AllTold& operator=(const AllTold&) = delete;
  bool traced() const { return traced_; }
  std::string text() const { return text_.str(); }

 private:
  const std::shared_ptr<spdlog::logger> before_;
  std::ostringstream text_;
  bool traced_ = false;
};

TEST(GrpcLog, WhatIsSentIsToldToNobodyWhateverGrpcTraces) {
  const TempDir dir;
  SilentAdmin admin;
  auto server = Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&admin});
  ASSERT_TRUE(server) << server.error().message;
  const auto channel = MakeChannel(dir.File("s.sock")).value();
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  SetTimeout(context, std::chrono::seconds(10));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(kSecret);
  grpc::health::v1::HealthCheckResponse response;

  AllTold all;
  ASSERT_TRUE(all.traced());
  EXPECT_EQ(stub->Check(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  server->reset();
  EXPECT_EQ(all.text().find(kSecretInHex), std::string::npos);
  EXPECT_EQ(all.text().find(kSecret), std::string::npos);
}

TEST(GrpcLog, AnErrorIsTold) {
  QuietGrpcLog();
  AllTold all;
  gpr_log(GPR_ERROR, "something failed");
  gpr_log(GPR_INFO, "something happened");
  EXPECT_NE(all.text().find("something failed"), std::string::npos);
  EXPECT_EQ(all.text().find("something happened"), std::string::npos);
}

}  // namespace
}  // namespace jitwg::rpc
