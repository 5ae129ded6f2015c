// The expected bytes were put together field by field from linux/netfilter/nfnetlink_queue.h, on a
// little-endian machine.
#include "sniffer/hold/nfqueue_message.h"

#include <gtest/gtest.h>

#include <vector>

#include "sniffer/hold/nfnetlink_writer.h"
#include "tests/sniffer/hold/hex.h"

namespace jitwg::sniffer {
namespace {

using test::ToHex;
using Bytes = std::vector<std::uint8_t>;

TEST(NfqueueMessage, ABindSetsEverythingInOneMessage) {
  EXPECT_EQ(ToHex(EncodeQueueBind({4711, 512, 100}, 9)),
            "4000000002030500"
            "0900000000000000"
            "00001267"
            "0800010001000000"
            "090002000000020002000000"
            "0800030000000064"
            "0800040000000005"
            "0800050000000005");
}

TEST(NfqueueMessage, VerdictsAccept) {
  EXPECT_EQ(ToHex(EncodeAccept(4711, 0x01020304)),
            "2000000001030100000000000000000000001267"
            "0c0002000000000101020304");
  EXPECT_EQ(ToHex(EncodeAcceptUpTo(4711, 0xfffffffe)),
            "2000000003030100000000000000000000001267"
            "0c00020000000001fffffffe");
}

// Message and attribute numbers as in the headers: NFQNL_MSG_PACKET of subsystem 3.
void PutPacket(NfnetlinkWriter& writer, std::uint32_t id, const Bytes& payload) {
  writer.Begin({3, 0, 0, 0, 2, 4711});
  const Bytes header{0, 0, 0, static_cast<std::uint8_t>(id), 0x08, 0x00, 1};
  writer.Put(1, header);
  writer.PutBe32(5, 7);     // NFQA_IFINDEX_INDEV
  writer.PutBe32(13, 600);  // NFQA_CAP_LEN
  writer.Put(10, payload);
}

std::vector<QueuedPacket> Read(NetlinkBytes datagram, bool whole = true) {
  std::vector<QueuedPacket> packets;
  EXPECT_EQ(ForEachQueuedPacket(datagram, [&](const QueuedPacket& p) { packets.push_back(p); }),
            whole);
  return packets;
}

TEST(NfqueueMessage, ReadsPackets) {
  NfnetlinkWriter writer;
  PutPacket(writer, 1, {1, 2, 3, 4, 5});
  PutPacket(writer, 2, Bytes(700, 9));
  const auto packets = Read(writer.bytes());
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(packets[0].id, 1U);
  EXPECT_EQ(packets[0].ifindex, 7U);
  EXPECT_EQ(packets[0].wire_length, 600U);
  EXPECT_EQ(ToHex(packets[0].bytes), "0102030405");
  // A length that is shorter than what is there is a lie.
  EXPECT_EQ(packets[1].wire_length, 700U);
}

TEST(NfqueueMessage, APacketWithoutPayloadIsStillToldForItWaits) {
  NfnetlinkWriter writer;
  writer.Begin({3, 0, 0, 0, 2, 4711});
  writer.Put(1, Bytes{0, 0, 0, 5, 0, 0, 0});
  const auto packets = Read(writer.bytes());
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0].id, 5U);
  EXPECT_TRUE(packets[0].bytes.empty());
}

TEST(NfqueueMessage, WithoutANumberThereIsNoPacket) {
  NfnetlinkWriter writer;
  writer.Begin({3, 0, 0, 0, 2, 4711});
  writer.Put(1, Bytes{0, 0, 0, 5, 0, 0});  // a byte short
  writer.Put(10, Bytes(20));
  writer.Begin({3, 1, 0, 0, 2, 4711});  // another operation
  writer.Put(1, Bytes{0, 0, 0, 5, 0, 0, 0});
  EXPECT_TRUE(Read(writer.bytes()).empty());
}

TEST(NfqueueMessage, EveryTruncationIsNoticedAndReadsNothingBeyond) {
  NfnetlinkWriter writer;
  PutPacket(writer, 1, {1, 2, 3, 4, 5, 6, 7});
  const Bytes whole(writer.bytes().begin(), writer.bytes().end());
  for (std::size_t size = 1; size < whole.size(); ++size) {
    // On the heap and of this very size: a sanitizer sees each byte too many.
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(Read(cut, false).empty()) << size;
  }
  EXPECT_EQ(Read(whole).size(), 1U);
}

TEST(NfqueueMessage, EveryLyingLengthIsSurvived) {
  NfnetlinkWriter writer;
  PutPacket(writer, 1, {1, 2, 3, 4, 5, 6, 7});
  const Bytes whole(writer.bytes().begin(), writer.bytes().end());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = whole;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1 << bit));
      ForEachQueuedPacket(flipped, [&](const QueuedPacket& packet) {
        EXPECT_LE(packet.bytes.size(), whole.size());
        EXPECT_GE(packet.wire_length, packet.bytes.size());
      });
    }
  }
}

// NLMSG_ERROR: the errno, negative, then the header of the request.
Bytes Answer(std::uint32_t sequence, std::int32_t code) {
  Bytes bytes{36, 0, 0, 0, 2, 0, 0, 0};
  const auto put = [&](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  };
  put(sequence);
  put(0);
  put(static_cast<std::uint32_t>(code));
  bytes.resize(36);
  return bytes;
}

TEST(NfnetlinkAnswer, TheLastMessagesAcknowledgementEndsIt) {
  NfnetlinkAnswer answer;
  ReadAnswer(Answer(5, 0), 5, 7, answer);
  EXPECT_FALSE(answer.acknowledged);
  ReadAnswer(Answer(7, 0), 5, 7, answer);
  EXPECT_TRUE(answer.acknowledged);
  EXPECT_EQ(answer.error, 0);
}

TEST(NfnetlinkAnswer, KeepsTheFirstRefusal) {
  NfnetlinkAnswer answer;
  ReadAnswer(Answer(6, -2), 5, 7, answer);
  ReadAnswer(Answer(7, -22), 5, 7, answer);
  EXPECT_EQ(answer.error, 2);
  EXPECT_EQ(answer.refused, 6U);
  EXPECT_TRUE(answer.acknowledged);
}

TEST(NfnetlinkAnswer, PassesOverWhatIsNotForThisRequest) {
  NfnetlinkAnswer answer;
  ReadAnswer(Answer(4, -1), 5, 7, answer);
  ReadAnswer(Answer(8, -1), 5, 7, answer);
  Bytes cut = Answer(6, -1);
  cut.resize(35);
  ReadAnswer(cut, 5, 7, answer);
  ReadAnswer(Answer(6, 12345678), 5, 7, answer);  // no errno
  EXPECT_EQ(answer.error, 0);
  EXPECT_FALSE(answer.acknowledged);
}

TEST(NfnetlinkAnswer, SequenceNumbersWrap) {
  NfnetlinkAnswer answer;
  ReadAnswer(Answer(1, 0), 0xfffffffe, 1, answer);
  EXPECT_TRUE(answer.acknowledged);
}

}  // namespace
}  // namespace jitwg::sniffer
