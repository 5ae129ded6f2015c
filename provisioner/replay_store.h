// The newest TAI64N of each key in one SQLite file, so that a captured initiation stays useless
// after its peer was evicted and after a restart. Holds only keys of peers that were installed.
#pragma once

#include <cstddef>
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
  // Opens or creates "<directory>/replay.db", as StateFile::Open; a damaged file is repaired.
  static Result<std::unique_ptr<ReplayStore>> Open(const std::string& directory);
  ~ReplayStore();
  ReplayStore(const ReplayStore&) = delete;
  ReplayStore& operator=(const ReplayStore&) = delete;

  // kDataLoss: the file is damaged; Repair.
  Result<std::optional<Tai64n>> Find(const PublicKey& key);
  // At most so many, in no order. kDataLoss as above.
  Result<std::vector<KeyStamp>> List(std::size_t limit);
  // Stores each stamp unless a newer one is there; all of them or none.
  Status Raise(const std::vector<KeyStamp>& stamps);
  // True: there was one.
  Result<bool> Forget(const PublicKey& key);

  // Sets the damaged file aside as "replay.db.damaged-<Unix time>", begins a new one with what can
  // still be read of it and with `known`, and logs as an error how much that is and what follows
  // from the rest.
  Status Repair(const Error& why, const std::vector<KeyStamp>& known);

 private:
  struct Handle;
  explicit ReplayStore(std::string path);
  Status RaiseOne(const KeyStamp& stamp);
  Status OpenFile();
  Status Ready();

  const std::string path_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace jitwg::provisioner
