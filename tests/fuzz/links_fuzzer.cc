// Any bytes as the kernel's list of network interfaces: no crash, and a packet is only ever taken
// in by an interface of the list. The first three bytes say where it was seen and with how many
// VLAN tags.
#include <cstdint>
#include <cstring>
#include <vector>

#include "sniffer/completion/link_map.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg::sniffer;
using jitwg::test::Input;
using jitwg::test::Require;

bool Has(const std::vector<Link>& links, unsigned ifindex) {
  return std::any_of(links.begin(), links.end(),
                     [&](const Link& link) { return link.ifindex == ifindex; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(std::span(data, size));
  const unsigned ifindex = input.Byte();
  std::vector<std::uint16_t> vlan_ids(input.Byte() % 4);
  for (std::uint16_t& id : vlan_ids) id = input.Byte() % 4;
  const auto bytes = input.Rest();
  // As a socket's buffer: aligned, and nothing behind it.
  std::vector<std::uint32_t> aligned((bytes.size() + 3) / 4);
  if (!bytes.empty()) std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const std::span datagram(reinterpret_cast<const std::uint8_t*>(aligned.data()), bytes.size());
  std::vector<Link> links;
  (void)ParseLinks(datagram, links);
  for (const Link& link : links) Require(link.vlan_id < 4096 && link.name.size() <= size);
  const auto input_interface = InputInterface(links, ifindex, vlan_ids);
  if (input_interface) Require(Has(links, ifindex) && Has(links, *input_interface));
  return 0;
}
