// Whose address it is, by the index that keeps addresses apart. Not for use outside this folder.
#pragma once

#include <optional>
#include <string>

#include "lib/registry/registry.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// As Registry::FindHolder; the network's name is valid or empty.
Result<std::optional<AddressHolder>> ReadHolder(SqliteDatabase& database,
                                                const std::string& network,
                                                const IpAddress& address);

}  // namespace jitwg::registry
