// How values look to an operator.
#include "ctl/format.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace jitwg::ctl {
namespace {

TEST(ParseTime, ReadsWhatFormatWrites) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2024-02-29T23:59:59Z",
                           "2027-01-01T00:00:00.000001Z", "2261-12-31T23:59:59.999999Z"}) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTime(*time), text);
  }
  EXPECT_EQ(FormatTime(*ParseTime("2027-01-01")), "2027-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(*ParseTime("2027-01-01T00:00:00.5Z")), "2027-01-01T00:00:00.500000Z");
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "soon", "2027", "2027-13-01", "2027-02-29", "2027-1-1", "2027-01-01T",
        "2027-01-01 00:00:00Z", "2027-01-01T00:00:00", "2027-01-01T24:00:00Z",
        "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z", "2027-01-01T00:00:00+01:00",
        "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00.xZ", "1969-12-31T23:59:59Z", "2262-01-01",
        "-027-01-01", "2027-01-01T-1:00:00Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(FormatAge, UsesTwoUnitsAtMost) {
  using std::chrono::seconds;
  EXPECT_EQ(FormatAge(seconds(-5)), "0s");
  EXPECT_EQ(FormatAge(seconds(59)), "59s");
  EXPECT_EQ(FormatAge(seconds(60)), "1m00s");
  EXPECT_EQ(FormatAge(seconds(3'723)), "1h02m");
  EXPECT_EQ(FormatAge(seconds(90'000)), "1d1h");
}

TEST(FormatBytes, PicksTheUnit) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(1ULL << 30), "1.0 GiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(Table, AlignsColumnsAndHidesControlCharacters) {
  Table table({"a", "bb"});
  table.Add({"long", ""});
  table.Add({"x\x1b", "y"});
  std::ostringstream out;
  table.Print(out, "  ");
  EXPECT_EQ(out.str(), "  a     bb\n  long  -\n  x?    y\n");
}

}  // namespace
}  // namespace jitwg::ctl
