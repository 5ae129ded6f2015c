// The messages of nfnetlink_queue (kernel: net/netfilter/nfnetlink_queue.c), by which the kernel
// hands packets to a program and takes its verdicts. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sniffer/hold/nfnetlink_reader.h"

namespace jitwg::sniffer {

struct QueueSettings {
  std::uint16_t number = 0;
  std::uint32_t copy_bytes = 0;   // of each packet at most
  std::uint32_t max_packets = 0;  // that wait at once; more are accepted unseen
};

// One message that makes the queue with all its settings, and asks for an acknowledgement. The
// kernel refuses (EPERM) a queue that another socket has.
std::vector<std::uint8_t> EncodeQueueBind(const QueueSettings& settings, std::uint32_t sequence);

// Accepts one packet. Not acknowledged; refused with ENOENT when it does not wait any more.
std::vector<std::uint8_t> EncodeAccept(std::uint16_t queue, std::uint32_t packet_id);

// Accepts every waiting packet up to and with this one, in the order of the queue; numbers wrap.
std::vector<std::uint8_t> EncodeAcceptUpTo(std::uint16_t queue, std::uint32_t packet_id);

// A packet as the kernel tells it. `bytes` is cut to the copy size and empty when the message
// carried none; it still waits for a verdict then.
struct QueuedPacket {
  std::uint32_t id = 0;
  std::uint32_t ifindex = 0;  // where it came in
  NetlinkBytes bytes;         // from the IP header on
  std::size_t wire_length = 0;
};

// Calls `handler` for each packet of the datagram; other messages are passed over. False when the
// datagram is damaged.
bool ForEachQueuedPacket(NetlinkBytes datagram,
                         const std::function<void(const QueuedPacket&)>& handler);

}  // namespace jitwg::sniffer
