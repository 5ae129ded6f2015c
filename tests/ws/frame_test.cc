#include "lib/ws/frame.h"

#include <gtest/gtest.h>

#include "lib/ws/fault.h"
#include "lib/ws/utf8.h"
#include "tests/ws/frames.h"

namespace jitwg::ws {
namespace {

using test::Bytes;
using test::FromText;

Bytes Header(Opcode opcode, std::uint64_t length, const std::optional<MaskKey>& mask) {
  std::array<std::uint8_t, kMaxFrameHeader> header;
  const std::size_t size = EncodeFrameHeader(opcode, length, mask, header);
  return {header.begin(), header.begin() + static_cast<long>(size)};
}

TEST(EncodeFrameHeader, UsesTheShortestLength) {
  EXPECT_EQ(Header(Opcode::kBinary, 0, std::nullopt), (Bytes{0x82, 0}));
  EXPECT_EQ(Header(Opcode::kText, 125, std::nullopt), (Bytes{0x81, 125}));
  EXPECT_EQ(Header(Opcode::kText, 126, std::nullopt), (Bytes{0x81, 126, 0, 126}));
  EXPECT_EQ(Header(Opcode::kText, 65535, std::nullopt), (Bytes{0x81, 126, 255, 255}));
  EXPECT_EQ(Header(Opcode::kText, 65536, std::nullopt), (Bytes{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(EncodeFrameHeader, PutsTheMaskLast) {
  const MaskKey mask = {9, 8, 7, 6};
  EXPECT_EQ(Header(Opcode::kPing, 2, mask), (Bytes{0x89, 0x82, 9, 8, 7, 6}));
  EXPECT_EQ(Header(Opcode::kBinary, 300, mask), (Bytes{0x82, 0xfe, 1, 44, 9, 8, 7, 6}));
  EXPECT_EQ(Header(Opcode::kBinary, 65536, mask).size(), kMaxFrameHeader);
}

// The example of RFC 6455, section 5.7.
TEST(ApplyMask, MatchesTheStandardsExample) {
  Bytes payload = {0x7f, 0x9f, 0x4d, 0x51, 0x58};
  ApplyMask(payload, {0x37, 0xfa, 0x21, 0x3d}, 0);
  EXPECT_EQ(payload, FromText("Hello"));
}

TEST(ApplyMask, IsTheSameInPiecesAsInOne) {
  const MaskKey mask = {1, 20, 55, 200};
  Bytes whole(203);
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<std::uint8_t>(3 * i);
  const Bytes original = whole;
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] ^= mask[i % 4];
  for (std::size_t cut = 0; cut <= original.size(); ++cut) {
    Bytes pieces = original;
    ApplyMask(std::span(pieces).first(cut), mask, 0);
    ApplyMask(std::span(pieces).subspan(cut), mask, cut);
    ASSERT_EQ(pieces, whole) << cut;
  }
}

TEST(Fault, EachHasANameOfItsOwnAndASendableCode) {
  std::set<std::string_view> names;
  for (int i = 0; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    names.insert(ToString(fault));
    EXPECT_TRUE(IsSendable(static_cast<std::uint16_t>(CloseCodeOf(fault))));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kFaultCount));
}

TEST(IsUtf8, TakesEveryShape) {
  for (const std::string text :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(FromText(text))) << text;
  }
}

TEST(IsUtf8, RefusesWhatIsNone) {
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xff", "a\xe2\x82\x28z"}) {
    EXPECT_FALSE(IsUtf8(FromText(text))) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace jitwg::ws
