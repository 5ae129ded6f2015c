// Reads the host's network interfaces from the kernel; what they mean is link_map's business.
#pragma once

#include <vector>

#include "lib/base/result.h"
#include "sniffer/completion/link_map.h"
#include "sniffer/install/route_socket.h"

namespace jitwg::sniffer {

// Up to 65,536 interfaces; kResourceExhausted beyond.
Result<std::vector<Link>> ReadLinks(RouteSocket& route);

}  // namespace jitwg::sniffer
