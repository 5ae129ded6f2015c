#include "lib/ws/tunnel.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/ws/frames.h"

namespace jitwg::ws {
namespace {

using test::Bytes;
using test::Frame;
using test::FromText;
using test::operator+;

MaskKey FixedMask() { return {0x11, 0x22, 0x33, 0x44}; }

class KeepingSink : public DatagramSink {
 public:
  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    EXPECT_FALSE(datagram.empty());
    EXPECT_LE(datagram.size(), kMaxDatagram);
    heard += test::ToText(datagram) + ",";
  }
  void OnKeepalive() override { heard += "keepalive,"; }
  std::string heard;
};

Bytes Pending(const OutputBuffer& out) { return {out.pending().begin(), out.pending().end()}; }

// All that `bytes` mean to a server, in pieces of `piece` bytes.
std::string Serve(Variant variant, Bytes bytes, std::size_t piece, Fault expected = Fault::kNone) {
  Tunnel tunnel(Role::kServer, variant);
  KeepingSink sink;
  Fault fault = Fault::kNone;
  for (std::size_t at = 0; at < bytes.size() && fault == Fault::kNone; at += piece) {
    fault = tunnel.Receive(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)), sink);
  }
  EXPECT_EQ(fault, expected) << ToString(fault);
  return sink.heard;
}

class BothVariants : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Tunnel, BothVariants,
                         testing::Values(Variant::kRecords, Variant::kDatagrams),
                         [](const auto& one) {
                           return one.param == Variant::kRecords ? "Records" : "Datagrams";
                         });

TEST_P(BothVariants, WhatAClientSendsAServerHearsHoweverItIsCut) {
  Tunnel client(Role::kClient, GetParam(), FixedMask);
  OutputBuffer out;
  client.AppendDatagram(FromText("first"), out);
  client.AppendKeepalive(out);
  client.AppendPing(out);
  client.AppendDatagram(FromText(std::string(1452, 'd')), out);
  client.AppendDatagram(FromText(std::string(kMaxDatagram, 'e')), out);
  const std::string expected =
      "first,keepalive," + std::string(1452, 'd') + "," + std::string(kMaxDatagram, 'e') + ",";
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 100UL, 1460UL, 100'000UL}) {
    EXPECT_EQ(Serve(GetParam(), Pending(out), piece), expected) << piece;
  }
}

TEST_P(BothVariants, WhatAServerSendsAClientHears) {
  Tunnel server(Role::kServer, GetParam());
  Tunnel client(Role::kClient, GetParam(), FixedMask);
  OutputBuffer out;
  server.AppendDatagram(FromText("response"), out);
  server.AppendDatagram(FromText("data"), out);
  KeepingSink sink;
  Bytes bytes = Pending(out);
  EXPECT_EQ(client.Receive(bytes, sink), Fault::kNone);
  EXPECT_EQ(sink.heard, "response,data,");
}

TEST_P(BothVariants, OwesOnlyTheNewestPingAnAnswer) {
  Tunnel server(Role::kServer, GetParam());
  KeepingSink sink;
  Bytes pings;
  for (int i = 0; i < 1000; ++i) pings = pings + Frame(0x89, "number " + std::to_string(i));
  EXPECT_EQ(server.Receive(pings, sink), Fault::kNone);
  OutputBuffer out;
  server.AppendPong(out);
  server.AppendPong(out);
  EXPECT_EQ(Pending(out), (Bytes{0x8a, 10} + FromText("number 999")));
}

TEST_P(BothVariants, AnswersACloseWithItsCode) {
  Tunnel server(Role::kServer, GetParam());
  KeepingSink sink;
  Bytes close = Frame(0x88, "\x03\xe9going");
  EXPECT_EQ(server.Receive(close, sink), Fault::kNone);
  EXPECT_TRUE(server.peer_closed());
  EXPECT_EQ(server.peer_code(), 1001);
  OutputBuffer out;
  server.AppendCloseReply(out);
  server.AppendCloseReply(out);
  server.AppendClose(CloseCode::kInternalError, out);
  EXPECT_EQ(Pending(out), (Bytes{0x88, 2, 3, 0xe9}));
}

TEST_P(BothVariants, AnswersAnEmptyCloseWithAnEmptyOne) {
  Tunnel server(Role::kServer, GetParam());
  KeepingSink sink;
  Bytes close = Frame(0x88, "");
  EXPECT_EQ(server.Receive(close, sink), Fault::kNone);
  OutputBuffer out;
  server.AppendCloseReply(out);
  EXPECT_EQ(Pending(out), (Bytes{0x88, 0}));
}

