// See contract_harness.h.
#include "tests/sniffer/install/contract_harness.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace jitwg::testing {

PublicKey TestKey(unsigned n) {
  std::array<std::uint8_t, kKeySize> bytes{};
  for (std::size_t i = 0; i < sizeof(n); ++i)
    bytes[i + 1] = static_cast<std::uint8_t>(n >> (8 * i));
  bytes[10] = 0x5a;
  return DerivePublicKey(PrivateKey::CopyOf(bytes));
}

IpPrefix HostPrefix(unsigned n) {
  std::array<std::uint8_t, 16> bytes{0xfd, 0x08};
  for (std::size_t i = 0; i < sizeof(n); ++i)
    bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return *IpPrefix::Make(IpAddress::V6(bytes), 128);
}

std::vector<IpPrefix> Prefixes(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> prefixes;
  for (const std::string& text : texts) {
    const auto prefix = IpPrefix::Parse(text);
    if (!prefix) throw std::invalid_argument(prefix.error().message);
    prefixes.push_back(*prefix);
  }
  std::sort(prefixes.begin(), prefixes.end());
  return prefixes;
}

sniffer::PeerChange Creation(unsigned n, const std::vector<std::string>& allowed_ips) {
  sniffer::PeerChange change;
  change.public_key = TestKey(n);
  change.allowed_ips = Prefixes(allowed_ips);
  return change;
}

sniffer::PeerChange Removal(unsigned n) {
  sniffer::PeerChange change;
  change.kind = sniffer::PeerChange::Kind::kRemove;
  change.public_key = TestKey(n);
  return change;
}

}  // namespace jitwg::testing
