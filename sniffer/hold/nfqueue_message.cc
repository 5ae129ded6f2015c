// See nfqueue_message.h.
#include "sniffer/hold/nfqueue_message.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "sniffer/hold/nfnetlink_writer.h"

namespace jitwg::sniffer {
namespace {

constexpr std::uint16_t kPacketType = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;

std::vector<std::uint8_t> Finish(const NfnetlinkWriter& writer) {
  return {writer.bytes().begin(), writer.bytes().end()};
}

std::vector<std::uint8_t> EncodeVerdict(std::uint8_t operation, std::uint16_t queue,
                                        std::uint32_t packet_id) {
  NfnetlinkWriter writer;
  writer.Begin({NFNL_SUBSYS_QUEUE, operation, 0, 0, NFPROTO_UNSPEC, queue});
  nfqnl_msg_verdict_hdr verdict{};
  verdict.verdict = htonl(NF_ACCEPT);
  verdict.id = htonl(packet_id);
  writer.PutStruct(NFQA_VERDICT_HDR, verdict);
  return Finish(writer);
}

std::optional<std::uint32_t> ReadBe32(NetlinkBytes value) {
  if (value.size() < sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t number = 0;
  std::memcpy(&number, value.data(), sizeof(number));
  return ntohl(number);
}

// nullopt: not even a number to answer.
std::optional<QueuedPacket> ReadPacket(const NfnetlinkMessage& message) {
  std::optional<std::uint32_t> id;
  std::optional<std::uint32_t> length;
  QueuedPacket packet;
  ForEachAttribute(AttributesOf(message), [&](std::uint16_t type, NetlinkBytes value) {
    if (type == NFQA_PACKET_HDR && value.size() >= sizeof(nfqnl_msg_packet_hdr)) {
      id = ReadBe32(value);  // packet_id is its first field
    } else if (type == NFQA_IFINDEX_INDEV) {
      packet.ifindex = ReadBe32(value).value_or(0);
    } else if (type == NFQA_PAYLOAD) {
      packet.bytes = value;
    } else if (type == NFQA_CAP_LEN) {
      length = ReadBe32(value);
    }
  });
  if (!id) return std::nullopt;
  packet.id = *id;
  packet.wire_length = std::max<std::size_t>(packet.bytes.size(), length.value_or(0));
  return packet;
}

}  // namespace

std::vector<std::uint8_t> EncodeQueueBind(const QueueSettings& settings, std::uint32_t sequence) {
  NfnetlinkWriter writer;
  writer.Begin(
      {NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG, NLM_F_ACK, sequence, NFPROTO_UNSPEC, settings.number});
  nfqnl_msg_config_cmd command{};
  command.command = NFQNL_CFG_CMD_BIND;
  writer.PutStruct(NFQA_CFG_CMD, command);
  nfqnl_msg_config_params parameters{};
  parameters.copy_range = htonl(settings.copy_bytes);
  parameters.copy_mode = NFQNL_COPY_PACKET;
  writer.PutStruct(NFQA_CFG_PARAMS, parameters);
  writer.PutBe32(NFQA_CFG_QUEUE_MAXLEN, settings.max_packets);
  // Without NFQA_CFG_F_GSO the kernel would compute the checksum of each packet that a local
  // sender left partial, for a reader that does not look at it.
  constexpr std::uint32_t kFlags = NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO;
  writer.PutBe32(NFQA_CFG_MASK, kFlags);
  writer.PutBe32(NFQA_CFG_FLAGS, kFlags);
  return Finish(writer);
}

std::vector<std::uint8_t> EncodeAccept(std::uint16_t queue, std::uint32_t packet_id) {
  return EncodeVerdict(NFQNL_MSG_VERDICT, queue, packet_id);
}

std::vector<std::uint8_t> EncodeAcceptUpTo(std::uint16_t queue, std::uint32_t packet_id) {
  return EncodeVerdict(NFQNL_MSG_VERDICT_BATCH, queue, packet_id);
}

bool ForEachQueuedPacket(NetlinkBytes datagram,
                         const std::function<void(const QueuedPacket&)>& handler) {
  return ForEachMessage(datagram, [&](const NfnetlinkMessage& message) {
    if (message.type != kPacketType) return;
    if (const auto packet = ReadPacket(message)) handler(*packet);
  });
}

}  // namespace jitwg::sniffer
