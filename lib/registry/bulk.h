// Many peers into a registry's store in one transaction: all of them, or none. For imports; the
// daemons never do this.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

struct BulkOptions {
  bool replace = false;   // peers that are there with other settings get these
  bool skip_bad = false;  // store the others when some are refused
  bool dry_run = false;   // find out all, store nothing
};

// Why one of the peers was not taken.
struct BulkRefusal {
  std::size_t index = 0;  // in the list that was given
  Error error;
};

struct BulkOutcome {
  std::size_t created = 0;
  std::size_t replaced = 0;
  std::size_t unchanged = 0;  // were there with the same settings
  std::vector<BulkRefusal> refused;
  bool stored = false;  // false: nothing was, because some were refused or nothing was to be
};

// Called now and then with how many are done.
using BulkProgress = std::function<void(std::size_t done)>;

// Puts all of `peers` into the registry at `address` (see factory.h; not over HTTP:
// kFailedPrecondition). A peer is refused when it is not valid, its key comes twice, an address
// overlaps another peer's, or, without `replace`, it is there with other settings; all that are
// refused are told. Blocks for as long as it takes, and keeps other writers of
// an SQLite file, and of these networks in PostgreSQL, waiting meanwhile. Errors: of the store;
// nothing is stored then.
Result<BulkOutcome> PutAll(const std::string& address, const std::vector<Peer>& peers,
                           const BulkOptions& options, const Clock& clock,
                           const BulkProgress& progress);

}  // namespace jitwg::registry
