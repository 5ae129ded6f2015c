// What only the SQLite registry promises: its file, its schema, its queue.
#include "lib/registry/sqlite_registry.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <filesystem>
#include <fstream>

#include "lib/registry/factory.h"
#include "lib/registry/sqlite_schema.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

class SqliteRegistryTest : public testing::Test {
 protected:
  SqliteRegistryTest() {
    std::string pattern = testing::TempDir() + "jitwg-sqlite-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/r.db";
    options_.poll_interval = 20ms;
  }
  ~SqliteRegistryTest() override { std::filesystem::remove_all(directory_); }

  Result<std::unique_ptr<SqliteRegistry>> Open() {
    return SqliteRegistry::Open(path_, clock_, options_);
  }
  std::unique_ptr<SqliteRegistry> MustOpen() {
    auto opened = Open();
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  // Another program with its own ideas.
  SqliteDatabase Raw() { return std::move(*SqliteDatabase::Open(path_)); }
  static void Execute(SqliteDatabase& raw, const std::string& sql) {
    const auto done = raw.Execute(sql.c_str());
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }
  void ExpectRefused(ErrorCode code, const std::string& text) {
    const auto opened = Open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr(text));
    EXPECT_THAT(opened.error().message, HasSubstr(path_));
    EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
  }

  ManualClock clock_;
  SqliteOptions options_;
  std::string directory_;
  std::string path_;
};

TEST_F(SqliteRegistryTest, MakesTheFileForItsOwnerOnly) {
  MustOpen();
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SqliteRegistryTest, MakesTheFileWithTheModeItIsTold) {
  options_.file_mode = 0640;
  MustOpen();
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(SqliteRegistryTest, MakesNoFileWhenToldNotTo) {
  options_.create = false;
  ExpectRefused(ErrorCode::kNotFound, "No such file");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteRegistryTest, KeepsWhatItWasGiven) {
  ASSERT_TRUE(MustOpen()->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto registry = MustOpen();
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found);
}

TEST_F(SqliteRegistryTest, RefusesANewerSchemaAndLeavesItAlone) {
  MustOpen();
  {
    auto raw = Raw();
    Execute(raw, "PRAGMA user_version = " + std::to_string(kSchemaVersion + 1));
  }
  ExpectRefused(ErrorCode::kFailedPrecondition, "newer jitwg");
  auto raw = Raw();
  EXPECT_EQ(raw.QueryNumber("PRAGMA user_version").value(), kSchemaVersion + 1);
}

TEST_F(SqliteRegistryTest, RefusesAnotherProgramsDatabase) {
  std::ofstream(path_).close();
  {
    auto raw = Raw();
    Execute(raw, "CREATE TABLE songs (title TEXT)");
  }
  ExpectRefused(ErrorCode::kFailedPrecondition, "another program's");
}

TEST_F(SqliteRegistryTest, RefusesWhatIsNoDatabase) {
  std::ofstream(path_) << std::string(5000, 'x');
  ExpectRefused(ErrorCode::kDataLoss, "no SQLite database");
}

TEST_F(SqliteRegistryTest, RefusesAFolder) {
  std::filesystem::create_directory(path_);
  ExpectRefused(ErrorCode::kInternal, "");
}

// As user nobody when the test runs as root, whom no mode keeps out. Returns the error's code, -1
// for none.
int CodeForOrdinaryUser(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(99);
    const ManualClock clock;
    const auto opened = SqliteRegistry::Open(path, clock);
    ::_exit(opened ? 98 : static_cast<int>(opened.error().code));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(SqliteRegistryTest, AnUnreadableFileIsPermissionDenied) {
  MustOpen();
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0), 0);
  EXPECT_EQ(CodeForOrdinaryUser(path_), static_cast<int>(ErrorCode::kPermissionDenied));
}

TEST_F(SqliteRegistryTest, AFolderThatTakesNoFilesIsPermissionDenied) {
  MustOpen();
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(directory_.c_str(), 0555), 0);
  EXPECT_EQ(CodeForOrdinaryUser(path_), static_cast<int>(ErrorCode::kPermissionDenied));
  EXPECT_EQ(CodeForOrdinaryUser(directory_ + "/new.db"),
            static_cast<int>(ErrorCode::kPermissionDenied));
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
}

