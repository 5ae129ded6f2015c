// UapiDevice keeps the contract with a real wireguard-go in a network namespace. Run as root.
#include "sniffer/install/device_factory.h"
#include "tests/sniffer/install/netns_harness.h"
#include "tests/sniffer/install/wireguard_device_contract.h"

namespace jitwg::testing {
namespace {

std::unique_ptr<NetnsHarness> MakeHarness() {
  return NetnsHarness::Make(NetnsHarness::Kind::kUserspace,
                            std::make_unique<sniffer::UapiDevice>());
}

INSTANTIATE_TEST_SUITE_P(Uapi, WireGuardDeviceContract, ::testing::Values(MakeHarness),
                         [](const auto&) { return "WireguardGo"; });

TEST(DeviceFactoryOnWireguardGo, PicksUserspaceByItself) {
  const auto harness = MakeHarness();
  ASSERT_NE(harness, nullptr);
  EXPECT_EQ(sniffer::MakeDevice(harness->name(), sniffer::Backend::kAuto)->backend(), "userspace");
  EXPECT_EQ(sniffer::MakeDevice("lo", sniffer::Backend::kAuto)->backend(), "kernel");
  EXPECT_EQ(sniffer::MakeDevice(harness->name(), sniffer::Backend::kKernel)->backend(), "kernel");
}

}  // namespace
}  // namespace jitwg::testing
