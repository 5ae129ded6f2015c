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
  }
  return "failed";
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
