// Any bytes as what rtnetlink answers `jitwgctl gateway`: interfaces, addresses, routes. What it
// writes itself is read back as the same. The first byte chooses.
#include <cstring>
#include <optional>
#include <vector>

#include "ctl/gateway/route_message.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using namespace jitwg::ctl;
using jitwg::test::Input;
using jitwg::test::Require;

constexpr std::uint32_t kSequence = 42;

void Read(std::span<const std::uint8_t> datagram, unsigned ifindex) {
  std::optional<LinkFacts> link;
  (void)ParseLink(datagram, link);
  if (link) Require(link->name.size() <= datagram.size() && link->kind.size() <= datagram.size());
  std::vector<InterfaceAddress> addresses;
  (void)ParseAddresses(datagram, ifindex, addresses);
  for (const InterfaceAddress& one : addresses) {
    Require(one.length >= 0 && one.length <= one.address.bit_length());
  }
  std::vector<RouteFacts> routes;
  (void)ParseRoutes(datagram, routes);
}

void WriteAddress(Input& input, std::span<std::uint8_t> buffer) {
  const unsigned ifindex = input.Byte();
  const IpAddress address = input.Address();
  const InterfaceAddress wanted{address, input.Byte() % (address.bit_length() + 1)};
  const auto size = EncodeNewAddress(kSequence, ifindex, wanted, buffer);
  std::vector<InterfaceAddress> seen;
  Require(size && ParseAddresses(buffer.first(*size), ifindex, seen) && seen.size() <= 1);
  if (!seen.empty()) Require(seen[0].address == address && seen[0].length == wanted.length);
  // Only link-local ones are passed over, and those of other interfaces.
  Require(!seen.empty() || IpPrefix::Parse("fe80::/10").value().Contains(address));
  std::vector<InterfaceAddress> none;
  Require(ParseAddresses(buffer.first(*size), ifindex + 1, none) && none.empty());
}

void WriteRoute(Input& input, std::span<std::uint8_t> buffer) {
  const unsigned ifindex = input.Byte();
  const IpAddress address = input.Address();
  const auto prefix = *IpPrefix::Make(address, input.Byte() % (address.bit_length() + 1));
  const auto size = EncodeNewRoute(kSequence, ifindex, prefix, buffer);
  std::vector<RouteFacts> seen;
  Require(size && ParseRoutes(buffer.first(*size), seen));
  Require(seen.size() == 1 && seen[0].prefix == prefix && seen[0].ifindex == ifindex);
}

void WriteLink(Input& input, std::span<std::uint8_t> buffer) {
  const std::string name(input.Text(15));
  std::optional<LinkFacts> seen;
  auto size = EncodeNewWireGuard(kSequence, name, buffer);
  Require(size && ParseLink(buffer.first(*size), seen) && seen && seen->kind == "wireguard");
  Require(seen->name == name.substr(0, name.find('\0')) && !seen->up);
  size = EncodeMtuAndUp(kSequence, 7, 1420, buffer);
  Require(size && ParseLink(buffer.first(*size), seen));
  Require(seen->ifindex == 7 && seen->mtu == 1420 && seen->up);
  seen.reset();
  for (const auto& encode : {EncodeDumpAddresses, EncodeDumpRoutes}) {
    size = encode(kSequence, buffer);
    Require(size && ParseLink(buffer.first(*size), seen) && !seen);
  }
  Require(bool{EncodeGetLink(kSequence, name, buffer)});
  Require(bool{EncodeRemoveLink(kSequence, 7, buffer)});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alignas(4) static std::array<std::uint8_t, 512> buffer;
  Input input(std::span(data, size));
  const std::uint8_t choice = input.Byte();
  if (choice % 4 == 1) {
    WriteAddress(input, buffer);
  } else if (choice % 4 == 2) {
    WriteRoute(input, buffer);
  } else if (choice % 4 == 3) {
    WriteLink(input, buffer);
  } else {
    const auto bytes = input.Rest();
    std::vector<std::uint32_t> aligned((bytes.size() + 3) / 4);
    if (!bytes.empty()) std::memcpy(aligned.data(), bytes.data(), bytes.size());
    Read({reinterpret_cast<const std::uint8_t*>(aligned.data()), bytes.size()}, choice / 4);
  }
  return 0;
}
