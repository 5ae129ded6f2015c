// `gateway up` and `down` on real interfaces: userspace WireGuard in a network namespace of each
// test's own. Needs root and wireguard-go. The kernel's WireGuard: the end-to-end scenario
// gateway-up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>

#include <fstream>

#include "ctl/gateway/bring_up.h"
#include "ctl/gateway/interface_state.h"
#include "ctl/gateway/key_file.h"
#include "sniffer/install/uapi_device.h"
#include "tests/sniffer/install/contract_harness.h"
#include "tests/sniffer/install/netns_harness.h"
#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::ctl {
namespace {

using jitwg::testing::Creation;
using jitwg::testing::RunProgram;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GatewayInterfaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "run as root: it makes network namespaces";
    ASSERT_TRUE(RunProgram({"ip", "link", "set", "lo", "up"}));
    route_ = std::make_unique<sniffer::RouteSocket>(*sniffer::RouteSocket::Open());
    // UAPI sockets have the interface's name, whatever the namespace.
    static int counter = 0;
    plan_.name = "jg" + std::to_string(::getpid() % 1000000) + "x" + std::to_string(++counter);
    plan_.key_file = folder_ / "wg0.key";
    plan_.listen_port = 51820;
    plan_.mtu = 1380;
    plan_.addresses = {*ParseInterfaceAddress("10.8.0.1/24"), *ParseInterfaceAddress("fd08::1/64")};
    plan_.allow = {*IpPrefix::Parse("10.8.0.0/24"), *IpPrefix::Parse("10.9.0.0/16"),
                   *IpPrefix::Parse("fd08::/64"), *IpPrefix::Parse("fd09::/48")};
  }
  void TearDown() override { static_cast<void>(TakeDown(*route_, plan_)); }

  Result<std::vector<std::string>> Up() {
    return BringUp(*route_, plan_, {"userspace", "wireguard-go"});
  }

  // Up is refused with a message that has `part` in it, and there is no interface afterwards.
  void ExpectRefused(ErrorCode code, const std::string& part) {
    const auto up = Up();
    ASSERT_FALSE(up);
    EXPECT_EQ(up.error().code, code) << up.error().message;
    EXPECT_THAT(up.error().message, HasSubstr(part));
  }

  std::string Output(const std::vector<std::string>& arguments) {
    return RunProgram(arguments).value_or("failed");
  }

  testing::TempFolder folder_;
  std::unique_ptr<sniffer::RouteSocket> route_;
  InterfacePlan plan_;
};

TEST_F(GatewayInterfaceTest, UpMakesAllOfItAndDownRemovesIt) {
  const auto up = Up();
  ASSERT_TRUE(up) << up.error().message;
  // Looked at with other tools.
  EXPECT_THAT(Output({"ip", "-o", "address", "show", "dev", plan_.name}),
              ::testing::AllOf(HasSubstr("10.8.0.1/24"), HasSubstr("fd08::1/64")));
  EXPECT_THAT(Output({"ip", "-o", "link", "show", "dev", plan_.name}), HasSubstr("mtu 1380"));
  EXPECT_THAT(Output({"ip", "route", "show", "dev", plan_.name}), HasSubstr("10.9.0.0/16"));
  EXPECT_THAT(Output({"ip", "-6", "route", "show", "dev", plan_.name}), HasSubstr("fd09::/48"));
  EXPECT_EQ(Output({"wg", "show", plan_.name, "listen-port"}), "51820\n");
  const auto key = ReadKeyFile(plan_.key_file);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(Output({"wg", "show", plan_.name, "public-key"}),
            DerivePublicKey(*key).ToBase64() + "\n");

  const auto down = TakeDown(*route_, plan_);
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_TRUE(*down);
  EXPECT_EQ(::if_nametoindex(plan_.name.c_str()), 0u);
  const auto again = TakeDown(*route_, plan_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(*again);
  EXPECT_TRUE(ReadKeyFile(plan_.key_file)) << "the key outlives the interface";
}

TEST_F(GatewayInterfaceTest, ASecondUpChangesNothingAndKeepsPeers) {
  ASSERT_TRUE(Up());
  const auto link = *ReadLink(*route_, plan_.name);
  const auto device = DeviceOf(*link);
  const std::vector<sniffer::PeerChange> peer = [] {
    std::vector<sniffer::PeerChange> changes;
    changes.push_back(Creation(1, {"10.8.0.2/32"}));
    return changes;
  }();
  ASSERT_TRUE(device->Apply({plan_.name, 0}, peer));
  const auto again = Up();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(*again, IsEmpty());
  EXPECT_EQ(device->DumpPeers(plan_.name)->peers.size(), 1u);
}

TEST_F(GatewayInterfaceTest, WhatWasTakenAwayComesBack) {
  ASSERT_TRUE(Up());
  ASSERT_TRUE(RunProgram({"ip", "route", "del", "10.9.0.0/16"}));
  ASSERT_TRUE(RunProgram({"ip", "address", "del", "10.8.0.1/24", "dev", plan_.name}));
  ASSERT_TRUE(RunProgram({"ip", "link", "set", plan_.name, "mtu", "1300"}));
  ASSERT_TRUE(RunProgram({"wg", "set", plan_.name, "listen-port", "51999"}));
  const auto key = DerivePublicKey(*ReadKeyFile(plan_.key_file));
  EXPECT_EQ(Differences(plan_, key, *ReadState(*route_, plan_.name)).size(), 5u);
  const auto again = Up();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(Differences(plan_, key, *ReadState(*route_, plan_.name)), IsEmpty());
}

TEST_F(GatewayInterfaceTest, ANameOfAnotherTypeIsRefusedAndLeftAlone) {
  ASSERT_TRUE(RunProgram({"ip", "link", "add", plan_.name, "type", "bridge"}));
  ExpectRefused(ErrorCode::kAlreadyExists, "type bridge");
  const auto down = TakeDown(*route_, plan_);
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, ErrorCode::kAlreadyExists);
  EXPECT_NE(::if_nametoindex(plan_.name.c_str()), 0u);
  EXPECT_FALSE(ReadKeyFile(plan_.key_file)) << "a refusal leaves no key behind";
}

