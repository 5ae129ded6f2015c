// NetlinkDevice keeps the contract on the real kernel. Run as root where the wireguard module can
// be loaded.
#include "sniffer/install/netlink_device.h"
#include "tests/sniffer/install/netns_harness.h"
#include "tests/sniffer/install/wireguard_device_contract.h"

namespace jitwg::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Netlink, WireGuardDeviceContract, ::testing::Values([] {
                           return NetnsHarness::Make(NetnsHarness::Kind::kKernel,
                                                     std::make_unique<sniffer::NetlinkDevice>());
                         }),
                         [](const auto&) { return "Kernel"; });

}  // namespace
}  // namespace jitwg::testing
