// Builds the kernel's replies to WG_CMD_GET_DEVICE, for tests of their parser.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/net.h"

namespace jitwg::testing {

// One datagram of any number of messages.
class ReplyBuilder {
 public:
  explicit ReplyBuilder(std::uint32_t sequence) : sequence_(sequence) {}

  void BeginMessage(std::uint16_t flags = NLM_F_MULTI, std::uint16_t type = 0x1c) {
    start_ = bytes_.size();
    bytes_.resize(start_ + sizeof(nlmsghdr) + sizeof(genlmsghdr));
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    header.nlmsg_seq = sequence_;
    std::memcpy(&bytes_[start_], &header, sizeof(header));
    Grow();
  }
  // NLMSG_DONE or NLMSG_ERROR.
  void End(std::uint16_t type, std::int32_t code) {
    BeginMessage(NLM_F_MULTI, type);
    bytes_.resize(start_ + sizeof(nlmsghdr));
    Append(&code, sizeof(code));
  }
  void Put(std::uint16_t type, std::span<const std::uint8_t> value) {
    nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type};
    Append(&attribute, sizeof(attribute));
    Append(value.data(), value.size());
  }
  template <class T>
  void PutValue(std::uint16_t type, const T& value) {
    Put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
  }
  std::size_t BeginNest(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    Put(type | NLA_F_NESTED, {});
    return at;
  }
  void EndNest(std::size_t at) {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(&bytes_[at], &length, sizeof(length));
  }
  void PutDevice(const PrivateKey& key, std::uint16_t port) {
    PutValue(WGDEVICE_A_IFINDEX, std::uint32_t{7});
    const std::string name("wg0\0", 4);
    Put(WGDEVICE_A_IFNAME, {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
    Put(WGDEVICE_A_PRIVATE_KEY, key.bytes());
    Put(WGDEVICE_A_PUBLIC_KEY, DerivePublicKey(key).bytes);
    PutValue(WGDEVICE_A_LISTEN_PORT, port);
  }
  void PutAllowedIps(std::span<const IpPrefix> prefixes) {
    const auto list = BeginNest(WGPEER_A_ALLOWEDIPS);
    for (const IpPrefix& prefix : prefixes) {
      const auto entry = BeginNest(0);
      PutValue(WGALLOWEDIP_A_FAMILY,
               static_cast<std::uint16_t>(prefix.address().is_v4() ? AF_INET : AF_INET6));
      Put(WGALLOWEDIP_A_IPADDR, prefix.address().bytes());
      PutValue(WGALLOWEDIP_A_CIDR_MASK, static_cast<std::uint8_t>(prefix.length()));
      EndNest(entry);
    }
    EndNest(list);
  }

  // Aligned for netlink headers.
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  void Append(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
    Grow();
  }
  void Grow() {
    const auto length = static_cast<std::uint32_t>(bytes_.size() - start_);
    std::memcpy(&bytes_[start_], &length, sizeof(length));
  }

  std::uint32_t sequence_;
  std::size_t start_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace jitwg::testing
