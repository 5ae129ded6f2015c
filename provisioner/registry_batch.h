// Several asynchronous calls as one blocking call, for threads that may wait.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/registry/registry.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// One answer for each key, in order. All look-ups are in flight at the same time; returns when the
// last one is answered.
std::vector<Result<std::optional<registry::Peer>>> FindMany(registry::Registry& registry,
                                                            const std::vector<PublicKey>& keys,
                                                            std::chrono::milliseconds timeout);

// SnifferLink::Install, waiting for its answer.
Result<std::vector<PeerResult>> InstallAndWait(SnifferLink& link, const std::string& interface,
                                               std::vector<PeerSpec> peers, Completion completion);

}  // namespace jitwg::provisioner
