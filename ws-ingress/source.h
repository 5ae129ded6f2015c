// Who a client is for limits, and which local address speaks for it to the gateway, so that the
// sniffer's buckets, one for each source address, keep clients apart here too. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ingress {

// A client's network as the sniffer's buckets have it: /32 of IPv4, /64 of IPv6.
class SourceNetwork {
 public:
  explicit SourceNetwork(const IpAddress& client);
  auto operator<=>(const SourceNetwork&) const = default;
  // Seeded by the process: nobody outside can choose networks that meet.
  std::uint64_t Hash() const;

 private:
  IpFamily family_;
  std::uint64_t bits_ = 0;
};

struct SourceNetworkHash {
  std::size_t operator()(const SourceNetwork& network) const { return network.Hash(); }
};

// Where addresses that stand for clients come from: at least 254 of them, and for IPv6 each in a
// /64 of its own. kInvalidArgument: the prefix is too small (longer than /24 or /56).
Status CheckSourcePrefix(const IpPrefix& prefix);

// The address of `prefix` that stands for a client's network, never its first nor its last. The
// same for all connections from that network while the process lives.
IpAddress AddressFor(const SourceNetwork& network, const IpPrefix& prefix);
// The `hash`-th address, for that and for trying the prefix out.
IpAddress AddressAt(std::uint64_t hash, const IpPrefix& prefix);

// The client behind a chain of trusted proxies: the last address of X-Forwarded-For that is none of
// them. nullopt: the header has no such address, or something else before it.
std::optional<IpAddress> ForwardedClient(std::string_view forwarded_for,
                                         const std::vector<IpPrefix>& trusted);
bool IsWithin(const IpAddress& address, const std::vector<IpPrefix>& prefixes);

}  // namespace jitwg::ingress
