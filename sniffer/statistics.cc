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

}  // namespace jitwg::sniffer
