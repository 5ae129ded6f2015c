// The newest TAI64N of each key in one SQLite file, so that a captured initiation stays useless
// after its peer was evicted and after a restart. Holds only keys of peers that were installed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/result.h"
#include "lib/base/tai64n.h"

namespace jitwg::provisioner {

using KeyStamp = std::pair<PublicKey, Tai64n>;

// Not thread-safe; ReplayMemory locks.
class ReplayStore {
 public:
  // Opens or creates "<directory>/replay.db" with mode 0600 (WAL; a commit survives kill -9 of the
  // process; one process at a time). A damaged file is set aside as
  // "replay.db.damaged-<Unix time>", which is logged as an error, and a new one begun.
  // kFailedPrecondition: the file is of a newer version; kAlreadyExists: another process has it;
  // else why it cannot be opened.
  static Result<std::unique_ptr<ReplayStore>> Open(const std::string& directory);
  ~ReplayStore();
  ReplayStore(const ReplayStore&) = delete;
  ReplayStore& operator=(const ReplayStore&) = delete;

  Result<std::optional<Tai64n>> Find(const PublicKey& key);
  // Stores each stamp unless a newer one is there; all of them or none.
  Status Raise(const std::vector<KeyStamp>& stamps);

 private:
  struct Handle;
  explicit ReplayStore(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace jitwg::provisioner
