#include "lib/ws_io/socket_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "lib/base/config_values.h"

namespace jitwg::ws {

SocketAddress ToSocketAddress(const Endpoint& endpoint) {
  SocketAddress address;
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &v4, sizeof(v4));
    address.length = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.scope_id;
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &v6, sizeof(v6));
    address.length = sizeof(v6);
  }
  return address;
}

std::optional<Endpoint> ToEndpoint(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof(v4));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    return Endpoint{IpAddress::V4(std::span<const std::uint8_t, 4>(bytes, 4)), ntohs(v4.sin_port)};
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof(v6));
  const std::uint8_t* bytes = v6.sin6_addr.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    return Endpoint{IpAddress::V4(std::span<const std::uint8_t, 4>(bytes + 12, 4)),
                    ntohs(v6.sin6_port)};
  }
  return Endpoint{IpAddress::V6(std::span<const std::uint8_t, 16>(bytes, 16)), ntohs(v6.sin6_port),
                  v6.sin6_scope_id};
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const Error wrong =
      InvalidArgument(Quoted(text) + " is no address and port like 127.0.0.1:51820 or [::1]:51820");
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::Parse(host);
  const auto port = ParseNumber(text.substr(colon + 1), 0, 65535);
  if (!address || !port || address->is_v4() == bracketed) return wrong;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

}  // namespace jitwg::ws
