#include "provisioner/decisions.h"

#include <utility>

namespace jitwg::provisioner {

std::string_view ToString(Verdict verdict) {
  static constexpr std::array<std::string_view, kVerdicts> kNames = {
      "installed",          "updated",         "already_installed",    "unknown_key",
      "disabled",           "expired",         "other_network",        "other_gateway",
      "prefix_not_allowed", "replay",          "registry_unavailable", "overloaded",
      "install_failed",     "unknown_address", "no_endpoint"};
  return kNames.at(static_cast<std::size_t>(verdict));
}

Verdict ToVerdict(Refusal refusal) {
  switch (refusal) {
    case Refusal::kDisabled:
      return Verdict::kDisabled;
    case Refusal::kExpired:
      return Verdict::kExpired;
    case Refusal::kOtherNetwork:
      return Verdict::kOtherNetwork;
    case Refusal::kOtherGateway:
      return Verdict::kOtherGateway;
    case Refusal::kPrefixNotAllowed:
      return Verdict::kPrefixNotAllowed;
  }
  return Verdict::kDisabled;
}

void DecisionHub::Publish(Decision decision) {
  decisions_.at(static_cast<std::size_t>(decision.verdict)).fetch_add(1);
  history_.Add(decision);
  if (fan_.watchers() != 0) fan_.Publish(std::move(decision));
}

void DecisionHub::Publish(EvictionNotice notice) {
  evictions_.at(static_cast<std::size_t>(notice.reason)).fetch_add(1);
  if (fan_.watchers() != 0) fan_.Publish(std::move(notice));
}

std::map<std::string, std::uint64_t> DecisionHub::Decisions() const {
  std::map<std::string, std::uint64_t> counts;
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    counts.emplace(ToString(static_cast<Verdict>(i)), decisions_.at(i).load());
  }
  return counts;
}

std::map<std::string, std::uint64_t> DecisionHub::Evictions() const {
  std::map<std::string, std::uint64_t> counts;
  for (std::size_t i = 0; i < kEvictionReasons; ++i) {
    counts.emplace(ToString(static_cast<EvictionReason>(i)), evictions_.at(i).load());
  }
  return counts;
}

}  // namespace jitwg::provisioner