TEST_F(GatewayInterfaceTest, ATunWithoutAWireGuardIsRefused) {
  ASSERT_TRUE(RunProgram({"ip", "tuntap", "add", "dev", plan_.name, "mode", "tun"}));
  ExpectRefused(ErrorCode::kAlreadyExists, "type tun");
}

TEST_F(GatewayInterfaceTest, AnInterfaceWithAnotherKeyIsSomebodyElses) {
  ASSERT_TRUE(Up());
  ASSERT_TRUE(RunProgram({"mv", plan_.key_file, plan_.key_file + ".old"}));
  ExpectRefused(ErrorCode::kAlreadyExists, "another private key");
  EXPECT_FALSE(TakeDown(*route_, plan_));
  EXPECT_FALSE(ReadKeyFile(plan_.key_file));
  ASSERT_TRUE(RunProgram({"mv", plan_.key_file + ".old", plan_.key_file}));
  EXPECT_TRUE(Up());
}

TEST_F(GatewayInterfaceTest, AKeyFileThatOthersMayReadIsRefused) {
  std::ofstream(plan_.key_file) << SecretToBase64(GeneratePrivateKey()) << "\n";
  ASSERT_EQ(::chmod(plan_.key_file.c_str(), 0644), 0);
  ExpectRefused(ErrorCode::kPermissionDenied, "chmod 0600");
  EXPECT_EQ(::if_nametoindex(plan_.name.c_str()), 0u);
}

TEST_F(GatewayInterfaceTest, APortThatIsTakenIsRefused) {
  const auto harness = testing::NetnsHarness::Make(testing::NetnsHarness::Kind::kUserspace,
                                                   std::make_unique<sniffer::UapiDevice>());
  ASSERT_NE(harness, nullptr);
  route_ = std::make_unique<sniffer::RouteSocket>(*sniffer::RouteSocket::Open());
  plan_.listen_port = harness->listen_port();
  ExpectRefused(ErrorCode::kAlreadyExists, "is taken");
  EXPECT_EQ(::if_nametoindex(plan_.name.c_str()), 0u);
}

TEST_F(GatewayInterfaceTest, APrefixThatIsRoutedElsewhereIsRefused) {
  ASSERT_TRUE(RunProgram({"ip", "route", "add", "10.9.0.0/16", "dev", "lo"}));
  ExpectRefused(ErrorCode::kAlreadyExists, "10.9.0.0/16 is routed to lo");
  EXPECT_EQ(::if_nametoindex(plan_.name.c_str()), 0u);
}

TEST_F(GatewayInterfaceTest, AProgramThatIsNotThereOrNoWireGuardIsNamed) {
  for (const char* program : {"no-such-wireguard", "false"}) {
    const auto up = BringUp(*route_, plan_, {"userspace", program});
    ASSERT_FALSE(up);
    EXPECT_THAT(up.error().message, HasSubstr(program));
  }
}

}  // namespace
}  // namespace jitwg::ctl
