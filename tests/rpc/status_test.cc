#include "lib/rpc/status.h"

#include <gtest/gtest.h>

namespace jitwg::rpc {
namespace {

TEST(RpcStatus, EveryErrorCodeSurvivesTheWayThereAndBack) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Error error{static_cast<ErrorCode>(code), "why"};
    const grpc::Status sent = ToGrpc(error);
    EXPECT_FALSE(sent.ok());
    const Status back = FromGrpc(sent, "Call");
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, error.code);
    EXPECT_EQ(back.error().message, "Call: why");
  }
}

TEST(RpcStatus, OkIsOk) {
  EXPECT_TRUE(ToGrpc(Status{}).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK, "Call").has_value());
}

TEST(RpcStatus, ACodeWithoutCounterpartIsInternal) {
  const Status status = FromGrpc({grpc::StatusCode::CANCELLED, "gone"}, "Watch");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace jitwg::rpc
