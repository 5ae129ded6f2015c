#include "sniffer/install/route_socket.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "sniffer/install/netlink_messages.h"
#include "sniffer/install/wg_message.h"

namespace jitwg::sniffer {
namespace {

// Interfaces may be made while others are deleted, and that holds the kernel's lock for a while.
constexpr std::chrono::seconds kTimeout{5};
constexpr std::size_t kBufferSize = 65536;

// What the datagram says beside what was asked for.
struct Step {
  bool ours = false;  // it answers this request, not an earlier one
  bool last = false;
  int errno_value = 0;
};

Step StepOf(std::span<const std::uint8_t> datagram, std::uint32_t sequence) {
  Step step;
  NetlinkMessages messages(datagram);
  while (const nlmsghdr* const header = messages.Next()) {
    if (header->nlmsg_seq != sequence) continue;
    step.ours = true;
    if (header->nlmsg_type == NLMSG_DONE) step.last = true;
    if (header->nlmsg_type != NLMSG_ERROR) continue;
    step.last = true;
    if (mnl_nlmsg_get_payload_len(header) < sizeof(nlmsgerr)) return {true, true, EBADMSG};
    step.errno_value = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
  }
  return step;
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

int RouteSocket::Ask(const Encode& encode, const Consume& consume) {
  const std::uint32_t sequence = ++sequence_;
  const auto length = encode(sequence, buffer_);
  if (!length) return EMSGSIZE;
  if (const int error = socket_.Send(std::span(buffer_).first(*length)); error != 0) return error;
  for (;;) {
    const auto received = socket_.Receive(buffer_, kTimeout);
    if (received.errno_value != 0) return received.errno_value;
    const auto datagram = std::span<const std::uint8_t>(buffer_).first(received.size);
    const Step step = StepOf(datagram, sequence);
    if (step.errno_value != 0) return step.errno_value;
    if (step.ours && !consume(datagram)) return EBADMSG;
    if (step.last) return 0;
  }
}

}  // namespace jitwg::sniffer
