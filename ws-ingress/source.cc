#include "ws-ingress/source.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/base/key.h"

namespace jitwg::ingress {
namespace {

constexpr int kLongestV4 = 24;
constexpr int kLongestV6 = 56;

std::uint64_t BigEndian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

SourceNetwork::SourceNetwork(const IpAddress& client)
    : family_(client.family()), bits_(BigEndian(client.bytes().first(client.is_v4() ? 4 : 8))) {}

std::uint64_t SourceNetwork::Hash() const {
  std::array<std::uint8_t, 9> bytes;
  bytes[0] = static_cast<std::uint8_t>(family_);
  std::memcpy(&bytes[1], &bits_, sizeof(bits_));
  return SeededHash(bytes);
}

Status CheckSourcePrefix(const IpPrefix& prefix) {
  const int longest = prefix.address().is_v4() ? kLongestV4 : kLongestV6;
  if (prefix.length() <= longest) return {};
  return InvalidArgument(prefix.ToString() + " has room for too few clients: give a /" +
                         std::to_string(longest) + " or a shorter one");
}

IpAddress AddressAt(std::uint64_t hash, const IpPrefix& prefix) {
  std::array<std::uint8_t, 16> bytes{};
  const auto base = prefix.address().bytes();
  std::copy(base.begin(), base.end(), bytes.begin());
  // IPv4: the last 32-length bits. IPv6: those up to /64, and ::1 in it.
  const bool v4 = prefix.address().is_v4();
  const std::size_t used = v4 ? 4 : 8;
  const int free_bits = static_cast<int>(used * 8) - prefix.length();
  const std::uint64_t places =
      free_bits >= 63 ? std::uint64_t{1} << 63 : std::uint64_t{1} << free_bits;
  std::uint64_t offset = hash % (places - 2) + 1;
  for (std::size_t i = used; i-- > 0; offset >>= 8) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] | (offset & 0xff));
  }
  if (v4) return IpAddress::V4(std::span<const std::uint8_t, 4>(bytes.data(), 4));
  bytes[15] = 1;
  return IpAddress::V6(bytes);
}

IpAddress AddressFor(const SourceNetwork& network, const IpPrefix& prefix) {
  return AddressAt(network.Hash(), prefix);
}

bool IsWithin(const IpAddress& address, const std::vector<IpPrefix>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.Contains(address); });
}

std::optional<IpAddress> ForwardedClient(std::string_view forwarded_for,
                                         const std::vector<IpPrefix>& trusted) {
  while (!forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const bool last = comma == std::string_view::npos;
    const auto address =
        IpAddress::Parse(Trim(last ? forwarded_for : forwarded_for.substr(comma + 1)));
    if (!address) return std::nullopt;
    if (!IsWithin(*address, trusted)) return *address;
    forwarded_for = last ? std::string_view() : forwarded_for.substr(0, comma);
  }
  return std::nullopt;
}

}  // namespace jitwg::ingress
