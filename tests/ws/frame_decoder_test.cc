#include "lib/ws/frame_decoder.h"

#include <gtest/gtest.h>

#include "tests/ws/frames.h"

namespace jitwg::ws {
namespace {

using test::BuildFrame;
using test::Bytes;
using test::Frame;
using test::FrameSpec;
using test::FromText;
using test::KeepingSink;
using test::operator+;

constexpr std::uint64_t kMax = 70'000;

struct Outcome {
  Fault fault = Fault::kNone;
  std::string heard;
};

// Feeds `bytes` in pieces that end at `cuts`.
Outcome Decode(Bytes bytes, const std::vector<std::size_t>& cuts = {}, Role role = Role::kServer) {
  FrameDecoder decoder(role, kMax);
  KeepingSink sink;
  std::size_t from = 0;
  auto all = cuts;
  all.push_back(bytes.size());
  for (const std::size_t to : all) {
    const Fault fault = decoder.Feed(std::span(bytes).subspan(from, to - from), sink);
    if (fault != Fault::kNone) {
      EXPECT_TRUE(decoder.ended());
      return {fault, sink.heard};
    }
    from = to;
  }
  return {Fault::kNone, sink.heard};
}

Bytes CloseFrame(int code, const std::string& reason) {
  return Frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

// Every kind of frame, one behind the other.
Bytes Conversation() {
  return Frame(0x81, "text") + Frame(0x02, "in ") + Frame(0x89, "?") + Frame(0x00, "three ") +
         Frame(0x8a, "") + Frame(0x80, "parts") + Frame(0x82, "") +
         Frame(0x82, std::string(200, 'x')) + CloseFrame(1000, "bye") + FromText("never read");
}
const std::string kConversation =
    "text(text) binary(in ping(?) three pong parts) binary() binary(" + std::string(200, 'x') +
    ") close(1000) ";

TEST(FrameDecoder, ReadsAConversation) {
  const Outcome outcome = Decode(Conversation());
  EXPECT_EQ(outcome.fault, Fault::kNone);
  EXPECT_EQ(outcome.heard, kConversation);
}

TEST(FrameDecoder, ReadsTheSameHoweverTheStreamIsCutInTwo) {
  const Bytes bytes = Conversation();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(Decode(bytes, {cut}).heard, kConversation) << "cut at " << cut;
  }
}

TEST(FrameDecoder, ReadsTheSameByteByByte) {
  const Bytes bytes = Conversation();
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) cuts.push_back(cut);
  EXPECT_EQ(Decode(bytes, cuts).heard, kConversation);
}

TEST(FrameDecoder, ATruncatedStreamIsABeginningOfTheWholeOne) {
  const Bytes bytes = Conversation();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Outcome outcome = Decode(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(size)));
    EXPECT_EQ(outcome.fault, Fault::kNone) << size;
    EXPECT_EQ(kConversation.substr(0, outcome.heard.size()), outcome.heard) << size;
  }
}

TEST(FrameDecoder, ReadsLengthsAtTheirBounds) {
  for (const std::size_t length : {0UL, 1UL, 125UL, 126UL, 127UL, 65535UL, 65536UL, kMax}) {
    const std::string payload(length, 'p');
    EXPECT_EQ(Decode(Frame(0x82, payload)).heard, "binary(" + payload + ") ") << length;
  }
}

TEST(FrameDecoder, UnmasksWithTheKeyInPhaseAcrossCuts) {
  const Bytes frame =
      BuildFrame({.mask = MaskKey{0xff, 0, 0x55, 0xaa}}, FromText("0123456789abcdefghijk"));
  for (std::size_t a = 6; a < frame.size(); ++a) {
    for (std::size_t b = a; b < frame.size(); ++b) {
      ASSERT_EQ(Decode(frame, {a, b}).heard, "binary(0123456789abcdefghijk) ") << a << " " << b;
    }
  }
}

TEST(FrameDecoder, SaysWhenItIsBetweenMessages) {
  FrameDecoder decoder(Role::kServer, kMax);
  KeepingSink sink;
  Bytes bytes = Frame(0x02, "a") + Frame(0x80, "b");
  EXPECT_TRUE(decoder.at_rest());
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    decoder.Feed(std::span(bytes).subspan(i, 1), sink);
    EXPECT_FALSE(decoder.at_rest()) << i;
  }
  decoder.Feed(std::span(bytes).last(1), sink);
  EXPECT_TRUE(decoder.at_rest());
}

struct BadCase {
  std::string name;
  Bytes bytes;
  Fault fault;
  CloseCode code;
  Role role = Role::kServer;
};

const FrameSpec kUnmasked = {.mask = std::nullopt};

