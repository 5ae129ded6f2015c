// errno to project errors, and interface names.
#include "sniffer/install/device_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "sniffer/install/device_factory.h"

namespace jitwg::sniffer {
namespace {

TEST(DeviceError, SpeaksPlainlyForEveryErrnoThatWireGuardGives) {
  const std::vector<std::pair<int, ErrorCode>> expected = {
      {ENODEV, ErrorCode::kNotFound},          {EOPNOTSUPP, ErrorCode::kInvalidArgument},
      {EPERM, ErrorCode::kPermissionDenied},   {EAGAIN, ErrorCode::kDeadlineExceeded},
      {EINVAL, ErrorCode::kInvalidArgument},   {ERANGE, ErrorCode::kInvalidArgument},
      {ENOMEM, ErrorCode::kResourceExhausted}, {ENOBUFS, ErrorCode::kResourceExhausted},
      {EPROTO, ErrorCode::kInternal},
  };
  for (const auto& [number, code] : expected) {
    const Error error = DeviceError("wg7", number);
    EXPECT_EQ(error.code, code) << number;
    EXPECT_THAT(error.message, ::testing::HasSubstr("wg7"));
    EXPECT_THAT(error.message, ::testing::Not(::testing::HasSubstr("\n")));
  }
  EXPECT_THAT(DeviceError("wg7", EPERM).message, ::testing::HasSubstr("CAP_NET_ADMIN"));
}

TEST(CheckInterfaceName, AcceptsWhatTheKernelAccepts) {
  for (const char* good : {"wg0", "a", "fifteen-chars-x", "w.g", "wg_0@x"}) {
    EXPECT_TRUE(CheckInterfaceName(good)) << good;
  }
  for (const char* bad :
       {"", ".", "..", "a/b", "a b", "a\tb", "a:b", "sixteen-chars-xy", "a\x01"}) {
    EXPECT_FALSE(CheckInterfaceName(bad)) << bad;
  }
}

TEST(ParseBackend, KnowsThreeWords) {
  EXPECT_EQ(*ParseBackend("auto"), Backend::kAuto);
  EXPECT_EQ(*ParseBackend("kernel"), Backend::kKernel);
  EXPECT_EQ(*ParseBackend("userspace"), Backend::kUserspace);
  const auto bad = ParseBackend("magic");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, ::testing::HasSubstr("auto, kernel, userspace"));
}

TEST(MakeDevice, WithoutALiveSocketItIsTheKernel) {
  EXPECT_EQ(MakeDevice("wg0", Backend::kAuto, "/nonexistent")->backend(), "kernel");
  EXPECT_EQ(MakeDevice("wg0", Backend::kUserspace, "/nonexistent")->backend(), "userspace");
}

}  // namespace
}  // namespace jitwg::sniffer
