#include "sniffer/interface_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

#include "tests/sniffer/core/gateway.h"

namespace jitwg::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(InterfaceTable, RefusesWhatIsNotThereOrNotWireGuard) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  gateway.kernel.AddOtherInterface("eth0");
  PeerManager& peers = *gateway.managers["wg0"];
  EXPECT_EQ(gateway.interfaces.Add("wg9", gateway.kernel, peers).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(gateway.interfaces.Add("eth0", gateway.kernel, peers).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(InterfaceTable, ServesKeysAndPortsOfAllInterfaces) {
  Gateway gateway;
  gateway.Serve("wg0", 1, 51820);
  gateway.Serve("wg1", 2, 51821);
  gateway.Serve("wg2", 3, 51820);
  EXPECT_THAT(gateway.interfaces.Ports(), ElementsAre(51820, 51821));
  EXPECT_EQ(gateway.interfaces.Keys()->size(), 3U);
  EXPECT_EQ(gateway.interfaces.FindPeers("wg1"), gateway.managers["wg1"].get());
  EXPECT_EQ(gateway.interfaces.FindPeers("wg9"), nullptr);
}

TEST(InterfaceTable, NothingChangedIsNoChange) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  const auto keys = gateway.interfaces.Keys();
  EXPECT_FALSE(gateway.interfaces.Refresh());
  EXPECT_EQ(gateway.interfaces.Keys(), keys);
  EXPECT_EQ(gateway.interfaces.States().at(0).generation, 1U);
}

TEST(InterfaceTable, ADeletedInterfaceIsNotServedUntilItIsBack) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  gateway.kernel.RemoveInterface("wg0");
  EXPECT_TRUE(gateway.interfaces.Refresh());
  EXPECT_THAT(gateway.interfaces.Ports(), IsEmpty());
  const InterfaceState gone = gateway.interfaces.States().at(0);
  EXPECT_FALSE(gone.present);
  EXPECT_FALSE(gone.problem.empty());

  gateway.kernel.AddInterface("wg0", test::KeyFromSeed(2), 4242);
  EXPECT_TRUE(gateway.interfaces.Refresh());
  const InterfaceState back = gateway.interfaces.States().at(0);
  EXPECT_TRUE(back.present);
  EXPECT_TRUE(back.problem.empty());
  EXPECT_EQ(back.public_key, Gateway::KeyOf(2));
  EXPECT_EQ(back.generation, 2U);
  EXPECT_THAT(gateway.interfaces.Ports(), ElementsAre(4242));
}

TEST(InterfaceTable, ARecreatedInterfaceStartsWithoutOwnPeers) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  PeerManager& peers = *gateway.managers["wg0"];
  const InstallRequest request = Gateway::RequestFor(Gateway::KeyOf(9), "10.8.0.9/32");
  ASSERT_EQ(peers.Install({&request, 1}).results.at(0).outcome, PeerOutcome::kInstalled);
  gateway.kernel.AddInterface("wg0", test::KeyFromSeed(1), 51820);
  EXPECT_TRUE(gateway.interfaces.Refresh());
  EXPECT_EQ(peers.own_count(), 0U);
}

TEST(InterfaceTable, ANewKeyOrPortIsANewServedKeyWithAnotherSerial) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  const auto before = gateway.interfaces.Keys()->at(0);
  gateway.kernel.SetPrivateKey("wg0", test::KeyFromSeed(2));
  EXPECT_TRUE(gateway.interfaces.Refresh());
  const auto rekeyed = gateway.interfaces.Keys()->at(0);
  EXPECT_EQ(rekeyed->responder.public_key(), Gateway::KeyOf(2));
  EXPECT_NE(rekeyed->serial, before->serial);
  gateway.kernel.SetListenPort("wg0", 1234);
  EXPECT_TRUE(gateway.interfaces.Refresh());
  EXPECT_THAT(gateway.interfaces.Ports(), ElementsAre(1234));
}

TEST(InterfaceTable, AnInterfaceWithoutKeyIsAProblemNotACrash) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  gateway.kernel.SetPrivateKey("wg0", PrivateKey());
  EXPECT_TRUE(gateway.interfaces.Refresh());
  EXPECT_THAT(*gateway.interfaces.Keys(), IsEmpty());
  EXPECT_THAT(gateway.interfaces.States().at(0).problem, ::testing::HasSubstr("private key"));
}

TEST(InterfaceTable, APassingErrorDoesNotStopTheService) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  const auto serial = gateway.interfaces.Keys()->at(0)->serial;
  gateway.kernel.FailEverything(ENOBUFS);
  EXPECT_FALSE(gateway.interfaces.Refresh());
  ASSERT_EQ(gateway.interfaces.Keys()->size(), 1U);
  EXPECT_FALSE(gateway.interfaces.States().at(0).problem.empty());
  gateway.kernel.ClearFaults();
  EXPECT_FALSE(gateway.interfaces.Refresh());
  EXPECT_EQ(gateway.interfaces.Keys()->at(0)->serial, serial);
  EXPECT_TRUE(gateway.interfaces.States().at(0).problem.empty());
}

TEST(InterfaceTable, HandMadePeersAreLearnedThoughNobodyAsksForLists) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  KernelPeer foreign;
  foreign.public_key = Gateway::KeyOf(200);
  foreign.allowed_ips = {IpPrefix::Parse("10.8.0.7/32").value()};
  gateway.kernel.AddForeignPeer("wg0", foreign);
  gateway.clock.Advance(std::chrono::seconds(11));
  gateway.interfaces.Refresh();
  PeerManager& peers = *gateway.managers["wg0"];
  const InstallRequest takeover = Gateway::RequestFor(foreign.public_key, "10.8.0.8/32");
  EXPECT_EQ(peers.Install({&takeover, 1}).results.at(0).outcome, PeerOutcome::kRefusedForeign);
  const InstallRequest theft = Gateway::RequestFor(Gateway::KeyOf(201), "10.8.0.7/32");
  EXPECT_EQ(peers.Install({&theft, 1}).results.at(0).outcome, PeerOutcome::kRefusedAddressTaken);
}

TEST(InterfaceTable, NothingIsInstalledUntilANewInterfacesPeersWereRead) {
  Gateway gateway;
  gateway.Serve("wg0", 1);
  PeerManager& peers = *gateway.managers["wg0"];
  const DeviceInfo fresh = gateway.kernel.AddInterface("wg0", test::KeyFromSeed(2), 51820);
  gateway.kernel.FailEverything(ENOBUFS);
  EXPECT_FALSE(peers.OnDeviceChanged(fresh));
  gateway.kernel.ClearFaults();
  const InstallRequest request = Gateway::RequestFor(Gateway::KeyOf(9), "10.8.0.9/32");
  const PeerResult early = peers.Install({&request, 1}).results.at(0);
  EXPECT_EQ(early.outcome, PeerOutcome::kFailed);
  EXPECT_EQ(early.error, ErrorCode::kUnavailable);
  // The next reading goes on where the first one failed.
  EXPECT_TRUE(peers.OnDeviceChanged(fresh));
  EXPECT_EQ(peers.Install({&request, 1}).results.at(0).outcome, PeerOutcome::kInstalled);
}

}  // namespace
}  // namespace jitwg::sniffer
