// The JSON that jitwgctl prints. Field names are those of the protocol; keys are base64, addresses
// and prefixes are written as people do, times are RFC 3339.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>

#include "jitwg/v1/admin.pb.h"
#include "jitwg/v1/handshake_events.pb.h"
#include "jitwg/v1/peer_installer.pb.h"
#include "lib/registry/registry.h"

namespace jitwg::ctl {

// Keeps the order in which fields were written.
using Json = nlohmann::ordered_json;

// One line.
void PrintJson(std::ostream& out, const Json& json);

// 32 bytes as base64; other sizes, which a sound server never sends, as hexadecimal.
std::string KeyText(const std::string& bytes);
// "-" when it is none.
std::string EndpointText(const v1::Endpoint& endpoint);
// 4 or 16 bytes; "-" when it is none.
std::string AddressText(const std::string& bytes);
// Where a decision comes from: the caller's endpoint, or "outbound".
std::string OriginText(const v1::Decision& decision);
std::vector<std::string> PrefixTexts(
    const google::protobuf::RepeatedPtrField<v1::IpPrefix>& prefixes);
// 12 bytes of TAI64N as UTC; empty stays empty.
std::string Tai64nText(const std::string& bytes);
// "removed", "refused_foreign", ...
std::string OutcomeText(v1::PeerOutcome outcome);
std::string TimeText(const google::protobuf::Timestamp& time);

Json ToJson(const v1::GetStatisticsResponse& message);
Json ToJson(const v1::InterfaceState& message);
Json ToJson(const v1::StatusResponse& message);
Json ToJson(const v1::PeerState& message);
Json ToJson(const v1::HandshakeEvent& message);
Json ToJson(const v1::OutboundDemand& message);
Json ToJson(const v1::Decision& message);
Json ToJson(const v1::Eviction& message);
Json ToJson(const v1::ExplainResponse& message);
Json ToJson(const v1::EvictResult& message);

Json ToJson(const registry::Peer& peer);

}  // namespace jitwg::ctl
