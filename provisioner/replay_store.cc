#include "provisioner/replay_store.h"

#include <spdlog/spdlog.h>

#include <ctime>

#include "provisioner/log_text.h"
#include "provisioner/state_file.h"

namespace jitwg::provisioner {
namespace {

constexpr StateFileKind kKind{.what = "replay memory",
                              .application_id = 0x6a777270,  // "jwrp"
                              .schema_version = 1,
                              .schema =
                                  "CREATE TABLE IF NOT EXISTS newest ("
                                  " public_key BLOB PRIMARY KEY CHECK (length(public_key) = 32),"
                                  " stamp BLOB NOT NULL CHECK (length(stamp) = 12)) WITHOUT ROWID"};

std::optional<KeyStamp> ReadRow(const StateStatement& statement) {
  const auto key = PublicKey::FromBytes(statement.Bytes(0));
  const auto stamp = Tai64n::FromBytes(statement.Bytes(1));
  if (!key || !stamp) return std::nullopt;
  return KeyStamp(*key, *stamp);
}

// What a damaged file still gives, up to the first page that cannot be read.
std::vector<KeyStamp> Salvage(const std::string& path) {
  std::vector<KeyStamp> rows;
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_stmt* statement = nullptr;
  if (opened == SQLITE_OK && sqlite3_prepare_v2(raw, "SELECT public_key, stamp FROM newest", -1,
                                                &statement, nullptr) == SQLITE_OK) {
    StateStatement select(statement);
    while (select.Step() == SQLITE_ROW) {
      if (const auto row = ReadRow(select)) rows.push_back(*row);
    }
  }
  sqlite3_close_v2(raw);
  return rows;
}

}  // namespace

struct ReplayStore::Handle {
  StateFile file;
  StateStatement find;
  StateStatement raise;
  StateStatement forget;
  std::int64_t keys_at_start = 0;
};

ReplayStore::ReplayStore(std::string path) : path_(std::move(path)) {}
ReplayStore::~ReplayStore() = default;

Result<std::unique_ptr<ReplayStore>> ReplayStore::Open(const std::string& directory) {
  std::unique_ptr<ReplayStore> store(new ReplayStore(directory + "/replay.db"));
  Status opened = store->OpenFile();
  if (!opened && opened.error().code == ErrorCode::kDataLoss) {
    opened = store->Repair(opened.error(), {});
  }
  if (!opened) return opened.error();
  return store;
}

Status ReplayStore::OpenFile() {
  auto file = StateFile::Open(path_, kKind);
  if (!file) return file.error();
  auto find = file->Prepare("SELECT stamp FROM newest WHERE public_key = ?1");
  if (!find) return find.error();
  auto raise = file->Prepare(
      "INSERT INTO newest (public_key, stamp) VALUES (?1, ?2) ON CONFLICT DO "
      "UPDATE SET stamp = excluded.stamp WHERE excluded.stamp > stamp");
  if (!raise) return raise.error();
  auto forget = file->Prepare("DELETE FROM newest WHERE public_key = ?1");
  if (!forget) return forget.error();
  const auto keys = file->Number("SELECT count(*) FROM newest");
  if (!keys) return keys.error();
  handle_.reset(
      new Handle{std::move(*file), std::move(*find), std::move(*raise), std::move(*forget), *keys});
  return {};
}

Status ReplayStore::Repair(const Error& why, const std::vector<KeyStamp>& known) {
  const std::string before =
      handle_ ? std::to_string(handle_->keys_at_start) : std::string("unknown");
  handle_.reset();
  const auto aside = SetAside(path_, ".damaged-" + std::to_string(std::time(nullptr)));
  if (!aside) return Error{ErrorCode::kInternal, why.message + "; " + aside.error().message};
  const auto salvaged = Salvage(*aside);
  Status status = OpenFile();
  if (status) status = Raise(salvaged);
  if (status) status = Raise(known);
  const auto kept = status ? handle_->file.Number("SELECT count(*) FROM newest") : 0;
  spdlog::error(
      "replay_memory_damaged problem=\"{}\" kept_as={} keys_at_last_start={} keys_restored={} "
      "effect=\"the newest time stamps of all other keys are lost: an initiation captured from one "
      "of them earlier could be replayed once, until its owner connects again\"",
      LogText(why.message), *aside, before, kept ? *kept : 0);
  return status;
}

// After a repair that failed the file may not be open.
Status ReplayStore::Ready() { return handle_ ? Status() : OpenFile(); }

Result<std::optional<Tai64n>> ReplayStore::Find(const PublicKey& key) {
  if (const Status ready = Ready(); !ready) return ready.error();
  StateStatement& statement = handle_->find;
  statement.BindBytes(0, key.bytes);
  const int code = statement.Step();
  std::optional<Tai64n> stamp;
  if (code == SQLITE_ROW) stamp = Tai64n::FromBytes(statement.Bytes(0));
  const Error error = handle_->file.ErrorOf(code);
  statement.Reset();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return error;
  return stamp;
}

Result<std::vector<KeyStamp>> ReplayStore::List(std::size_t limit) {
  if (const Status ready = Ready(); !ready) return ready.error();
  auto select = handle_->file.Prepare("SELECT public_key, stamp FROM newest LIMIT ?1");
  if (!select) return select.error();
  select->BindNumber(0, static_cast<std::int64_t>(limit));
  std::vector<KeyStamp> rows;
  int code = select->Step();
  for (; code == SQLITE_ROW; code = select->Step()) {
    const auto row = ReadRow(*select);
    if (!row) return Error{ErrorCode::kDataLoss, path_ + " has a row that makes no sense"};
    rows.push_back(*row);
  }
  if (code != SQLITE_DONE) return handle_->file.ErrorOf(code);
  return rows;
}

Status ReplayStore::RaiseOne(const KeyStamp& stamp) {
  StateStatement& statement = handle_->raise;
  statement.BindBytes(0, stamp.first.bytes);
  statement.BindBytes(1, stamp.second.bytes);
  const int code = statement.Step();
  Status status;
  if (code != SQLITE_DONE) status = handle_->file.ErrorOf(code);
  statement.Reset();
  return status;
}

Status ReplayStore::Raise(const std::vector<KeyStamp>& stamps) {
  if (stamps.empty()) return {};
  if (Status ready = Ready(); !ready) return ready;
  // What is left of a transaction that could not even be given up must not swallow this one.
  if (handle_->file.InTransaction()) {
    if (Status ended = handle_->file.Run("ROLLBACK"); !ended) return ended;
  }
  // One alone is a transaction of its own.
  if (stamps.size() == 1) return RaiseOne(stamps.front());
  StateFile& file = handle_->file;
  Status status = file.Run("BEGIN IMMEDIATE");
  if (!status) return status;
  for (const KeyStamp& stamp : stamps) {
    status = RaiseOne(stamp);
    if (!status) break;
  }
  if (status) status = file.Run("COMMIT");
  if (!status) static_cast<void>(file.Run("ROLLBACK"));
  return status;
}

Result<bool> ReplayStore::Forget(const PublicKey& key) {
  const auto there = Find(key);
  if (!there) return there.error();
  StateStatement& statement = handle_->forget;
  statement.BindBytes(0, key.bytes);
  const int code = statement.Step();
  const Error error = handle_->file.ErrorOf(code);
  statement.Reset();
  if (code != SQLITE_DONE) return error;
  return there->has_value();
}

}  // namespace jitwg::provisioner
