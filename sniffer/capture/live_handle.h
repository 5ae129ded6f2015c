// One opened libpcap handle on a live interface, and the socket options libpcap does not offer. Not
// for use outside this folder. Policy (when to open again, what to log) is PcapSource's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/base/result.h"
#include "sniffer/capture/link_type.h"

struct pcap;

namespace jitwg::sniffer {

struct PcapOptions {
  // One interface, or "any" for all there are and all to come.
  std::string interface = "any";
  // Size of the ring shared with the kernel; 64 KiB to 1 GiB.
  std::size_t ring_bytes = std::size_t{4} << 20;
  // 0, immediate mode: the reader is woken by every packet, or finds many at once when it is busy.
  // Above: packets are handed over in blocks, at most this late. On a veth pair, a loaded 2-core
  // machine, per initiation: immediate 35-40 us late in the median and 2-3 us of CPU; 1 ms blocks
  // 560-870 us and 0.3 us. Neither dropped anything at all the machine could send (50-90 thousand/s
  // there), nor at 140-290 thousand/s on a quieter one. So immediate is the default: at 100,000
  // garbage packets/s it costs a quarter of a core, and at all other times every handshake gets the
  // half millisecond back.
  std::chrono::milliseconds block_timeout{0};
  // Not empty: a filter of pcap_compile(3) that stays; SetPorts then changes nothing.
  std::string fixed_filter{};
  // Only the packets that this host sends, in the place of only those that it does not.
  bool outgoing = false;
  // So much of each packet. An initiation with the longest headers there are needs 248.
  int snap_length = 256;
};

class LiveHandle {
 public:
  // Not promiscuous. Until the first SetPorts nothing passes, unless the filter is fixed.
  // kNotFound: no such interface (its message names those there are); kPermissionDenied:
  // CAP_NET_RAW; kUnavailable: the interface is down; kInvalidArgument: its link layer is unknown
  // to us.
  static Result<LiveHandle> Open(const PcapOptions& options);

  // Replaces the filter in one step: the kernel swaps it between two packets.
  Status SetPorts(std::span<const std::uint16_t> ports);

  pcap* get() const { return pcap_.get(); }
  int fd() const { return fd_; }
  LinkType link_type() const { return link_type_; }
  std::uint32_t ifindex() const { return ifindex_; }

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };
  LiveHandle() = default;
  Status Activate(const PcapOptions& options);
  void IgnoreOutgoing() const;
  Status Attach(const std::string& filter) const;

  std::unique_ptr<pcap, Close> pcap_;
  int fd_ = -1;
  LinkType link_type_ = LinkType::kEthernet;
  std::uint32_t ifindex_ = 0;
  bool outgoing_ = false;
  bool is_fixed_ = false;
  int snap_length_ = 0;
};

}  // namespace jitwg::sniffer
