// The rtnetlink requests that make, fill and remove the helper interface of reinjection. Pure. Each
// writes into `out` (aligned to 4 bytes) and returns the length; kInternal when it does not fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::sniffer {

struct HelperLink {
  std::string name;  // at most 15 characters
  std::string peer;  // the other end's name, for kind "veth"
};

// `kind`: "dummy" or "veth". Without ARP.
Result<std::size_t> EncodeNewLink(std::uint32_t sequence, std::string_view kind,
                                  const HelperLink& link, std::span<std::uint8_t> out);
// What `ip link` shows people.
Result<std::size_t> EncodeSetAlias(std::uint32_t sequence, unsigned ifindex,
                                   const std::string& alias, std::span<std::uint8_t> out);
// Before it goes up: no link-local address, so that the kernel sends nothing there by itself.
Result<std::size_t> EncodeNoIpv6Address(std::uint32_t sequence, unsigned ifindex,
                                        std::span<std::uint8_t> out);
Result<std::size_t> EncodeLinkUp(std::uint32_t sequence, unsigned ifindex,
                                 std::span<std::uint8_t> out);
Result<std::size_t> EncodeDeleteLink(std::uint32_t sequence, unsigned ifindex,
                                     std::span<std::uint8_t> out);
Result<std::size_t> EncodeDumpLinks(std::uint32_t sequence, std::span<std::uint8_t> out);

// The clsact qdisc, to which filters are attached (tc(8), tc-bpf(8)).
Result<std::size_t> EncodeNewClsact(std::uint32_t sequence, unsigned ifindex,
                                    std::span<std::uint8_t> out);

// What leaves the helper with `target` (big-endian) in the first four bytes of its destination MAC
// address comes in at interface `target` (tc-mirred(8)). `preference` tells such filters apart.
Result<std::size_t> EncodeNewRedirect(std::uint32_t sequence, unsigned helper, unsigned target,
                                      std::uint16_t preference, std::span<std::uint8_t> out);
// All of them.
Result<std::size_t> EncodeDeleteRedirects(std::uint32_t sequence, unsigned helper,
                                          std::span<std::uint8_t> out);

}  // namespace jitwg::sniffer
