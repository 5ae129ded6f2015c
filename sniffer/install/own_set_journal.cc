// See own_set_journal.h.
#include "sniffer/install/own_set_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

namespace jitwg::sniffer {
namespace {

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

int WriteAll(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

Result<JournalBytes> ReadAll(int file, const std::string& path) {
  JournalBytes bytes;
  std::vector<std::uint8_t> chunk(65536);
  for (;;) {
    const ssize_t count = ::read(file, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("cannot read " + path, errno);
    if (count == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + count);
    // More than that is refused by the decoder.
    if (bytes.size() > kMaxJournalSize) return bytes;
  }
}

// Locks the file against other sniffers.
Status Lock(int file, const std::string& path) {
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoError("cannot lock " + path, errno);
    return Error{ErrorCode::kAlreadyExists,
                 path + " is in use by another sniffer: stop it or use another state directory"};
  }
  return {};
}

// The lock is worth something only if the path still leads to the file that was locked.
Status CheckOwner(int file, const std::string& path) {
  struct stat info {};
  if (::fstat(file, &info) != 0) return ErrnoError("cannot examine " + path, errno);
  struct stat at_path {};
  if (::lstat(path.c_str(), &at_path) != 0 || at_path.st_ino != info.st_ino) {
    return Error{ErrorCode::kAlreadyExists, path + " is being replaced by another sniffer"};
  }
  if (S_ISREG(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 022) == 0) return {};
  return Error{ErrorCode::kFailedPrecondition,
               path + " is not a regular file that only this user can write: remove it"};
}

// The contents of an existing journal, nullopt when there is none. The lock ends with `file`.
Result<std::optional<JournalBytes>> ReadExisting(const std::string& path, int file) {
  if (file < 0 && errno == ENOENT) return std::optional<JournalBytes>();
  if (file < 0 && errno == ELOOP) {
    return Error{ErrorCode::kFailedPrecondition, path + " is a symbolic link: remove it"};
  }
  if (file < 0) return ErrnoError("cannot open " + path, errno);
  if (const Status locked = Lock(file, path); !locked) return locked.error();
  if (const Status owned = CheckOwner(file, path); !owned) return owned.error();
  auto bytes = ReadAll(file, path);
  if (!bytes) return bytes.error();
  return std::optional<JournalBytes>(std::move(*bytes));
}

void MakeFolder(const std::string& path) {
  const auto slash = path.rfind('/');
  // A failure shows when the file is opened.
  if (slash != std::string::npos && slash > 0) ::mkdir(path.substr(0, slash).c_str(), 0700);
}

}  // namespace

Result<JournalIdentity> CurrentIdentity(std::uint32_t ifindex, const PublicKey& public_key) {
  JournalIdentity identity;
  identity.ifindex = ifindex;
  identity.public_key = public_key;
  std::ifstream boot_id("/proc/sys/kernel/random/boot_id");
  struct stat network {};
  if (!std::getline(boot_id, identity.boot_id) || identity.boot_id.size() != 36 ||
      ::stat("/proc/self/ns/net", &network) != 0) {
    return Error{ErrorCode::kUnavailable,
                 "/proc tells neither boot id nor network namespace: mount it"};
  }
  identity.network_namespace = network.st_ino;
  return identity;
}

OwnSetJournal::OwnSetJournal(std::string path, JournalIdentity identity)
    : path_(std::move(path)), identity_(std::move(identity)) {}

OwnSetJournal::~OwnSetJournal() {
  if (file_ >= 0) ::close(file_);
}

Result<OwnSetJournal::Opened> OwnSetJournal::Open(const std::string& path,
                                                  const JournalIdentity& identity) {
  MakeFolder(path);
  const File file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  const auto bytes = ReadExisting(path, file.get());
  if (!bytes) return bytes.error();
  DecodedJournal decoded;
  if (bytes->has_value()) decoded = DecodeJournal(**bytes, identity);
  Opened opened;
  if (!decoded.warning.empty()) opened.warning = path + ": " + decoded.warning;
  if (decoded.damaged) {
    opened.warning += "; moved to " + path + ".bad, peers of an earlier run count as foreign";
    if (::rename(path.c_str(), (path + ".bad").c_str()) != 0) {
      return ErrnoError("cannot move the damaged " + path + " aside", errno);
    }
  }
  opened.journal.reset(new OwnSetJournal(path, identity));
  if (const Status written = opened.journal->Reset(identity, decoded.own); !written) {
    return written.error();
  }
  opened.own = std::move(decoded.own);
  return opened;
}

Status OwnSetJournal::Reset(const JournalIdentity& identity, std::span<const OwnRecord> own) {
  identity_ = identity;
  live_.clear();
  for (const OwnRecord& record : own) live_[record.public_key] = record.installed_at;
  out_of_step_ = true;  // until the file says it too
  return Rewrite();
}

Status OwnSetJournal::Rename(const JournalIdentity& identity) {
  identity_ = identity;
  out_of_step_ = true;  // until the file says it too
  return Rewrite();
}

Status OwnSetJournal::Rewrite() {
  JournalBytes bytes;
  AppendHeader(identity_, bytes);
  for (const auto& [key, installed_at] : live_) AppendAdded({key, installed_at}, bytes);
  const std::string fresh = path_ + ".new";
  ::unlink(fresh.c_str());
  File file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return ErrnoError("cannot create " + fresh, errno);
  if (const Status locked = Lock(file.get(), fresh); !locked) return locked.error();
  if (const int error = WriteAll(file.get(), bytes); error != 0) {
    ::unlink(fresh.c_str());
    return ErrnoError("cannot write " + fresh, error);
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0) {
    return ErrnoError("cannot rename " + fresh + " to " + path_, errno);
  }
  if (file_ >= 0) ::close(file_);
  file_ = file.Release();
  size_ = bytes.size();
  out_of_step_ = false;
  return {};
}

Status OwnSetJournal::Append(const JournalBytes& bytes) {
  if (out_of_step_) {
    if (Status mended = Rewrite(); !mended) return mended;
  }
  const int error = WriteAll(file_, bytes);
  if (error == 0) {
    size_ += bytes.size();
    return {};
  }
  // A half-written record would put all later ones out of step.
  out_of_step_ = ::ftruncate(file_, static_cast<off_t>(size_)) != 0;
  return ErrnoError("cannot write " + path_, error);
}

Status OwnSetJournal::Add(std::span<const OwnRecord> records) {
  JournalBytes bytes;
  for (const OwnRecord& record : records) AppendAdded(record, bytes);
  if (Status appended = Append(bytes); !appended) return appended;
  for (const OwnRecord& record : records) live_[record.public_key] = record.installed_at;
  // What was added is in the file: a compaction that fails is tried again at the next record.
  static_cast<void>(CompactIfLong());
  return {};
}

Status OwnSetJournal::Drop(std::span<const PublicKey> keys) {
  JournalBytes bytes;
  for (const PublicKey& key : keys) AppendDropped(key, bytes);
  for (const PublicKey& key : keys) live_.erase(key);
  if (Status appended = Append(bytes); !appended) {
    // Else a restart would claim a peer that somebody made by hand meanwhile.
    out_of_step_ = true;
    return appended;
  }
  return CompactIfLong();
}

Status OwnSetJournal::CompactIfLong() {
  const std::size_t records = (size_ - kJournalHeaderSize) / kJournalRecordSize;
  if (records <= 2 * live_.size() + kJournalSlackRecords) return {};
  return Rewrite();
}

}  // namespace jitwg::sniffer
