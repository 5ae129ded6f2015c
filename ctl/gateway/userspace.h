// Starts a userspace WireGuard (wireguard-go and others) for an interface. Configures nothing.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace jitwg::ctl {

// Calls `program` with the interface's name, waits until it has put itself into the background and
// answers at its socket; up to 10 s. kNotFound: there is no such program; kFailedPrecondition: it
// ended with a complaint, which is repeated, or never answered.
Status StartUserspace(const std::string& program, const std::string& interface);

}  // namespace jitwg::ctl
