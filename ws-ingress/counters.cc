#include "ws-ingress/counters.h"

namespace jitwg::ingress {
namespace {

constexpr std::array<std::string_view, kCountCount> kNames = {
    "accepted",         "refused_total_limit", "refused_source_limit", "accept_failed",
    "tls_failed",       "handshake_timeout",   "http_refused",         "gone_before_upgrade",
    "upgraded_records", "upgraded_datagrams",  "closed_by_peer",       "closed_idle",
    "closed_draining",  "gone_without_close",  "datagrams_in",         "bytes_in",
    "datagrams_out",    "bytes_out",           "dropped_client_slow",  "dropped_too_big",
    "dropped_not_sent", "source_failed"};

void Append(std::string& text, std::string_view prefix, std::string_view name,
            std::uint64_t value) {
  if (value == 0) return;
  if (!text.empty()) text += ' ';
  text.append(prefix).append(name).append("=").append(std::to_string(value));
}

}  // namespace

std::string_view ToString(Count count) { return kNames[static_cast<std::size_t>(count)]; }

std::string Counters::ToString() const {
  std::string text;
  for (std::size_t i = 0; i < kNames.size(); ++i) Append(text, "", kNames[i], counts_[i]);
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    Append(text, "fault_", ws::ToString(static_cast<ws::Fault>(i)), faults_[i]);
  }
  return text;
}

}  // namespace jitwg::ingress
