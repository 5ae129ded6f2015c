#include "sniffer/completion/link_reader.h"

#include <cerrno>

#include "sniffer/completion/tc_message.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kMostLinks = 65536;

}  // namespace

Result<std::vector<Link>> ReadLinks(RouteSocket& route) {
  std::vector<Link> links;
  const int error = route.Ask(EncodeDumpLinks, [&links](std::span<const std::uint8_t> datagram) {
    return ParseLinks(datagram, links) && links.size() <= kMostLinks;
  });
  if (error == 0) return links;
  if (error == EBADMSG) {
    return Error{ErrorCode::kResourceExhausted, "the list of network interfaces makes no sense"};
  }
  return ErrnoError("cannot read the network interfaces", error);
}

}  // namespace jitwg::sniffer
