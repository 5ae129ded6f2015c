// Where a gRPC server of the project is: a Unix socket, or a TCP port, which is only ever spoken to
// with mutual TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::rpc {

struct Address {
  std::string socket_path;  // empty: TCP
  std::string host;         // a name or an IP address, without brackets
  std::uint16_t port = 0;

  bool is_unix() const { return !socket_path.empty(); }
  // "unix:/path", "10.0.0.1:7000", "[fd00::1]:7000"
  std::string ToString() const;
};

// "unix:/path" or "/path"; "tcp:HOST:PORT" or "HOST:PORT", an IPv6 HOST in brackets. Asks no
// resolver. kInvalidArgument says how it is written.
Result<Address> ParseAddress(std::string_view text);

// The same, for ConfigOption::Check.
Status CheckAddress(const std::string& text);

}  // namespace jitwg::rpc
