// Writes one netlink message into a buffer and remembers whether something did not fit. Knows no
// family. Not thread-safe.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "lib/base/result.h"

namespace jitwg::sniffer {

class NetlinkWriter {
 public:
  // `family_header` follows the netlink header: genlmsghdr, ifinfomsg, tcmsg ... `out` is aligned
  // to 4 bytes and outlives the writer.
  template <class FamilyHeader>
  NetlinkWriter(std::span<std::uint8_t> out, std::uint16_t type, std::uint16_t flags,
                std::uint32_t sequence, const FamilyHeader& family_header)
      : size_(out.size()) {
    if (out.size() < MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(FamilyHeader))) return;
    header_ = mnl_nlmsg_put_header(out.data());
    header_->nlmsg_type = type;
    header_->nlmsg_flags = flags;
    header_->nlmsg_seq = sequence;
    std::memcpy(mnl_nlmsg_put_extra_header(header_, sizeof(FamilyHeader)), &family_header,
                sizeof(FamilyHeader));
    fits_ = true;
  }

  void Put(std::uint16_t type, std::span<const std::uint8_t> value) {
    if (fits_) fits_ = mnl_attr_put_check(header_, size_, type, value.size(), value.data());
  }
  template <class T>
  void PutValue(std::uint16_t type, const T& value) {
    std::array<std::uint8_t, sizeof(T)> bytes{};
    std::memcpy(bytes.data(), &value, sizeof(T));
    Put(type, bytes);
  }
  // With its terminating zero.
  void PutString(std::uint16_t type, const std::string& text) {
    if (fits_) fits_ = mnl_attr_put_strz_check(header_, size_, type, text.c_str());
  }
  // Without an attribute around it: the header that some nests begin with.
  template <class T>
  void PutRaw(const T& value) {
    if (!fits_) return;
    const std::size_t used = header_->nlmsg_len;
    fits_ = used + MNL_ALIGN(sizeof(T)) <= size_;
    if (!fits_) return;
    auto* const tail = static_cast<std::uint8_t*>(mnl_nlmsg_get_payload_tail(header_));
    std::memset(tail, 0, MNL_ALIGN(sizeof(T)));
    std::memcpy(tail, &value, sizeof(T));
    header_->nlmsg_len = static_cast<std::uint32_t>(used + MNL_ALIGN(sizeof(T)));
  }
  // nullptr when it does not fit; End takes that.
  nlattr* Begin(std::uint16_t type) {
    nlattr* nest = fits_ ? mnl_attr_nest_start_check(header_, size_, type) : nullptr;
    fits_ = nest != nullptr;
    return nest;
  }
  void End(nlattr* nest) {
    if (fits_) mnl_attr_nest_end(header_, nest);
  }
  // Of the whole message; kInternal when something did not fit.
  Result<std::size_t> Length() const {
    if (!fits_) return Error{ErrorCode::kInternal, "a netlink message does not fit its buffer"};
    return header_->nlmsg_len;
  }

 private:
  nlmsghdr* header_ = nullptr;
  std::size_t size_;
  bool fits_ = false;
};

}  // namespace jitwg::sniffer
