// What a NOTIFY of PostgreSQL says. Pure: whoever may write to the database may have sent it.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/registry/registry.h"

namespace jitwg::registry {

struct PostgresNotice {
  Change change;
  std::uint64_t mark = 0;  // not zero: no change, but the mark of this number
};

// `own`: it came on the listening connection's own channel (a mark), else on that of the peers (a
// key; anything else means that anything may have changed).
PostgresNotice ReadPostgresNotice(bool own, std::string_view payload);

}  // namespace jitwg::registry
