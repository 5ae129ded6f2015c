// A contract harness on a real implementation: every one makes a network namespace of its own with
// a loopback and a WireGuard interface, set up by ip(8) and wg(8), which also serve as the
// independent second opinion. Needs root.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::testing {

class NetnsHarness final : public ContractHarness {
 public:
  enum class Kind { kKernel, kUserspace };

  // Null after a fault, which is printed: no root, no module, no wireguard-go. Moves the calling
  // thread to the new namespace for good.
  static std::unique_ptr<NetnsHarness> Make(Kind kind,
                                            std::unique_ptr<sniffer::WireGuardDevice> device);
  ~NetnsHarness() override;

  sniffer::WireGuardDevice& device() override { return *device_; }
  std::string name() override { return name_; }
  std::string other_interface() override { return "lo"; }
  const PrivateKey& private_key() override { return key_; }
  std::uint16_t listen_port() override { return 51899; }
  Endpoint sink() override { return sink_; }
  bool SawInitiation(const PublicKey& key) override;
  std::string PresharedKeyOf(const PublicKey& key) override;

 private:
  explicit NetnsHarness(std::unique_ptr<sniffer::WireGuardDevice> device);
  bool SetUp(Kind kind);
  bool StartUserspace();
  bool SetKey();
  bool OpenSink();

  std::unique_ptr<sniffer::WireGuardDevice> device_;
  std::string name_;
  PrivateKey key_;
  pid_t daemon_ = -1;
  int sink_socket_ = -1;
  Endpoint sink_;
};

// Runs a program with its arguments; its standard output when it exits with 0.
std::optional<std::string> RunProgram(const std::vector<std::string>& arguments,
                                      const std::string& input = "");

}  // namespace jitwg::testing
