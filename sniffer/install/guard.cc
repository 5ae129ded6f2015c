// See guard.h.
#include "sniffer/install/guard.h"

#include <algorithm>

#include "sniffer/install/limits.h"

namespace jitwg::sniffer {
namespace {

std::optional<Refusal> CheckPrefixes(const GuardPolicy& policy,
                                     std::span<const IpPrefix> allowed_ips) {
  if (allowed_ips.empty()) {
    return Refusal{PeerOutcome::kRefusedPrefix,
                   "the peer has no allowed IPs: give it at least one"};
  }
  if (allowed_ips.size() > kMaxAllowedIpsPerChange) {
    return Refusal{
        PeerOutcome::kRefusedPrefix,
        "the peer has more than " + std::to_string(kMaxAllowedIpsPerChange) + " allowed IPs"};
  }
  for (const IpPrefix& ip : allowed_ips) {
    const bool inside =
        std::any_of(policy.allowed_prefixes.begin(), policy.allowed_prefixes.end(),
                    [&ip](const IpPrefix& allowed) { return allowed.Contains(ip); });
    if (!inside) {
      return Refusal{PeerOutcome::kRefusedPrefix,
                     ip.ToString() +
                         " is outside what this interface may route: correct the peer, or"
                         " add the prefix to the sniffer's allowed prefixes"};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> CheckOverlap(const GuardQuestion& question, const PrefixIndex& holders) {
  for (const IpPrefix& ip : question.allowed_ips) {
    if (const auto taken = holders.FindOverlap(ip, question.key)) {
      return Refusal{PeerOutcome::kRefusedAddressTaken,
                     ip.ToString() + " overlaps " + taken->prefix.ToString() + " of peer " +
                         taken->holder.ToBase64() + ": give one of them another address"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(PeerOutcome outcome) {
  switch (outcome) {
    case PeerOutcome::kInstalled:
      return "installed";
    case PeerOutcome::kUnchanged:
      return "unchanged";
    case PeerOutcome::kUpdated:
      return "updated";
    case PeerOutcome::kRemoved:
      return "removed";
    case PeerOutcome::kAbsent:
      return "absent";
    case PeerOutcome::kRefusedPrefix:
      return "refused_prefix";
    case PeerOutcome::kRefusedAddressTaken:
      return "refused_address_taken";
    case PeerOutcome::kRefusedOwnKey:
      return "refused_own_key";
    case PeerOutcome::kRefusedForeign:
      return "refused_foreign";
    case PeerOutcome::kRefusedCap:
      return "refused_cap";
    case PeerOutcome::kFailed:
      return "failed";
    case PeerOutcome::kNoEndpoint:
      return "no_endpoint";
  }
  return "failed";
}

bool IsCallable(const Endpoint& endpoint) {
  if (endpoint.port == 0) return false;
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    // 0.0.0.0/8, 127.0.0.0/8, and from 224.0.0.0 on multicast, reserved and broadcast.
    return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
  }
  // ::/32 has the unspecified and the loopback address, and every old way to write an IPv4 one;
  // 2000::/3 is the Internet, fc00::/7 local, fe80::/10 the link.
  const bool global = (bytes[0] & 0xe0) == 0x20;
  const bool local = (bytes[0] & 0xfe) == 0xfc;
  const bool link = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 && endpoint.scope_id != 0;
  return global || local || link;
}

std::optional<Refusal> CheckInstall(const GuardPolicy& policy, const GuardQuestion& question,
                                    const PrefixIndex& holders) {
  if (question.key == question.interface_key || question.key.IsZero()) {
    return Refusal{PeerOutcome::kRefusedOwnKey,
                   "the key is the interface's own or all zero: it cannot be a peer"};
  }
  if (question.standing == Standing::kForeign) {
    return Refusal{
        PeerOutcome::kRefusedForeign,
        "the peer is there and jitwg did not install it: remove it by hand (wg set ... peer "
        "... remove) if jitwg shall manage it"};
  }
  if (question.standing == Standing::kUnknown && question.own_count >= policy.max_peers) {
    return Refusal{PeerOutcome::kRefusedCap, "the cap of " + std::to_string(policy.max_peers) +
                                                 " peers is reached: evict some or raise it"};
  }
  // More than a dump may hold, and the sniffer could no longer read what it guards.
  if (holders.size() + question.allowed_ips.size() > kMaxAllowedIpsInDump / 2) {
    return Refusal{PeerOutcome::kRefusedCap, "the interface's peers have " +
                                                 std::to_string(holders.size()) +
                                                 " allowed IPs already: evict some"};
  }
  if (auto refusal = CheckPrefixes(policy, question.allowed_ips)) return refusal;
  return CheckOverlap(question, holders);
}

}  // namespace jitwg::sniffer
