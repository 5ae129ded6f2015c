// jitwgctl's db commands, and the peer commands on PostgreSQL, as an operator types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/ctl/peer_import_contract.h"
#include "tests/ctl/run_ctl.h"
#include "tests/support/postgres_server.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class DbCommandsTest : public testing::Test {
 protected:
  Outcome Ctl(Arguments arguments) {
    arguments.insert(arguments.begin(),
                     {"--registry", PostgresServer::Shared().Address(database_)});
    return RunCtl(arguments);
  }

  const std::string database_ = PostgresServer::Shared().NewDatabase(false);
};

TEST_F(DbCommandsTest, StatusThenMigrateThenPeers) {
  const auto empty = Ctl({"db", "status"});
  EXPECT_EQ(empty.code, 1);
  EXPECT_THAT(empty.out, HasSubstr("missing"));
  EXPECT_THAT(empty.out, HasSubstr("run jitwgctl db migrate"));
  const auto early = Ctl({"peer", "list"});
  EXPECT_EQ(early.code, 1);
  EXPECT_THAT(early.err, HasSubstr("run jitwgctl db migrate"));
  const auto migrated = Ctl({"db", "migrate"});
  EXPECT_EQ(migrated.code, 0) << migrated.err;
  EXPECT_THAT(migrated.out, HasSubstr("applied 0001_registry"));
  const auto again = Ctl({"--json", "db", "migrate"});
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(json::parse(again.out), json({{"applied", json::array()}}));
  const auto status = Ctl({"db", "status", "--json"});
  EXPECT_EQ(status.code, 0);
  EXPECT_EQ(json::parse(status.out)["state"], "current");
  const std::string key = "lrrCzckYu7LtbpZEC6+gSHwHAKhpDXC2KlVJvEXyb0k=";
  const auto added = Ctl({"peer", "add", "--public-key", key, "--allowed-ips", "10.8.0.2/32"});
  EXPECT_EQ(added.code, 0) << added.err;
  const auto listed = Ctl({"--json", "peer", "list"});
  EXPECT_EQ(json::parse(listed.out)["public_key"], key);
  EXPECT_EQ(Ctl({"peer", "revoke", key}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Postgres, PeerImport, testing::Values([](const std::string&) {
                           PostgresServer& server = PostgresServer::Shared();
                           return server.Address(server.NewDatabase(true));
                         }));

TEST(DbCommands, AnSqliteFileNeedsNone) {
  const auto refused = RunCtl({"db", "migrate", "--registry", "sqlite:/nowhere/r.db"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("needs no migration"));
}

TEST(DbCommands, AServerThatIsNotThereIsUnreachableAndItsPasswordUntold) {
  const auto refused =
      RunCtl({"db", "status", "--registry", "postgresql://u:hunter2@127.0.0.1:1/x"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, Not(HasSubstr("hunter2")));
  const auto wrong = RunCtl({"db", "status", "--registry", "postgresx://u:hunter2@h/x"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, Not(HasSubstr("hunter2")));
}

TEST(DbCommands, HelpIsByExample) {
  EXPECT_THAT(RunCtl({"db", "migrate", "--help"}).out, HasSubstr("jitwgctl db migrate --registry"));
  EXPECT_EQ(RunCtl({"db"}).code, 2);
  EXPECT_EQ(RunCtl({"db", "--help"}).code, 0);
}

}  // namespace
}  // namespace jitwg::ctl
