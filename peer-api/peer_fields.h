// Single fields of peers out of JSON, as the public form and the gateways' rows share them.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/registry/registry.h"
#include "peer-api/json_reader.h"

namespace jitwg::api {

// A field that must be there; faults go to the reader.
void ReadKey(ObjectReader& reader, PublicKey& out);

// nullopt: absent or faulty. Host bits must be zero.
std::optional<std::vector<IpPrefix>> ReadPrefixes(ObjectReader& reader, const std::string& name,
                                                  std::size_t most);
std::optional<WallTime> ReadTime(ObjectReader& reader, const std::string& name);

// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820": as Endpoint::ToString writes it.
std::optional<Endpoint> ParseEndpointText(std::string_view text);

// All of a peer but its times.
void ReadSettings(ObjectReader& reader, registry::Peer& peer);

nlohmann::json PrefixTexts(const std::vector<IpPrefix>& prefixes);

}  // namespace jitwg::api
