#include "lib/sandbox/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sandbox/child.h"
#include "tests/sandbox/proc_status.h"

namespace jitwg::sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr CapabilitySet kBoth = kNetAdmin | kNetRaw;

TEST(CheckCapabilities, AcceptsWhatIsNeeded) {
  EXPECT_TRUE(CheckCapabilities(kBoth, kBoth));
  EXPECT_TRUE(CheckCapabilities(kNetAdmin, kNetAdmin));
}

TEST(CheckCapabilities, NamesWhatIsMissingAndHowToGrantIt) {
  const auto none = CheckCapabilities(0, kBoth);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(none.error().message, HasSubstr("CAP_NET_ADMIN and CAP_NET_RAW"));
  EXPECT_THAT(none.error().message, HasSubstr("setcap"));
  EXPECT_THAT(none.error().message, Not(HasSubstr("\n")));
  const auto no_raw = CheckCapabilities(~kNetRaw, kBoth);
  ASSERT_FALSE(no_raw);
  EXPECT_THAT(no_raw.error().message, HasSubstr("CAP_NET_RAW missing"));
  EXPECT_THAT(no_raw.error().message, Not(HasSubstr("CAP_NET_ADMIN")));
  EXPECT_FALSE(CheckCapabilities(kNetRaw, kBoth));
}

TEST(ToListenAt, WantsARightForOldPortsOnly) {
  EXPECT_EQ(ToListenAt(443), kBindService);
  EXPECT_EQ(ToListenAt(1023), kBindService);
  EXPECT_EQ(ToListenAt(1024), CapabilitySet{0});
  EXPECT_EQ(ToListenAt(0), CapabilitySet{0});
}

TEST(KeepOnly, EmptiesEverySetOfAllElse) {
  const int status = InChild([] {
    const CapabilitySet before = ProcNumber("CapPrm");
    const CapabilitySet bounding = ProcNumber("CapBnd");
    const bool may_limit = (before & Bit(CAP_SETPCAP)) != 0;
    if (!LimitBoundingSet(kNetAdmin) || !KeepOnly(kNetAdmin)) return 1;
    if (ProcNumber("CapPrm") != (before & kNetAdmin)) return 2;
    if (ProcNumber("CapEff") != (before & kNetAdmin)) return 3;
    if (ProcNumber("CapInh") != 0 || ProcNumber("CapAmb") != 0) return 4;
    return ProcNumber("CapBnd") == (may_limit ? bounding & kNetAdmin : bounding) ? 0 : 5;
  });
  EXPECT_TRUE(EndedWith(status, 0)) << WEXITSTATUS(status);
}

}  // namespace
}  // namespace jitwg::sandbox
