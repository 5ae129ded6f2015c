// What the contract suite of WireGuardDevice needs from the world: a fresh interface and a place
// where its initiations arrive. Also the small makers of keys and changes that the suite and other
// tests share.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "sniffer/install/wireguard_device.h"

namespace jitwg::testing {

class ContractHarness {
 public:
  virtual ~ContractHarness() = default;
  virtual sniffer::WireGuardDevice& device() = 0;
  // A WireGuard interface that is up, has private_key() and listen_port(), and no peers.
  virtual std::string name() = 0;
  virtual std::string other_interface() = 0;
  virtual const PrivateKey& private_key() = 0;
  virtual std::uint16_t listen_port() = 0;
  // A UDP endpoint that the interface can reach, and whether an initiation arrived there (waits a
  // while for it).
  virtual Endpoint sink() = 0;
  virtual bool SawInitiation(const PublicKey& key) = 0;
  // Base64, empty for none; as an independent tool sees it.
  virtual std::string PresharedKeyOf(const PublicKey& key) = 0;
};

using HarnessMaker = std::function<std::unique_ptr<ContractHarness>()>;

// The public key of a private key that is made from `n`.
PublicKey TestKey(unsigned n);
// Distinct IPv6 host prefixes inside fd08::/64.
IpPrefix HostPrefix(unsigned n);
// Sorted.
std::vector<IpPrefix> Prefixes(const std::vector<std::string>& texts);
sniffer::PeerChange Creation(unsigned n, const std::vector<std::string>& allowed_ips);
sniffer::PeerChange Removal(unsigned n);

}  // namespace jitwg::testing
