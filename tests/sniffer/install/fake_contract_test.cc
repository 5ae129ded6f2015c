// FakeKernel keeps the contract that the real implementations keep.
#include "tests/sniffer/install/wireguard_device_contract.h"
#include "tests/support/fake_device.h"

namespace jitwg::testing {
namespace {

class FakeHarness final : public ContractHarness {
 public:
  FakeHarness() : key_(GeneratePrivateKey()) {
    kernel_.AddInterface(name(), key_, listen_port());
    kernel_.AddOtherInterface(other_interface());
  }
  sniffer::WireGuardDevice& device() override { return kernel_; }
  std::string name() override { return "wg0"; }
  std::string other_interface() override { return "eth0"; }
  const PrivateKey& private_key() override { return key_; }
  std::uint16_t listen_port() override { return 51820; }
  Endpoint sink() override { return {*IpAddress::Parse("127.0.0.1"), 9, 0}; }
  bool SawInitiation(const PublicKey& key) override {
    return kernel_.Initiations(name(), key) == 1;
  }
  std::string PresharedKeyOf(const PublicKey& key) override {
    return kernel_.PresharedKeyOf(name(), key);
  }

 private:
  PrivateKey key_;
  FakeKernel kernel_;
};

INSTANTIATE_TEST_SUITE_P(Fake, WireGuardDeviceContract,
                         ::testing::Values([] { return std::make_unique<FakeHarness>(); }),
                         [](const auto&) { return "Kernel"; });

}  // namespace
}  // namespace jitwg::testing
