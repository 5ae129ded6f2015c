#include "sniffer/statistics.h"

namespace jitwg::sniffer {

std::string_view ToString(InitiationResult result) {
  static constexpr std::array<std::string_view, kInitiationResults> kNames{
      "malformed",  "outgoing",      "other_port", "bad_length",          "bad_type",
      "bad_mac1",   "own_copy",      "duplicate",  "rate_limited_source", "rate_limited_global",
      "queue_full", "bad_ephemeral", "bad_static", "bad_static_dh",       "bad_timestamp",
      "own_key",    "same_stamp",    "replayed",   "installed",           "authenticated"};
  return kNames[static_cast<std::size_t>(result)];
}

std::string_view KindOf(InitiationResult result) {
  switch (result) {
    case InitiationResult::kMalformed:
    case InitiationResult::kOutgoing:
    case InitiationResult::kOtherPort:
    case InitiationResult::kBadLength:
    case InitiationResult::kBadType:
    case InitiationResult::kOwnCopy:
    case InitiationResult::kDuplicate:
      return "ignored";
    case InitiationResult::kRateLimitedSource:
    case InitiationResult::kRateLimitedGlobal:
    case InitiationResult::kQueueFull:
      return "dropped";
    case InitiationResult::kBadMac1:
    case InitiationResult::kBadEphemeral:
    case InitiationResult::kBadStatic:
    case InitiationResult::kBadStaticDh:
    case InitiationResult::kBadTimestamp:
    case InitiationResult::kOwnKey:
    case InitiationResult::kSameStamp:
    case InitiationResult::kReplayed:
      return "refused";
    case InitiationResult::kInstalled:
    case InitiationResult::kAuthenticated:
      return "authentic";
  }
  return "ignored";
}

}  // namespace jitwg::sniffer
