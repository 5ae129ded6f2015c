// Puts messages of the kernel's packet filter (nfnetlink: nf_tables and nfnetlink_queue) together
// in memory. Pure; knows headers, attributes and padding, not what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace jitwg::sniffer {

struct NfnetlinkHeader {
  std::uint8_t subsystem = 0;  // NFNL_SUBSYS_*; NFNL_SUBSYS_NONE for the marks around a batch
  std::uint8_t operation = 0;  // number of the message within the subsystem
  std::uint16_t flags = 0;     // NLM_F_* besides NLM_F_REQUEST
  std::uint32_t sequence = 0;
  std::uint8_t family = 0;     // NFPROTO_*
  std::uint16_t resource = 0;  // queue number, or the subsystem of a batch
};

// Messages one behind the other, each padded to 4 bytes. Attributes go into the message begun last.
class NfnetlinkWriter {
 public:
  void Begin(const NfnetlinkHeader& header);
  void Put(std::uint16_t type, std::span<const std::uint8_t> value);
  // A structure of the kernel's, as it lies in memory.
  template <class T>
  void PutStruct(std::uint16_t type, const T& value) {
    Put(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
  }
  void PutBe16(std::uint16_t type, std::uint16_t value);
  void PutBe32(std::uint16_t type, std::uint32_t value);
  void PutString(std::uint16_t type, std::string_view value);  // with its closing zero

  // A nested attribute: from here to EndNest(what BeginNest returned).
  std::size_t BeginNest(std::uint16_t type);
  void EndNest(std::size_t nest);

  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  void Append(const void* data, std::size_t size);
  void CloseMessage();

  std::vector<std::uint8_t> bytes_;
  std::size_t message_ = 0;  // where the message begun last starts
};

}  // namespace jitwg::sniffer
