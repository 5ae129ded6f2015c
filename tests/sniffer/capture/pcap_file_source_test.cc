#include "sniffer/capture/pcap_file_source.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/capture_file.h"
#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using test::BuildFrame;
using test::ByteVector;
using test::CaptureBytes;
using test::FakeInitiation;
using test::TemporaryFile;

struct Outcome {
  std::vector<ByteVector> frames;
  std::vector<WallTime> times;
  LinkType link_type{};
  Status status;
  PacketSourceStats stats;
};

Outcome ReadAll(const std::string& path) {
  Outcome outcome;
  const auto source = PcapFileSource::Open(path);
  if (!source) {
    outcome.status = source.error();
    return outcome;
  }
  outcome.status = (*source)->Run(
      [&](const CapturedPacket& packet) {
        outcome.frames.emplace_back(packet.bytes.begin(), packet.bytes.end());
        outcome.times.push_back(packet.timestamp);
        outcome.link_type = packet.link_type;
        EXPECT_EQ(packet.source_name, path);
        EXPECT_EQ(packet.wire_length, packet.bytes.size());
      },
      {});
  outcome.stats = (*source)->GetStats();
  return outcome;
}

TEST(PcapFileSource, DeliversFramesInOrderWithNanoseconds) {
  CaptureBytes capture(1);
  const ByteVector first = BuildFrame({}, FakeInitiation());
  const ByteVector second = BuildFrame({.source_port = 2}, FakeInitiation());
  capture.Add(first, 1700000000, 123456789);
  capture.Add(second, 1700000001, 999999999);
  const TemporaryFile file(capture.bytes());
  const Outcome outcome = ReadAll(file.path());
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.frames, (std::vector<ByteVector>{first, second}));
  EXPECT_EQ(outcome.link_type, LinkType::kEthernet);
  EXPECT_EQ(outcome.stats.received, 2U);
  using namespace std::chrono;
  EXPECT_EQ(outcome.times[0], WallTime(seconds(1700000000) + nanoseconds(123456789)));
  EXPECT_EQ(outcome.times[1], WallTime(seconds(1700000001) + nanoseconds(999999999)));
}

TEST(PcapFileSource, ReadsMicrosecondFiles) {
  CaptureBytes capture(101, 0xa1b2c3d4);
  capture.Add(BuildFrame({.link_type = LinkType::kRawIp}, FakeInitiation()), 1700000000, 123456);
  const TemporaryFile file(capture.bytes());
  const Outcome outcome = ReadAll(file.path());
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.link_type, LinkType::kRawIp);
  using namespace std::chrono;
  ASSERT_EQ(outcome.times.size(), 1U);
  EXPECT_EQ(outcome.times[0], WallTime(seconds(1700000000) + microseconds(123456)));
}

TEST(PcapFileSource, DeliversWhatIsReadableOfACutFileThenSaysSo) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({}, FakeInitiation()));
  const std::size_t whole = capture.bytes().size();
  capture.Add(BuildFrame({}, FakeInitiation()));
  for (std::size_t size = 0; size < capture.bytes().size(); ++size) {
    if (size == whole) continue;
    const TemporaryFile file(std::span(capture.bytes()).first(size));
    const Outcome outcome = ReadAll(file.path());
    ASSERT_FALSE(outcome.status) << size;
    EXPECT_EQ(outcome.status.error().code, ErrorCode::kDataLoss) << size;
    EXPECT_EQ(outcome.frames.size(), size > whole ? 1U : 0U) << size;
  }
}

TEST(PcapFileSource, RefusesAnEmptyFileAndOneWithoutPackets) {
  const TemporaryFile empty(std::string_view{});
  const Outcome nothing = ReadAll(empty.path());
  ASSERT_FALSE(nothing.status);
  EXPECT_NE(nothing.status.error().message.find("it is empty"), std::string::npos);
  const TemporaryFile header(CaptureBytes(1).bytes());
  const Outcome no_packet = ReadAll(header.path());
  ASSERT_FALSE(no_packet.status);
  EXPECT_NE(no_packet.status.error().message.find("no packet"), std::string::npos);
}

TEST(PcapFileSource, RefusesOtherFilesLinkTypesAndMissingOnes) {
  const TemporaryFile text("this is no capture, whatever its name says");
  EXPECT_EQ(ReadAll(text.path()).status.error().code, ErrorCode::kDataLoss);
  const TemporaryFile wifi(CaptureBytes(105).bytes());
  EXPECT_EQ(ReadAll(wifi.path()).status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadAll("/nonexistent/file").status.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(ReadAll("/").status);  // a folder
}

TEST(PcapFileSource, StopsWhenAsked) {
  CaptureBytes capture(1);
  for (int frame = 0; frame < 10; ++frame) capture.Add(BuildFrame({}, FakeInitiation()));
  const TemporaryFile file(capture.bytes());
  const auto source = PcapFileSource::Open(file.path());
  ASSERT_TRUE(source);
  std::stop_source stop;
  int seen = 0;
  const Status status = (*source)->Run(
      [&](const CapturedPacket&) {
        if (++seen == 3) stop.request_stop();
      },
      stop.get_token());
  EXPECT_TRUE(status);
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace jitwg::sniffer