TEST_P(BothVariants, TellsLifeFromDripping) {
  Tunnel server(Role::kServer, GetParam());
  KeepingSink sink;
  Bytes message =
      Frame(GetParam() == Variant::kRecords ? 0x81 : 0x82, std::string("\x2f\xac\xed\x77", 4));
  for (std::size_t i = 0; i + 1 < message.size(); ++i) {
    server.Receive(std::span(message).subspan(i, 1), sink);
    EXPECT_EQ(server.signs_of_life(), 0U);
  }
  server.Receive(std::span(message).last(1), sink);
  EXPECT_EQ(server.signs_of_life(), 1U);
  Bytes pong = Frame(0x8a, "");
  server.Receive(pong, sink);
  EXPECT_EQ(server.signs_of_life(), 2U);
}

TEST(RecordTunnel, SendsTheMagicOnceAndEachRecordInATextMessage) {
  Tunnel client(Role::kClient, Variant::kRecords, [] { return MaskKey{0, 0, 0, 0}; });
  OutputBuffer out;
  client.AppendDatagram(FromText("abc"), out);
  client.AppendDatagram(FromText("de"), out);
  EXPECT_EQ(Pending(out),
            (Bytes{0x81, 0x8b, 0,    0,    0, 0, 0x2f, 0xac, 0xed, 0x77, 0, 0, 0,   3,  'a',
                   'b',  'c',  0x81, 0x86, 0, 0, 0,    0,    0,    0,    0, 2, 'd', 'e'}));
}

TEST(RecordTunnel, AServerSendsNoMagic) {
  Tunnel server(Role::kServer, Variant::kRecords);
  OutputBuffer out;
  server.AppendDatagram(FromText("abc"), out);
  EXPECT_EQ(Pending(out), (Bytes{0x81, 7, 0, 0, 0, 3, 'a', 'b', 'c'}));
}

// As facts about deployed clients have it: the older ones send length and payload apart, and
// boundaries mean nothing.
TEST(RecordTunnel, MessageBoundariesMeanNothing) {
  const std::string magic("\x2f\xac\xed\x77", 4);
  const auto length = [](char n) { return std::string{0, 0, 0, n}; };
  EXPECT_EQ(Serve(Variant::kRecords,
                  Frame(0x81, magic) + Frame(0x81, length(3)) + Frame(0x81, "\xff\xfe\xfd"), 1000),
            "\xff\xfe\xfd,");
  EXPECT_EQ(Serve(Variant::kRecords,
                  Frame(0x81, magic + length(1) + "a" + length(0) + length(2) + "b") +
                      Frame(0x01, "c" + length(1).substr(0, 2)) + Frame(0x80, length(1).substr(2)) +
                      Frame(0x81, "") + Frame(0x81, "d"),
                  1000),
            "a,keepalive,bc,d,");
}

TEST(RecordTunnel, RefusesWhatIsNotItsOwn) {
  const std::string magic("\x2f\xac\xed\x77", 4);
  Serve(Variant::kRecords, Frame(0x82, magic), 1000, Fault::kBinaryUnexpected);
  Serve(Variant::kRecords, Frame(0x81, "GET "), 1000, Fault::kMagicWrong);
  Serve(Variant::kRecords, Frame(0x81, magic + "\xff\xff\xff\xff"), 1000, Fault::kDatagramTooBig);
  Serve(Variant::kRecords, test::BuildFrame({.first = 0x81, .length_lie = kMaxMessage + 1}, {}),
        1000, Fault::kMessageTooBig);
}

TEST(DatagramTunnel, AMessageIsADatagramHoweverItIsFragmented) {
  EXPECT_EQ(Serve(Variant::kDatagrams,
                  Frame(0x02, "frag") + Frame(0x00, "") + Frame(0x89, "?") + Frame(0x00, "men") +
                      Frame(0x80, "ted") + Frame(0x82, "whole") + Frame(0x82, ""),
                  1000),
            "fragmented,whole,keepalive,");
}

TEST(DatagramTunnel, RefusesTextAndWhatNoDatagramCanBe) {
  Serve(Variant::kDatagrams, Frame(0x81, "text"), 1000, Fault::kTextUnexpected);
  Serve(Variant::kDatagrams, Frame(0x82, std::string(kMaxDatagram + 1, 'x')), 100'000,
        Fault::kMessageTooBig);
  Serve(Variant::kDatagrams, Frame(0x02, std::string(kMaxDatagram, 'x')) + Frame(0x80, "y"),
        100'000, Fault::kMessageTooBig);
  EXPECT_EQ(CloseCodeOf(Fault::kTextUnexpected), CloseCode::kUnsupportedData);
}

TEST(OutputBuffer, GivesBackWhatWasAppendedInOrder) {
  OutputBuffer out;
  std::string expected;
  std::string got;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::string text = "number " + std::to_string(i) + std::string(i, '.');
    out.Append(FromText(text));
    expected += text;
    const std::size_t take = std::min<std::size_t>(out.size(), 7 * i);
    got += test::ToText(out.pending().first(take));
    out.Consume(take);
  }
  got += test::ToText(out.pending());
  out.Consume(out.size());
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace jitwg::ws
