// Peers, networks, sightings and reports as JSON: the public form, with times people read and
// without preshared keys, and the gateways' rows.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/registry/control_plane.h"

namespace jitwg::api {

// --- The public form.
struct CreateWish {
  registry::Peer peer;
  bool generate_preshared_key = false;
};
Result<CreateWish> ReadCreate(const nlohmann::json& body);
Result<registry::PeerPatch> ReadPatch(const nlohmann::json& body);
Result<registry::Network> ReadNetwork(const std::string& name, const nlohmann::json& body);
nlohmann::json ToJson(const registry::Peer& peer, const registry::Sighting* last_seen);
nlohmann::json ToJson(const registry::Sighting& sighting);
nlohmann::json ToJson(const registry::Network& network);
nlohmann::json ToJson(const registry::Gateway& gateway);

// --- Between the gateways and this service. Times are microseconds since 1970.
Result<registry::Peer> ReadRow(const nlohmann::json& body);
Result<registry::GatewayReport> ReadReport(const nlohmann::json& body);
// The rows with their preshared keys, as {"peers": [...]} or, for one, the row itself. Whoever
// gets the text wipes it; no other copy of the keys is left.
std::string RowText(const registry::Peer& peer);
std::string RowsText(const std::vector<registry::Peer>& peers);

// Overwrites what `body` holds in its fields "preshared_key" and "private_key".
void WipeSecrets(nlohmann::json& body);

}  // namespace jitwg::api