TEST_F(SqliteRegistryTest, ADamagedFileIsAnErrorAndNoCrash) {
  {
    const auto registry = MustOpen();
    for (unsigned i = 1; i <= 200; ++i) {
      const std::string octet = std::to_string(i);
      ASSERT_TRUE(registry->Put(TestPeer(i, {"10.0." + octet + ".0/24"}), false));
    }
  }
  const auto size = std::filesystem::file_size(path_);
  for (std::uintmax_t page = 0; page < size / 4096; ++page) {
    const std::string copy = directory_ + "/copy.db";
    std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
    {
      std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(4096, '\xa5');
    }
    const auto opened = SqliteRegistry::Open(copy, clock_, options_);
    if (!opened) continue;
    for (unsigned i = 1; i <= 200; ++i) {
      const auto found = FindNow(**opened, TestKey(i));
      if (found) continue;
      EXPECT_EQ(found.error().code, ErrorCode::kDataLoss) << found.error().message;
    }
    (void)(*opened)->Put(TestPeer(500, {"10.1.0.0/24"}), false);
    (void)(*opened)->List({});
  }
  std::filesystem::resize_file(path_, size / 2);
  const auto opened = Open();
  if (opened) {
    EXPECT_FALSE((*opened)->List({}));
  } else {
    EXPECT_EQ(opened.error().code, ErrorCode::kDataLoss);
  }
}

TEST_F(SqliteRegistryTest, ADamagedRowIsDataLossForItsKeyOnly) {
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ASSERT_TRUE(registry->Put(TestPeer(2, {"10.0.0.2/32"}), false));
  const auto raw_key = "x'" + ToHex(TestKey(1).bytes) + "'";
  for (const std::string& damage :
       {"UPDATE peer SET preshared_key = x'0102' WHERE public_key = " + raw_key,
        "DELETE FROM allowed_ip WHERE public_key = " + raw_key,
        "UPDATE peer SET preshared_key = NULL, name = 'a' || char(27) WHERE public_key = " +
            raw_key}) {
    auto raw = Raw();
    Execute(raw, "PRAGMA ignore_check_constraints = ON");
    Execute(raw, damage);
    const auto found = FindNow(*registry, TestKey(1));
    ASSERT_FALSE(found) << damage;
    EXPECT_EQ(found.error().code, ErrorCode::kDataLoss);
    EXPECT_THAT(found.error().message, HasSubstr(TestKey(1).ToBase64()));
    const auto other = FindNow(*registry, TestKey(2));
    EXPECT_TRUE(other && *other);
    EXPECT_TRUE(registry->Health());
  }
  EXPECT_FALSE(registry->List({}));
  EXPECT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), true));
  EXPECT_TRUE(registry->List({}));
}

TEST_F(SqliteRegistryTest, TheDatabaseItselfRefusesOverlap) {
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.8.0.0/24"}), false));
  ASSERT_TRUE(registry->Put(TestPeer(2, {"10.9.0.0/24"}), false));
  auto raw = Raw();
  const auto inserted = raw.Execute(("INSERT INTO allowed_ip VALUES (x'" + ToHex(TestKey(2).bytes) +
                                     "', 1, 'default', 4, x'0a080007000000000000000000000000', "
                                     "x'0a080007000000000000000000000000', 32)")
                                        .c_str());
  ASSERT_FALSE(inserted);
  EXPECT_THAT(inserted.error().message, HasSubstr("overlaps"));
}

TEST_F(SqliteRegistryTest, NoticesThatWereTrimmedAreToldAsOneWithoutAKey) {
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry->Subscribe(log.Callback());
  auto raw = Raw();
  Execute(raw, "BEGIN; UPDATE peer SET updated_at = 1; DELETE FROM change; COMMIT");
  EXPECT_TRUE(log.Await([](const std::vector<Change>& changes) {
    return !changes.empty() && !changes.front().public_key;
  }));
  ASSERT_TRUE(registry->Put(TestPeer(2, {"10.0.0.2/32"}), false));
  EXPECT_TRUE(log.AwaitKey(TestKey(2)));
  registry->Subscribe({});
}

TEST_F(SqliteRegistryTest, NoticesAreBounded) {
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  auto raw = Raw();
  Execute(raw,
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)"
          " INSERT INTO change (public_key) SELECT x'00' FROM n");
  EXPECT_EQ(raw.QueryNumber("SELECT count(*) FROM change").value(), kKeptChanges);
}

