// All pinned peers of the registry, a page at a time; a row that cannot be read is stepped over, so
// that it does not hide the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/registry/registry.h"

namespace jitwg::provisioner {

// Not thread-safe.
class PinnedWalk {
 public:
  static constexpr std::size_t kPage = 100;

  // `network` empty: of every network.
  PinnedWalk(registry::Registry& registry, std::string network);

  // The next page; empty at the end. An error: the registry cannot be asked. Of several damaged
  // rows in one page, what lies between the first and the last may be left out.
  Result<std::vector<registry::Peer>> Next();

  // The keys of the rows stepped over since the last call.
  std::vector<PublicKey> TakeDamaged();

 private:
  Result<std::vector<registry::Peer>> ListAfter(const std::optional<PublicKey>& key,
                                                std::size_t limit);
  // Puts the walk behind the damaged row that comes next.
  Status StepOver();

  registry::Registry& registry_;
  registry::ListQuery query_;
  std::vector<PublicKey> damaged_;
};

}  // namespace jitwg::provisioner
