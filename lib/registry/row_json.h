// Rows of the registry as JSON, the form in which the peer API's internal look-up hands them to
// gateways. Pure. Strict: what no store can have written is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

// Carries the preshared key: the caller wipes the text. Times are microseconds since 1970.
std::string PeerToJson(const Peer& peer);
// {"peers":[...]}
std::string PeersToJson(const std::vector<Peer>& peers);

// kUnavailable: the text is no JSON or not of this form (whoever sent it is no peer API);
// kDataLoss: a row that no store accepts, naming its key. Unknown members are ignored: a newer peer
// API may send them.
Result<Peer> PeerFromJson(std::string_view text);
Result<std::vector<Peer>> PeersFromJson(std::string_view text);

}  // namespace jitwg::registry
