// What is to become of an installed peer, given the registry's word on it. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/registry/registry.h"
#include "provisioner/policy.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

enum class PeerAction { kLeave, kRemove, kInstall };

// `listed` may be null: not listed just now, only known to be installed. `digest`: the settings it
// was installed with (SettingsDigest), when known. A preshared key cannot be read back: where it
// might differ, the peer is installed again, which changes nothing when nothing differs.
PeerAction PlanPeer(const PeerState* listed, std::optional<std::uint64_t> digest,
                    const std::optional<registry::Peer>& record, std::optional<Refusal> refusal);

// The peer as InstallPeers takes it.
PeerSpec ToSpec(const registry::Peer& peer, std::uint64_t initiation_id);

}  // namespace jitwg::provisioner
