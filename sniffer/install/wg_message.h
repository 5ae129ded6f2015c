// WireGuard's generic netlink messages as bytes: encodes WG_CMD_GET_DEVICE and WG_CMD_SET_DEVICE,
// parses the replies. Pure: no socket, no clock. Source: uapi linux/wireguard.h,
// drivers/net/wireguard/netlink.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// Enough for any message that EncodeSetDevice makes. The attribute with the peers has a 16-bit
// length.
inline constexpr std::size_t kSetMessageSize = 65536;

// What every request carries.
struct WgRequest {
  std::uint16_t family = 0;    // generic netlink's id for "wireguard"
  std::uint32_t sequence = 0;  // the replies carry it back
  std::string interface;       // 1..15 characters
  unsigned ifindex = 0;        // of EncodeSetDevice alone: names the interface instead, unless 0
};

// Both return the message's length in `out`, kInternal when it does not fit. `out` must be aligned
// to 4 bytes.
Result<std::size_t> EncodeGetDevice(const WgRequest& request, std::span<std::uint8_t> out);
// Asks for an acknowledgement. The message may hold preshared keys: the caller wipes it.
Result<std::size_t> EncodeSetDevice(const WgRequest& request, std::span<const PeerChange> changes,
                                    std::span<std::uint8_t> out);
// Key and port of the interface itself. Asks for an acknowledgement. Holds the key: the caller
// wipes it.
Result<std::size_t> EncodeConfigureDevice(const WgRequest& request, const DeviceSettings& settings,
                                          std::span<std::uint8_t> out);

// How many of the leading changes fit one message of kSetMessageSize; at least 1 for a non-empty
// list.
std::size_t FittingChanges(std::span<const PeerChange> changes);

// The reply to GET_DEVICE, fed one datagram at a time. Bounded by limits.h. A device whose private
// key is unset has an all-zero key pair.
class DumpParser {
 public:
  enum class Step { kMore, kDone };

  // Messages with another sequence number are ignored.
  explicit DumpParser(std::uint32_t sequence, bool want_peers = true)
      : sequence_(sequence), want_peers_(want_peers) {}

  // `datagram` must be aligned to 4 bytes. kDone at the end of the dump. An NLMSG_ERROR sets
  // `errno_value()` and gives kInternal; damaged bytes give kDataLoss; too much gives
  // kResourceExhausted.
  Result<Step> Feed(std::span<const std::uint8_t> datagram);

  bool has_device() const { return has_device_; }
  // Set once by the first message (the others carry no key). Name and index come from the reply.
  DeviceInfo TakeDevice() { return std::move(device_); }
  PeerDump TakeDump() { return std::move(dump_); }
  // Of an NLMSG_ERROR or a failed NLMSG_DONE; 0 when there was none.
  int errno_value() const { return errno_value_; }

 private:
  Status ParseMessage(std::span<const std::uint8_t> attributes);
  Status ParsePeers(std::span<const std::uint8_t> nest);
  Status AddPeer(KernelPeer peer);

  std::uint32_t sequence_;
  bool want_peers_;
  bool has_device_ = false;
  int errno_value_ = 0;
  std::size_t allowed_ips_ = 0;
  DeviceInfo device_;
  PeerDump dump_;
};

// The answer to a request with NLM_F_ACK, or the error of any. 0: acknowledged, else a positive
// errno. EBADMSG when the datagram holds no answer for `sequence`. `datagram` must be aligned to 4
// bytes.
int ParseAck(std::span<const std::uint8_t> datagram, std::uint32_t sequence);

// CTRL_CMD_GETFAMILY for "wireguard" and the id out of its reply; kNotFound when the reply is an
// error (the kernel has no WireGuard), kDataLoss when it is damaged.
Result<std::size_t> EncodeGetFamily(std::uint32_t sequence, std::span<std::uint8_t> out);
Result<std::uint16_t> ParseFamily(std::span<const std::uint8_t> datagram, std::uint32_t sequence);

}  // namespace jitwg::sniffer
