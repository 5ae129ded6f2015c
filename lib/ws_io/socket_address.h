// Endpoints as the kernel's sockaddr and back.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string_view>

#include "lib/base/net.h"

namespace jitwg::ws {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const Endpoint& endpoint);

// nullopt for a family that is not IP. An IPv4 address inside IPv6 (::ffff:0:0/96) becomes IPv4.
std::optional<Endpoint> ToEndpoint(const sockaddr_storage& storage);

// "192.0.2.1:443" or "[2001:db8::1]:443"; port 0 is taken.
Result<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace jitwg::ws
