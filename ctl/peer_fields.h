// One peer out of named texts, which is what all forms of a peer file come down to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/registry/registry.h"

namespace jitwg::ctl {

// Sets one setting from its text. kInvalidArgument names the field, also when there is none of that
// name; the message never repeats a preshared key. An empty text leaves the default.
Status SetPeerField(registry::Peer& peer, std::string_view field, std::string_view text);

// Columns that `peer list` prints and that are not for setting.
bool IsInformation(std::string_view field);
bool IsPeerField(std::string_view field);

// Address prefixes, separated by blanks, ',' or ';'.
Result<std::vector<IpPrefix>> ParsePrefixList(std::string_view text);

}  // namespace jitwg::ctl