std::vector<BadCase> BadCases() {
  using enum Fault;
  constexpr CloseCode kProtocol = CloseCode::kProtocolError;
  std::vector<BadCase> cases = {
      {"no mask", BuildFrame(kUnmasked, {'a'}), kMaskMissing, kProtocol},
      {"server masks", Frame(0x82, "a"), kMaskUnexpected, kProtocol, Role::kClient},
      {"length 1 in two bytes", BuildFrame({.length_bytes = 2}, {'a'}), kLengthNotMinimal,
       kProtocol},
      {"length 125 in two bytes", BuildFrame({.length_bytes = 2}, Bytes(125)), kLengthNotMinimal,
       kProtocol},
      {"length 126 in eight bytes", BuildFrame({.length_bytes = 8}, Bytes(126)), kLengthNotMinimal,
       kProtocol},
      {"length 65535 in eight bytes", BuildFrame({.length_bytes = 8}, Bytes(65535)),
       kLengthNotMinimal, kProtocol},
      {"top bit of the length",
       BuildFrame({.length_bytes = 8, .length_lie = std::uint64_t{1} << 63}, {}), kLengthTopBit,
       kProtocol},
      {"all bits of the length",
       BuildFrame({.length_bytes = 8, .length_lie = ~std::uint64_t{0}}, {}), kLengthTopBit,
       kProtocol},
      {"longer than taken", BuildFrame({.length_lie = kMax + 1}, {}), kMessageTooBig,
       CloseCode::kTooBig},
      {"giant", BuildFrame({.length_lie = ~std::uint64_t{0} >> 1}, {}), kMessageTooBig,
       CloseCode::kTooBig},
      {"fragments longer than taken",
       BuildFrame({.first = 0x02}, Bytes(65536)) + BuildFrame({.first = 0x80}, Bytes(4465)),
       kMessageTooBig, CloseCode::kTooBig},
      {"continuation of nothing", Frame(0x80, "a"), kContinuationUnexpected, kProtocol},
      {"open continuation of nothing", Frame(0x00, "a"), kContinuationUnexpected, kProtocol},
      {"continuation after the end", Frame(0x82, "a") + Frame(0x80, "b"), kContinuationUnexpected,
       kProtocol},
      {"text within a message", Frame(0x01, "a") + Frame(0x81, "b"), kContinuationExpected,
       kProtocol},
      {"binary within a message", Frame(0x01, "a") + Frame(0x82, "b"), kContinuationExpected,
       kProtocol},
      {"fragmented ping", Frame(0x09, "a"), kControlFragmented, kProtocol},
      {"fragmented close", Frame(0x08, ""), kControlFragmented, kProtocol},
      {"long ping", Frame(0x89, std::string(126, 'a')), kControlTooLong, kProtocol},
      {"long pong", Frame(0x8a, std::string(70000, 'a')), kControlTooLong, kProtocol},
      {"close of one byte", Frame(0x88, "a"), kCloseLengthOne, kProtocol},
      {"close with a broken reason", CloseFrame(1000, "\xc3("), kCloseReasonInvalid,
       CloseCode::kInvalidPayload},
      {"close with half a letter", CloseFrame(1000, "\xe2\x82"), kCloseReasonInvalid,
       CloseCode::kInvalidPayload},
  };
  for (const int first : {0xc2, 0xa2, 0x92, 0xf1, 0xc9}) {
    cases.push_back({"reserved bits " + std::to_string(first),
                     Frame(static_cast<std::uint8_t>(first), "a"), kReservedBits, kProtocol});
  }
  for (const int code : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    cases.push_back({"opcode " + std::to_string(code),
                     Frame(static_cast<std::uint8_t>(0x80 | code), "a"), kReservedOpcode,
                     kProtocol});
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    cases.push_back(
        {"close code " + std::to_string(code), CloseFrame(code, ""), kCloseCodeInvalid, kProtocol});
  }
  return cases;
}

TEST(FrameDecoder, RefusesEachFaultWithItsCloseCodeHoweverItIsCut) {
  for (const BadCase& bad : BadCases()) {
    SCOPED_TRACE(bad.name);
    EXPECT_EQ(CloseCodeOf(bad.fault), bad.code);
    // Long payloads are cut in their headers only: the rest is the same everywhere.
    for (std::size_t cut = 0; cut < std::min<std::size_t>(bad.bytes.size(), 300); ++cut) {
      ASSERT_EQ(Decode(bad.bytes, {cut}, bad.role).fault, bad.fault) << "cut at " << cut;
    }
  }
}

TEST(FrameDecoder, RefusesAFaultAtItsFirstTwoBytes) {
  EXPECT_EQ(Decode({0xf1, 0x80}).fault, Fault::kReservedBits);
  EXPECT_EQ(Decode({0x83, 0x80}).fault, Fault::kReservedOpcode);
  EXPECT_EQ(Decode({0x89, 0xfe}).fault, Fault::kControlTooLong);
  EXPECT_EQ(Decode({0x82, 0x05}).fault, Fault::kMaskMissing);
}

TEST(FrameDecoder, ReadsNothingAfterAFault) {
  FrameDecoder decoder(Role::kServer, kMax);
  KeepingSink sink;
  Bytes bad = Frame(0x83, "");
  EXPECT_EQ(decoder.Feed(bad, sink), Fault::kReservedOpcode);
  Bytes good = Frame(0x82, "a");
  EXPECT_EQ(decoder.Feed(good, sink), Fault::kNone);
  EXPECT_EQ(sink.heard, "");
}

TEST(FrameDecoder, TakesCloseCodesThatMayBeSent) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    EXPECT_EQ(Decode(CloseFrame(code, "f\xc3\xbcr")).heard, "close(" + std::to_string(code) + ") ");
  }
  EXPECT_EQ(Decode(Frame(0x88, "")).heard, "close() ");
}

TEST(FrameDecoder, AClientReadsUnmaskedFrames) {
  EXPECT_EQ(Decode(BuildFrame(kUnmasked, FromText("hello")), {}, Role::kClient).heard,
            "binary(hello) ");
}

}  // namespace
}  // namespace jitwg::ws
