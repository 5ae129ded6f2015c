// Reads what the kernel's packet filter answers: messages, attributes, acknowledgements. Pure; any
// bytes may come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace jitwg::sniffer {

using NetlinkBytes = std::span<const std::uint8_t>;

struct NfnetlinkMessage {
  std::uint16_t type = 0;  // subsystem and operation, or NLMSG_ERROR and its like
  std::uint32_t sequence = 0;
  NetlinkBytes body;  // all behind the netlink header
};

// Calls `handler` for each whole message; false when the datagram's end is damaged.
bool ForEachMessage(NetlinkBytes datagram,
                    const std::function<void(const NfnetlinkMessage&)>& handler);

// Calls `handler` with type (without its flags) and value of each whole attribute; false when their
// end is damaged.
bool ForEachAttribute(NetlinkBytes attributes,
                      const std::function<void(std::uint16_t, NetlinkBytes)>& handler);

// The attributes behind the family header of a message of the packet filter; none when it is cut.
NetlinkBytes AttributesOf(const NfnetlinkMessage& message);

// What one datagram says of a request with messages of the sequence numbers `first` to `last`.
struct NfnetlinkAnswer {
  bool acknowledged = false;  // the message `last` was answered, for good or bad
  int error = 0;              // the first refusal: a positive errno
  std::uint32_t refused = 0;  // and the sequence number of the message refused
};
// Adds to `answer`; answers to other requests are passed over.
void ReadAnswer(NetlinkBytes datagram, std::uint32_t first, std::uint32_t last,
                NfnetlinkAnswer& answer);

}  // namespace jitwg::sniffer
