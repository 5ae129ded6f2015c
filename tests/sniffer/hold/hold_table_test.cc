// The life of the sniffer's nftables table on the real kernel, beside an operator's firewall. Needs
// root and nft(8), which is the second opinion.
#include "sniffer/hold/hold_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>

#include "tests/sniffer/hold/hold_fixture.h"

namespace jitwg::test {
namespace {

using namespace std::chrono_literals;
using sniffer::HoldOptions;
using sniffer::NfqueueSource;

HoldOptions Options(bool may_own) {
  HoldOptions options;
  options.state_dir = "/run/test";
  options.hold_time = 10min;
  options.may_own = may_own;
  return options;
}

std::string Tables() { return Shell("nft list tables"); }
std::string OurTable() { return "table inet " + sniffer::HoldTableName("/run/test") + "\n"; }
std::string Queues() { return Shell("cat /proc/self/net/netfilter/nfnetlink_queue"); }

// Runs `body` in a child process and hands back what it returned.
int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A sniffer that was killed while it held this port.
void KilledSniffer(bool may_own, std::uint16_t port) {
  ASSERT_EQ(InChild([&] {
              auto source = NfqueueSource::Open(Options(may_own));
              const std::vector<std::uint16_t> ports{port};
              if (!source || !(*source)->SetPorts(ports)) return 1;
              ::raise(SIGKILL);
              return 2;
            }),
            -SIGKILL);
}

class HoldTableTest : public HoldFixture {};

TEST_F(HoldTableTest, AnOwnedTableGoesWithACleanStop) {
  Open(Options(true), {51820});
  EXPECT_EQ(Tables(), OurTable());
  EXPECT_NE(Shell("nft list ruleset").find("flags owner"), std::string::npos);
  EXPECT_NE(source_->Describe().find("owned table"), std::string::npos);
  Stop();
  EXPECT_EQ(Tables(), "");
}

TEST_F(HoldTableTest, ATableWithoutOwnerGoesWithACleanStop) {
  Open(Options(false), {51820});
  EXPECT_EQ(Tables(), OurTable());
  Stop();
  EXPECT_EQ(Tables(), "");
}

TEST_F(HoldTableTest, AnOwnedTableGoesWithAKilledProcess) {
  const LoopbackPair pair;
  KilledSniffer(true, pair.port());
  EXPECT_EQ(Tables(), "");
  pair.Send(NumberedInitiation(1));
  EXPECT_EQ(pair.Receive(), NumberedInitiation(1));
}

TEST_F(HoldTableTest, WhatAKilledProcessLeavesStopsNothingAndIsRemovedByTheNextOne) {
  const LoopbackPair pair;
  const LoopbackPair other;
  KilledSniffer(false, pair.port());
  EXPECT_EQ(Tables(), OurTable());
  pair.Send(NumberedInitiation(1));
  EXPECT_EQ(pair.Receive(), NumberedInitiation(1));

  Open(Options(true), {other.port()});
  Start();
  EXPECT_EQ(Tables(), OurTable());
  pair.Send(NumberedInitiation(2));
  EXPECT_EQ(pair.Receive(), NumberedInitiation(2));
  other.Send(NumberedInitiation(3));
  EXPECT_TRUE(Told(1));
  EXPECT_FALSE(other.HasReceived());
  Stop();
  EXPECT_EQ(Tables(), "");
}

TEST_F(HoldTableTest, TwoSniffersOfOneStateDirectoryAreRefused) {
  Open(Options(true), {});
  const auto second = NfqueueSource::Open(Options(true));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_NE(second.error().message.find("--state-dir"), std::string::npos);
  EXPECT_EQ(Tables(), OurTable());
}

TEST_F(HoldTableTest, TwoSniffersOfTwoStateDirectoriesHaveATableEach) {
  Open(Options(true), {});
  HoldOptions options = Options(true);
  options.state_dir = "/run/other";
  auto second = NfqueueSource::Open(options);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE((*second)->table(), source_->table());
  second->reset();
  EXPECT_EQ(Tables(), OurTable());
}

TEST_F(HoldTableTest, LeavesTheOperatorsFirewallAsItWas) {
  const LoopbackPair open_port;
  const LoopbackPair closed_port;
  Shell(
      "nft add table inet filter && nft 'add chain inet filter input { type filter hook input "
      "priority 10; }'"
      " && nft add rule inet filter input udp dport " +
      std::to_string(closed_port.port()) + " drop");
  Shell("nft add table ip jitwg_");
  const std::string before = Shell("nft list ruleset");
  Open(Options(true), {open_port.port(), closed_port.port()});
  Start();
  EXPECT_NE(Shell("nft list ruleset"), before);
  closed_port.Send(NumberedInitiation(1));
  open_port.Send(NumberedInitiation(2));
  ASSERT_TRUE(Told(1));
  // Of the two only the one that the operator lets in is told, or held.
  EXPECT_EQ(source_->GetStats().received, 1u);
  ReleaseAll();
  EXPECT_EQ(open_port.Receive(), NumberedInitiation(2));
  EXPECT_FALSE(closed_port.HasReceived());
  Stop();
  EXPECT_EQ(Shell("nft list ruleset"), before);
}

TEST_F(HoldTableTest, AnOwnedTableOutlivesTheOperatorsFlush) {
  const LoopbackPair pair;
  Open(Options(true), {pair.port()});
  Start();
  Shell("nft flush ruleset");
  pair.Send(NumberedInitiation(1));
  EXPECT_TRUE(Told(1));
  EXPECT_FALSE(pair.HasReceived());
}

TEST_F(HoldTableTest, ATableWithoutOwnerIsMadeAgainAfterTheOperatorsFlush) {
  const LoopbackPair pair;
  const LoopbackPair later;
  Open(Options(false), {pair.port()});
  Shell("nft flush ruleset");
  pair.Send(NumberedInitiation(1));
  EXPECT_EQ(pair.Receive(), NumberedInitiation(1));
  const std::vector<std::uint16_t> ports{later.port()};
  EXPECT_TRUE(source_->SetPorts(ports));
  Start();
  // Run looks for it every two seconds; what is sent before passes.
  for (std::uint32_t number = 2; number < 1000 && !Told(1, 10ms); ++number) {
    later.Send(NumberedInitiation(number));
  }
  EXPECT_TRUE(Told(1));
  EXPECT_EQ(Tables(), OurTable());
}

TEST_F(HoldTableTest, PacketsPassWhileNobodyReadsTheQueue) {
  const LoopbackPair pair;
  auto rules = sniffer::FindHoldRules("jitwg_alone", 4711);
  ASSERT_TRUE(rules) << rules.error().message;
  int ways = 0;
  // Every way that this kernel has; FindHoldRules has had the modules loaded.
  for (const auto statement :
       {sniffer::QueueStatement::kNative, sniffer::QueueStatement::kXtTarget}) {
    auto table = sniffer::HoldTable::Create({"jitwg_alone", 4711, statement, true});
    ASSERT_TRUE(table) << table.error().message;
    const std::vector<std::uint16_t> ports{pair.port()};
    if (!(*table)->SetPorts(ports)) {
      EXPECT_NE(statement, rules->statement);
      continue;
    }
    ++ways;
    pair.Send(NumberedInitiation(1));
    EXPECT_EQ(pair.Receive(), NumberedInitiation(1));
  }
  EXPECT_GE(ways, 1);
}

TEST_F(HoldTableTest, TheProbeLeavesNothingBehind) {
  const std::string queues = Queues();
  const Status probed = sniffer::ProbeHold();
  EXPECT_TRUE(probed) << probed.error().message;
  EXPECT_EQ(Tables(), "");
  EXPECT_EQ(Queues(), queues);
}

TEST_F(HoldTableTest, TheProbeSaysInOneLineThatAPrivilegeIsMissing) {
  EXPECT_EQ(InChild([] {
              if (::setuid(65534) != 0) return 1;
              const Status probed = sniffer::ProbeHold();
              if (probed || probed.error().code != ErrorCode::kPermissionDenied) return 2;
              const std::string& message = probed.error().message;
              const bool one_line = message.find('\n') == std::string::npos;
              return one_line && message.find("CAP_NET_ADMIN") != std::string::npos ? 0 : 3;
            }),
            0);
}

TEST_F(HoldTableTest, NamesOfTablesFollowFromTheStateDirectory) {
  EXPECT_EQ(sniffer::HoldTableName("/run/jitwg/sniffer"),
            sniffer::HoldTableName("/run/jitwg/sniffer"));
  EXPECT_NE(sniffer::HoldTableName("/run/a"), sniffer::HoldTableName("/run/b"));
  EXPECT_EQ(sniffer::HoldTableName("").substr(0, 6), "jitwg_");
  EXPECT_EQ(sniffer::HoldTableName("").size(), 14u);
}

}  // namespace
}  // namespace jitwg::test
