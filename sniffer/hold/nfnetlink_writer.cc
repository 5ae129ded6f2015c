// See nfnetlink_writer.h.
#include "sniffer/hold/nfnetlink_writer.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstring>

namespace jitwg::sniffer {

void NfnetlinkWriter::Append(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NfnetlinkWriter::CloseMessage() {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - message_);
  std::memcpy(bytes_.data() + message_, &length, sizeof(length));
}

void NfnetlinkWriter::Begin(const NfnetlinkHeader& header) {
  message_ = bytes_.size();
  nlmsghdr netlink{};
  netlink.nlmsg_type = static_cast<std::uint16_t>(header.subsystem << 8 | header.operation);
  netlink.nlmsg_flags = static_cast<std::uint16_t>(header.flags | NLM_F_REQUEST);
  netlink.nlmsg_seq = header.sequence;
  Append(&netlink, sizeof(netlink));
  nfgenmsg netfilter{};
  netfilter.nfgen_family = header.family;
  netfilter.version = NFNETLINK_V0;
  netfilter.res_id = htons(header.resource);
  Append(&netfilter, sizeof(netfilter));
  CloseMessage();
}

void NfnetlinkWriter::Put(std::uint16_t type, std::span<const std::uint8_t> value) {
  nlattr attribute{};
  attribute.nla_len = static_cast<std::uint16_t>(sizeof(attribute) + value.size());
  attribute.nla_type = type;
  Append(&attribute, sizeof(attribute));
  Append(value.data(), value.size());
  CloseMessage();
}

void NfnetlinkWriter::PutBe16(std::uint16_t type, std::uint16_t value) {
  PutStruct(type, htons(value));
}

void NfnetlinkWriter::PutBe32(std::uint16_t type, std::uint32_t value) {
  PutStruct(type, htonl(value));
}

void NfnetlinkWriter::PutString(std::uint16_t type, std::string_view value) {
  std::vector<std::uint8_t> text(value.begin(), value.end());
  text.push_back(0);
  Put(type, text);
}

std::size_t NfnetlinkWriter::BeginNest(std::uint16_t type) {
  const std::size_t nest = bytes_.size();
  Put(type | NLA_F_NESTED, {});
  return nest;
}

void NfnetlinkWriter::EndNest(std::size_t nest) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest, &length, sizeof(length));
}

}  // namespace jitwg::sniffer