TEST_F(SqliteRegistryTest, AFullQueueRefusesAtOnce) {
  options_.max_queued = 2;
  // Before the registry, whose thread uses them to its end.
  std::promise<void> busy;
  std::promise<void> go_on;
  std::atomic<int> answered{0};
  const auto registry = MustOpen();
  registry->Find(TestKey(1), 60s, [&](Result<std::optional<Peer>>) {
    busy.set_value();
    go_on.get_future().wait();
  });
  busy.get_future().wait();
  for (int i = 0; i < 2; ++i) {
    registry->Find(TestKey(2), 60s, [&](Result<std::optional<Peer>>) { ++answered; });
  }
  const auto refused = FindNow(*registry, TestKey(3));
  EXPECT_EQ(answered, 0);
  go_on.set_value();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(SqliteRegistryTest, FindsAtOnceWhatIsThereAndWhatIsNot) {
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  // The registry's own thread may be reading for its notices just now.
  const auto at_once = [&registry](const PublicKey& key) {
    auto found = registry->TryFind(key);
    while (!found) found = registry->TryFind(key);
    return *std::move(found);
  };
  const auto found = at_once(TestKey(1));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->public_key, TestKey(1));
  EXPECT_EQ((*found)->allowed_ips, TestPeer(1, {"10.0.0.1/32"}).allowed_ips);
  const auto absent = at_once(TestKey(2));
  ASSERT_TRUE(absent);
  EXPECT_FALSE(*absent);
  ASSERT_TRUE(registry->Remove(TestKey(1)));
  EXPECT_FALSE(*at_once(TestKey(1)));
}

TEST_F(SqliteRegistryTest, NobodyOvertakesThoseWhoWait) {
  std::promise<void> busy;
  std::promise<void> go_on;
  const auto registry = MustOpen();
  registry->Find(TestKey(1), 60s, [&](Result<std::optional<Peer>>) {
    busy.set_value();
    go_on.get_future().wait();
  });
  busy.get_future().wait();
  std::promise<void> answered;
  registry->Find(TestKey(2), 60s, [&](Result<std::optional<Peer>>) { answered.set_value(); });
  EXPECT_FALSE(registry->TryFind(TestKey(3)));
  go_on.set_value();
  answered.get_future().wait();
}

TEST_F(SqliteRegistryTest, AWriterThatWaitsTooLongForAnotherSaysSoAndLookupsGoOn) {
  options_.busy_timeout = 20ms;
  const auto registry = MustOpen();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  auto raw = Raw();
  Execute(raw, "BEGIN IMMEDIATE");
  const auto put = registry->Put(TestPeer(2, {"10.0.0.2/32"}), false);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(put.error().message, HasSubstr("locked"));
  const auto found = FindNow(*registry, TestKey(1));
  EXPECT_TRUE(found && *found);
  Execute(raw, "ROLLBACK");
  EXPECT_TRUE(registry->Put(TestPeer(2, {"10.0.0.2/32"}), false));
}

TEST_F(SqliteRegistryTest, ManyWhoOpenANewFileAtOnceAllGetIt) {
  constexpr int kFiles = 25;
  constexpr int kOpeners = 8;
  const std::string folder = path_;
  std::filesystem::create_directory(folder);
  std::atomic<int> opened{0};
  for (int file = 0; file < kFiles; ++file) {
    path_ = folder + "/" + std::to_string(file) + ".db";
    std::barrier together(kOpeners);
    std::vector<std::thread> threads;
    for (int i = 0; i < kOpeners; ++i) {
      threads.emplace_back([&] {
        together.arrive_and_wait();
        const auto registry = Open();
        EXPECT_TRUE(registry) << registry.error().message;
        if (registry) ++opened;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(opened, kFiles * kOpeners);
}

TEST_F(SqliteRegistryTest, TheFactoryOpensSqlite) {
  const auto registry = MakeRegistry("sqlite:" + path_, clock_);
  ASSERT_TRUE(registry);
  EXPECT_TRUE((*registry)->Put(TestPeer(1, {"10.0.0.1/32"}), false));
}

TEST(RegistryAddress, NamesTheKindsThereAreWhenItIsNone) {
  for (const char* text : {"", "mysql://db/jitwg", "/var/lib/r.db", "SQLITE:/x"}) {
    const auto address = ParseRegistryAddress(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(address.error().message, HasSubstr("sqlite:/"));
  }
}

TEST(RegistryAddress, WantsAnAbsolutePathOfAFile) {
  EXPECT_EQ(ParseRegistryAddress("sqlite:/var/lib/r.db")->rest, "/var/lib/r.db");
  for (const char* text : {"sqlite:", "sqlite:r.db", "sqlite:/var/lib/"}) {
    EXPECT_FALSE(ParseRegistryAddress(text)) << text;
  }
}

}  // namespace
}  // namespace jitwg::registry
