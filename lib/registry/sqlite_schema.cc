#include "lib/registry/sqlite_schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

namespace jitwg::registry {
namespace {

// "jitw": tells our files from other programs' SQLite files.
constexpr std::int64_t kApplicationId = 0x6a697477;

// Times are microseconds since 1970. Addresses of both families are 16 bytes, IPv4 padded with
// zeros behind; `first` and `last` are a prefix's ends. Rows of one network never overlap, so the
// row with the greatest first <= NEW.last is the only one that could reach into a new prefix: one
// step in the index. Who edits allowed_ip by hand must touch the peer's updated_at, which is what
// tells the gateways.
constexpr const char* kCreateSchema = R"sql(
CREATE TABLE peer (
  public_key BLOB PRIMARY KEY CHECK (length(public_key) = 32),
  name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) <= 128),
  network TEXT NOT NULL CHECK (length(network) BETWEEN 1 AND 63),
  preshared_key BLOB CHECK (preshared_key IS NULL OR length(preshared_key) = 32),
  persistent_keepalive INTEGER NOT NULL CHECK (persistent_keepalive BETWEEN 0 AND 65535),
  pinned INTEGER NOT NULL CHECK (pinned IN (0, 1)),
  gateway TEXT NOT NULL CHECK (length(CAST(gateway AS BLOB)) <= 128),
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX peer_pinned ON peer (public_key) WHERE pinned = 1;
CREATE INDEX peer_network ON peer (network, public_key);

CREATE TABLE allowed_ip (
  public_key BLOB NOT NULL REFERENCES peer (public_key) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 127),
  network TEXT NOT NULL,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  first BLOB NOT NULL CHECK (length(first) = 16),
  last BLOB NOT NULL CHECK (length(last) = 16 AND first <= last),
  prefix_length INTEGER NOT NULL CHECK (prefix_length BETWEEN 0 AND 128),
  PRIMARY KEY (public_key, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX allowed_ip_range ON allowed_ip (network, family, first, last);

CREATE TRIGGER allowed_ip_no_overlap BEFORE INSERT ON allowed_ip
WHEN (SELECT last FROM allowed_ip
      WHERE network = NEW.network AND family = NEW.family AND first <= NEW.last
      ORDER BY first DESC LIMIT 1) >= NEW.first
BEGIN SELECT RAISE(ABORT, 'allowed IP overlaps that of another peer in the network'); END;

CREATE TRIGGER allowed_ip_same_network BEFORE INSERT ON allowed_ip
WHEN (SELECT network FROM peer WHERE public_key = NEW.public_key) IS NOT NEW.network
BEGIN SELECT RAISE(ABORT, 'allowed IP names another network than its peer'); END;

CREATE TRIGGER allowed_ip_no_update BEFORE UPDATE ON allowed_ip
BEGIN SELECT RAISE(ABORT, 'allowed IPs are deleted and inserted, never updated'); END;

CREATE TRIGGER peer_network_stays BEFORE UPDATE OF network, public_key ON peer
WHEN (NEW.network <> OLD.network OR NEW.public_key <> OLD.public_key)
     AND EXISTS (SELECT 1 FROM allowed_ip WHERE public_key = OLD.public_key)
BEGIN SELECT RAISE(ABORT, 'delete the allowed IPs before the network changes'); END;

CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  public_key BLOB NOT NULL
) STRICT;
CREATE TRIGGER peer_created AFTER INSERT ON peer
BEGIN INSERT INTO change (public_key) VALUES (NEW.public_key); END;
CREATE TRIGGER peer_changed AFTER UPDATE ON peer
BEGIN INSERT INTO change (public_key) VALUES (NEW.public_key); END;
CREATE TRIGGER peer_removed AFTER DELETE ON peer
BEGIN
  -- Also where a connection has foreign keys off.
  DELETE FROM allowed_ip WHERE public_key = OLD.public_key;
  INSERT INTO change (public_key) VALUES (OLD.public_key);
END;
CREATE TRIGGER change_bounded AFTER INSERT ON change
BEGIN DELETE FROM change WHERE seq <= NEW.seq - 10000; END;

PRAGMA application_id = 0x6a697477;
PRAGMA user_version = 1;
)sql";
static_assert(kKeptChanges == 10'000 && kSchemaVersion == 1 && kApplicationId == 0x6a697477);

Error Precondition(const SqliteDatabase& database, const std::string& what) {
  return Error{ErrorCode::kFailedPrecondition, "registry file " + database.path() + what};
}

// True: the schema is there and is ours. False: the file is empty. Inside a transaction: another
// process that creates the schema between two of the readings would make them contradict each
// other.
Result<bool> HasSchema(SqliteDatabase& database) {
  const auto version = database.QueryNumber("PRAGMA user_version");
  if (!version) return version.error();
  const auto application = database.QueryNumber("PRAGMA application_id");
  if (!application) return application.error();
  const auto objects = database.QueryNumber("SELECT count(*) FROM sqlite_schema");
  if (!objects) return objects.error();
  if (*objects == 0 && *version == 0) return false;
  const bool ours = *application == kApplicationId || (*objects == 0 && *application == 0);
  if (!ours) {
    return Precondition(database, " is another program's SQLite database; name a different file");
  }
  if (*version != kSchemaVersion) {
    return Precondition(database, " has schema version " + std::to_string(*version) +
                                      ", this program knows " + std::to_string(kSchemaVersion) +
                                      "; install a newer jitwg");
  }
  return true;
}

Result<bool> ReadWhetherSchemaIsThere(SqliteDatabase& database) {
  const auto transaction = SqliteTransaction::BeginRead(database);
  if (!transaction) return transaction.error();
  return HasSchema(database);
}

// An operator who adds the first peer as root must not lock the unprivileged provisioner out of its
// own folder.
bool GiveToOwnerOfFolder(int fd, const std::string& path) {
  struct stat folder {};
  if (::geteuid() != 0) return true;
  return ::stat(std::filesystem::path(path).parent_path().c_str(), &folder) == 0 &&
         ::fchown(fd, folder.st_uid, folder.st_gid) == 0;
}

// SQLite does not wait for the lock that the first switch of a file takes (two who held a shared
// lock would wait for each other), so whoever comes second at a new file asks again.
Status SwitchToWal(SqliteDatabase& database, std::chrono::milliseconds busy_timeout) {
  const auto deadline = std::chrono::steady_clock::now() + busy_timeout;
  while (true) {
    auto switched = database.Execute("PRAGMA journal_mode = WAL");
    if (switched || switched.error().code != ErrorCode::kUnavailable ||
        std::chrono::steady_clock::now() >= deadline) {
      return switched;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status CreateSchema(SqliteDatabase& database) {
  auto transaction = SqliteTransaction::BeginWrite(database);
  if (!transaction) return transaction.error();
  // Another process may have been faster.
  const auto there = HasSchema(database);
  if (!there) return there.error();
  if (*there) return {};
  if (auto created = database.Execute(kCreateSchema); !created) return created;
  return transaction->Commit();
}

}  // namespace

Status EnsureFile(const std::string& path, bool create, unsigned mode) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) {
    struct stat status {};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    ::close(fd);
    if (regular) return {};
    return Error{ErrorCode::kInvalidArgument, "registry " + path + " is no regular file"};
  }
  if (errno != ENOENT || !create) {
    const int open_errno = errno;
    return ErrnoError("cannot open registry file " + path, open_errno);
  }
  const int created = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (created < 0) {
    if (errno == EEXIST) return {};  // another process was faster
    return ErrnoError("cannot create registry file " + path, errno);
  }
  const bool moded =
      ::fchmod(created, static_cast<mode_t>(mode)) == 0 && GiveToOwnerOfFolder(created, path);
  const int mode_errno = errno;
  ::close(created);
  if (!moded) return ErrnoError("cannot set owner and mode of registry file " + path, mode_errno);
  return {};
}

Status PrepareConnection(SqliteDatabase& database, std::chrono::milliseconds busy_timeout) {
  database.SetBusyTimeout(busy_timeout);
  // Refuse before anything is written: the journal mode is kept in the file.
  const auto there = ReadWhetherSchemaIsThere(database);
  if (!there) return there.error();
  if (auto set = SwitchToWal(database, busy_timeout); !set) return set;
  if (auto set = database.Execute(
          "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
          "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
          "PRAGMA temp_store = MEMORY;");
      !set) {
    return set;
  }
  if (*there) return {};
  return CreateSchema(database);
}

}  // namespace jitwg::registry
