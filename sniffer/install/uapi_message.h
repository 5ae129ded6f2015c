// The cross-platform userspace API of WireGuard as text: formats get=1 and set=1, parses the
// answers. Pure: no socket, no look-up of names. Source: https://www.wireguard.com/xplatform/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/install/wiped_buffer.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

inline constexpr std::string_view kUapiGet = "get=1\n\n";

// Text that may hold keys: of a fixed capacity, so that it never leaves a copy behind by growing,
// and wiped in the end.
class SecretText {
 public:
  explicit SecretText(std::size_t capacity) : buffer_(capacity) {}
  // Beyond the capacity the text is cut and overflowed() is true.
  SecretText& operator<<(std::string_view text);
  std::string_view view() { return {reinterpret_cast<const char*>(buffer_.data()), size_}; }
  bool overflowed() const { return overflowed_; }

 private:
  WipedBuffer buffer_;
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

// One set=1 transaction, kInternal if it does not fit `out`. A kick is the same peer twice: a
// keepalive of 1 s, then what was asked for.
Status FormatSet(std::span<const PeerChange> changes, SecretText& out);
// A capacity that is enough for it.
std::size_t SetCapacity(std::span<const PeerChange> changes);
// The same for key and port of the interface itself.
inline constexpr std::size_t kConfigureCapacity = 256;
Status FormatConfigure(const DeviceSettings& settings, SecretText& out);

// The answer to set=1, "errno=N" in a line: 0, or a positive errno; nullopt for anything else.
std::optional<int> ParseSetAnswer(std::string_view answer);

// The answer to get=1, fed in pieces of any size. Bounded by limits.h, a line to 4096 bytes.
// Unknown keys are passed over, as the protocol demands.
class UapiParser {
 public:
  explicit UapiParser(bool want_peers = true) : want_peers_(want_peers) {}
  ~UapiParser();
  UapiParser(const UapiParser&) = delete;
  UapiParser& operator=(const UapiParser&) = delete;

  // True when the answer is complete, or when the first peer begins and peers are not wanted.
  // kDataLoss for damaged text, kResourceExhausted for too much. After an error feed no more.
  Result<bool> Feed(std::string_view piece);

  // Of the line errno=N, positive; 0 when there was none.
  int errno_value() const { return errno_value_; }
  // Name and index are not in the answer. The public key is derived from the private key.
  DeviceInfo TakeDevice() { return std::move(device_); }
  PeerDump TakeDump() { return std::move(dump_); }

 private:
  Status Line(std::string_view line);
  Status DeviceLine(std::string_view key, std::string_view value);
  Status PeerLine(std::string_view key, std::string_view value);
  Status BeginPeer(std::string_view hex);
  Status AddAllowedIp(std::string_view text);

  bool want_peers_;
  bool done_ = false;
  bool in_peer_ = false;
  int errno_value_ = 0;
  std::size_t allowed_ips_ = 0;
  std::uint64_t handshake_seconds_ = 0;
  std::string pending_;  // the beginning of a line, wiped
  DeviceInfo device_;
  PeerDump dump_;
};

// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820". A zone that is no number gives
// scope 0.
std::optional<Endpoint> ParseUapiEndpoint(std::string_view text);

}  // namespace jitwg::sniffer
