// Fuzzes what comes back over nfnetlink: queued packets, and answers to requests. What is written
// there is read back: a packet in pieces of the input, and the verdicts on it.
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sniffer/hold/nfnetlink_reader.h"
#include "sniffer/hold/nfnetlink_writer.h"
#include "sniffer/hold/nfqueue_message.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg::sniffer;
using jitwg::test::Input;
using jitwg::test::Require;

void Read(NetlinkBytes bytes) {
  ForEachQueuedPacket(bytes, [&](const QueuedPacket& packet) {
    Require(packet.bytes.size() <= bytes.size() && packet.wire_length >= packet.bytes.size());
    // What is handed on must lie inside what came in.
    Require(packet.bytes.empty() ||
            (packet.bytes.data() >= bytes.data() &&
             packet.bytes.data() + packet.bytes.size() <= bytes.data() + bytes.size()));
  });
  NfnetlinkAnswer answer;
  ReadAnswer(bytes, 5, 7, answer);
  Require(answer.error >= 0 && answer.error <= 4095);
}

std::size_t CountMessages(const std::vector<std::uint8_t>& bytes) {
  std::size_t count = 0;
  Require(ForEachMessage(bytes, [&](const NfnetlinkMessage& message) {
    Require(ForEachAttribute(AttributesOf(message), [](std::uint16_t, NetlinkBytes) {}));
    ++count;
  }));
  return count;
}

void Write(Input& input) {
  const auto queue = static_cast<std::uint16_t>(input.Number(2));
  const auto id = static_cast<std::uint32_t>(input.Number(4));
  const auto ifindex = static_cast<std::uint32_t>(input.Number(4));
  Require(CountMessages(EncodeAccept(queue, id)) == 1);
  Require(CountMessages(EncodeAcceptUpTo(queue, id)) == 1);
  Require(CountMessages(EncodeQueueBind({queue, id, ifindex}, id)) == 1);
  const auto payload = input.Rest();
  NfnetlinkWriter writer;
  writer.Begin({NFNL_SUBSYS_QUEUE, NFQNL_MSG_PACKET, 0, 0, 2, queue});
  writer.PutBe32(NFQA_IFINDEX_INDEV, ifindex);
  nfqnl_msg_packet_hdr header{};
  header.packet_id = __builtin_bswap32(id);
  writer.PutStruct(NFQA_PACKET_HDR, header);
  writer.Put(NFQA_PAYLOAD, payload);
  std::size_t packets = 0;
  Require(ForEachQueuedPacket(writer.bytes(), [&](const QueuedPacket& packet) {
    Require(packet.id == id && packet.ifindex == ifindex);
    Require(std::equal(packet.bytes.begin(), packet.bytes.end(), payload.begin(), payload.end()));
    ++packets;
  }));
  Require(packets == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Read(NetlinkBytes(data, size));
  Input input(std::span(data, std::min<std::size_t>(size, 4096)));
  Write(input);
  return 0;
}
