#include "lib/registry/sqlite_schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "lib/registry/sqlite_migrations.h"

namespace jitwg::registry {
namespace {

Error Precondition(const SqliteDatabase& database, const std::string& what) {
  return Error{ErrorCode::kFailedPrecondition, "registry file " + database.path() + what};
}

// The version of the schema, which is ours; 0: the file is empty. Inside a transaction: another
// process that creates the schema between two of the readings would make them contradict each
// other.
Result<int> VersionOf(SqliteDatabase& database) {
  const auto version = database.QueryNumber("PRAGMA user_version");
  if (!version) return version.error();
  const auto application = database.QueryNumber("PRAGMA application_id");
  if (!application) return application.error();
  const auto objects = database.QueryNumber("SELECT count(*) FROM sqlite_schema");
  if (!objects) return objects.error();
  if (*objects == 0 && *version == 0) return 0;
  const bool ours = *application == kApplicationId || (*objects == 0 && *application == 0);
  if (!ours) {
    return Precondition(database, " is another program's SQLite database; name a different file");
  }
  if (*version < 1 || *version > kSchemaVersion) {
    return Precondition(database, " has schema version " + std::to_string(*version) +
                                      ", this program knows " + std::to_string(kSchemaVersion) +
                                      "; install a newer jitwg");
  }
  return static_cast<int>(*version);
}

Result<int> ReadVersion(SqliteDatabase& database) {
  const auto transaction = SqliteTransaction::BeginRead(database);
  if (!transaction) return transaction.error();
  return VersionOf(database);
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

Status BringUpToDate(SqliteDatabase& database) {
  auto transaction = SqliteTransaction::BeginWrite(database);
  if (!transaction) return transaction.error();
  // Another process may have been faster.
  const auto version = VersionOf(database);
  if (!version) return version.error();
  if (*version == kSchemaVersion) return {};
  if (auto done = Migrate(database, *version, kSchemaVersion); !done) return done;
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
  const auto version = ReadVersion(database);
  if (!version) return version.error();
  if (auto set = SwitchToWal(database, busy_timeout); !set) return set;
  if (auto set = database.Execute(
          "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
          "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
          "PRAGMA temp_store = MEMORY;");
      !set) {
    return set;
  }
  if (*version == kSchemaVersion) return {};
  return BringUpToDate(database);
}

}  // namespace jitwg::registry
