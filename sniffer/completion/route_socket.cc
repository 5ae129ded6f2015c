#include "sniffer/completion/route_socket.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "sniffer/completion/tc_message.h"
#include "sniffer/install/wg_message.h"

namespace jitwg::sniffer {
namespace {

// Interfaces may be made while others are deleted, and that holds the kernel's lock for a while.
constexpr std::chrono::seconds kTimeout{5};
constexpr std::size_t kBufferSize = 65536;
constexpr std::size_t kMostLinks = 65536;

enum class DumpStep : std::uint8_t { kMore, kDone, kDamaged };

// What the datagram says beside its interfaces.
DumpStep StepOf(std::span<const std::uint8_t> datagram) {
  int left = static_cast<int>(datagram.size());
  const auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
    if (header->nlmsg_type == NLMSG_DONE) return DumpStep::kDone;
    if (header->nlmsg_type == NLMSG_ERROR) return DumpStep::kDamaged;
  }
  return DumpStep::kMore;
}

}  // namespace

Result<RouteSocket> RouteSocket::Open() {
  auto socket = NetlinkSocket::Open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  return RouteSocket(std::move(*socket));
}

RouteSocket::RouteSocket(NetlinkSocket socket) : socket_(std::move(socket)), buffer_(kBufferSize) {}

int RouteSocket::Do(const Encode& encode) {
  const std::uint32_t sequence = ++sequence_;
  const auto length = encode(sequence, buffer_);
  if (!length) return EMSGSIZE;
  int error = socket_.Send(std::span(buffer_).first(*length));
  while (error == 0) {
    const auto received = socket_.Receive(buffer_, kTimeout);
    if (received.errno_value != 0) return received.errno_value;
    const int answer = ParseAck(std::span(buffer_).first(received.size), sequence);
    // EBADMSG: a late answer to an earlier request.
    if (answer != EBADMSG) return answer;
  }
  return error;
}

Result<std::vector<Link>> RouteSocket::Links() {
  const auto length = EncodeDumpLinks(++sequence_, buffer_);
  if (!length) return length.error();
  if (const int error = socket_.Send(std::span(buffer_).first(*length)); error != 0) {
    return ErrnoError("cannot ask for the network interfaces", error);
  }
  std::vector<Link> links;
  for (;;) {
    const auto received = socket_.Receive(buffer_, kTimeout);
    if (received.errno_value != 0) {
      return ErrnoError("cannot read the network interfaces", received.errno_value);
    }
    const auto datagram = std::span(buffer_).first(received.size);
    if (!ParseLinks(datagram, links) || links.size() > kMostLinks) {
      return Error{ErrorCode::kResourceExhausted, "the list of network interfaces makes no sense"};
    }
    const DumpStep step = StepOf(datagram);
    if (step == DumpStep::kDone) return links;
    if (step == DumpStep::kDamaged) {
      return Error{ErrorCode::kInternal, "the kernel refused to list the network interfaces"};
    }
  }
}

}  // namespace jitwg::sniffer
