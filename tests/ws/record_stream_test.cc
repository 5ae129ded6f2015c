#include "lib/ws/record_stream.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/ws/frames.h"

namespace jitwg::ws {
namespace {

using test::Bytes;
using test::FromText;
using test::operator+;

class KeepingSink : public DatagramSink {
 public:
  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    heard += test::ToText(datagram) + ",";
  }
  void OnKeepalive() override { heard += "keepalive,"; }
  std::string heard;
};

Bytes Magic() { return {kMagic.begin(), kMagic.end()}; }
Bytes Length(std::uint32_t length) {
  const auto header = EncodeRecordHeader(length);
  return {header.begin(), header.end()};
}
Bytes Record(const std::string& text) {
  return Length(static_cast<std::uint32_t>(text.size())) + FromText(text);
}

TEST(EncodeRecordHeader, IsBigEndian) {
  EXPECT_EQ(Length(0x01020304), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(Length(148), (Bytes{0, 0, 0, 148}));
}

TEST(RecordDecoder, ReadsTheSameHoweverTheStreamIsCut) {
  const Bytes stream = Magic() + Record("one") + Length(0) + Record("second") + Length(0) +
                       Length(0) + Record(std::string(300, 'x'));
  const std::string expected =
      "one,keepalive,second,keepalive,keepalive," + std::string(300, 'x') + ",";
  for (std::size_t a = 0; a <= stream.size(); ++a) {
    for (std::size_t b = a; b <= std::min(stream.size(), a + 20); ++b) {
      RecordDecoder decoder(true);
      KeepingSink sink;
      const std::span<const std::uint8_t> all(stream);
      EXPECT_EQ(decoder.Feed(all.first(a), sink), Fault::kNone);
      EXPECT_EQ(decoder.Feed(all.subspan(a, b - a), sink), Fault::kNone);
      EXPECT_EQ(decoder.Feed(all.subspan(b), sink), Fault::kNone);
      ASSERT_EQ(sink.heard, expected) << a << " " << b;
      EXPECT_TRUE(decoder.at_rest());
    }
  }
}

TEST(RecordDecoder, ATruncatedStreamGivesOnlyWholeRecords) {
  const Bytes stream = Magic() + Record("one") + Record("two");
  for (std::size_t size = 0; size < stream.size(); ++size) {
    RecordDecoder decoder(true);
    KeepingSink sink;
    EXPECT_EQ(decoder.Feed(std::span(stream).first(size), sink), Fault::kNone);
    EXPECT_EQ(sink.heard, size < 11 ? "" : "one,");
    EXPECT_EQ(decoder.at_rest(), size == 4 || size == 11);
  }
}

TEST(RecordDecoder, RefusesAWrongMagicAtItsFirstWrongByte) {
  for (std::size_t wrong = 0; wrong < 4; ++wrong) {
    Bytes stream = Magic();
    stream[wrong] ^= 1;
    RecordDecoder decoder(true);
    KeepingSink sink;
    EXPECT_EQ(decoder.Feed(std::span(stream).first(wrong), sink), Fault::kNone);
    EXPECT_EQ(decoder.Feed(std::span(stream).subspan(wrong, 1), sink), Fault::kMagicWrong);
  }
  EXPECT_EQ(CloseCodeOf(Fault::kMagicWrong), CloseCode::kPolicyViolation);
}

TEST(RecordDecoder, AServersStreamHasNoMagic) {
  RecordDecoder decoder(false);
  KeepingSink sink;
  EXPECT_EQ(decoder.Feed(Record("answer"), sink), Fault::kNone);
  EXPECT_EQ(sink.heard, "answer,");
}

TEST(RecordDecoder, TakesTheLongestDatagramAndRefusesOneByteMore) {
  RecordDecoder decoder(false);
  KeepingSink sink;
  EXPECT_EQ(decoder.Feed(Record(std::string(kMaxDatagram, 'x')), sink), Fault::kNone);
  EXPECT_EQ(sink.heard.size(), kMaxDatagram + 1);
  for (const std::uint32_t length : {std::uint32_t{kMaxDatagram} + 1, 65535U, 0x7fffffffU, ~0U}) {
    RecordDecoder strict(false);
    EXPECT_EQ(strict.Feed(Length(length), sink), Fault::kDatagramTooBig) << length;
  }
  EXPECT_EQ(CloseCodeOf(Fault::kDatagramTooBig), CloseCode::kTooBig);
}

}  // namespace
}  // namespace jitwg::ws
