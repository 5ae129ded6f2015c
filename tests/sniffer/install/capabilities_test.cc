// The one line for an operator who forgot the capabilities.
#include "sniffer/install/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kNetAdmin = 1u << 12;
constexpr std::uint64_t kNetRaw = 1u << 13;

TEST(CheckCapabilities, AcceptsBoth) { EXPECT_TRUE(CheckCapabilities(kNetAdmin | kNetRaw)); }

TEST(CheckCapabilities, NamesWhatIsMissingAndHowToGrantIt) {
  const auto none = CheckCapabilities(0);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(none.error().message, HasSubstr("CAP_NET_ADMIN and CAP_NET_RAW"));
  EXPECT_THAT(none.error().message, HasSubstr("setcap"));
  EXPECT_THAT(none.error().message, Not(HasSubstr("\n")));
  const auto no_raw = CheckCapabilities(~kNetRaw);
  ASSERT_FALSE(no_raw);
  EXPECT_THAT(no_raw.error().message, HasSubstr("CAP_NET_RAW missing"));
  EXPECT_THAT(no_raw.error().message, Not(HasSubstr("CAP_NET_ADMIN")));
  EXPECT_FALSE(CheckCapabilities(kNetRaw));
}

}  // namespace
}  // namespace jitwg::sniffer
