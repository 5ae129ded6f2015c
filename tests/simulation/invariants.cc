#include "tests/simulation/invariants.h"

#include <algorithm>

#include "tests/simulation/provisioner_process.h"
#include "tests/simulation/sniffer_process.h"

namespace jitwg::simulation {
namespace {

using sniffer::PeerChange;

// How long ago the row must have become what it is for the daemons to be held to it: a notice may
// be lost (told of within seconds), a call may take as long as its deadline.
constexpr seconds kSettled{75};
// A list may be this old when its consequence is drawn.
constexpr seconds kListAge{15};

std::string Name(World& world, const PublicKey& key) {
  const Client* client = world.FindClient(key);
  if (client == nullptr) return key.ToBase64();
  return "client " + std::to_string(client - world.clients().data());
}

void CheckAddresses(World& world, const PeerChange& change) {
  for (const IpPrefix& prefix : change.allowed_ips) {
    if (!AllowedPrefix().Contains(prefix)) {
      world.Violate("6: " + Name(world, change.public_key) + " gets " + prefix.ToString() +
                    ", which is outside the fence");
    }
  }
  const auto dump = world.kernel().DumpPeers(kInterface);
  if (!dump) return;
  for (const auto& peer : dump->peers) {
    if (peer.public_key == change.public_key) continue;
    const bool is_foreign = world.foreign().contains(peer.public_key);
    if (is_foreign && !world.KnowsForeign(peer.public_key)) continue;
    for (const IpPrefix& theirs : peer.allowed_ips) {
      for (const IpPrefix& prefix : change.allowed_ips) {
        if (!prefix.Overlaps(theirs)) continue;
        world.Violate("3: " + Name(world, change.public_key) + " takes " + prefix.ToString() +
                      " from " + Name(world, peer.public_key));
      }
    }
  }
}

void CheckRemoval(World& world, const PublicKey& key) {
  if (!IsAlive(world, key) || !world.kernel().Peer(kInterface, key)) return;
  if (world.scheduler().now() - world.RowChangedAt(key) < kSettled) return;
  world.Violate("a living peer is put out: " + Name(world, key));
}

// What is wrong with a peer of ours, at rest.
std::string FindWrongPeer(World& world, const sniffer::KernelPeer& peer) {
  const PublicKey& key = peer.public_key;
  const auto row = world.rows().find(key);
  if (!world.MayConnect(key)) {
    return "leak: " + Name(world, key) + " is installed and may not connect";
  }
  if (row->second.allowed_ips != peer.allowed_ips) {
    return "stale: " + Name(world, key) + " has other addresses than its row";
  }
  const World::Session& session = world.sessions()[key];
  const Nanos quiet_for = world.scheduler().now() - std::max(session.active, session.installed);
  if (!row->second.pinned && quiet_for > world.setup().idle + seconds(15)) {
    return "leak: " + Name(world, key) + " is installed and long idle";
  }
  if (world.disk().journal && !world.disk().journal->own.contains(key)) {
    return "leak: " + Name(world, key) + " is installed and not in the journal";
  }
  return {};
}

}  // namespace

const IpPrefix& AllowedPrefix() {
  static const IpPrefix prefix = IpPrefix::Parse("10.8.0.0/16").value();
  return prefix;
}

bool IsAlive(World& world, const PublicKey& key) {
  const auto session = world.sessions().find(key);
  if (session == world.sessions().end() || !session->second.completed) return false;
  if (!world.MayConnect(key)) return false;
  const Nanos now = world.scheduler().now();
  // It was seen alive by every list that may count now.
  return now - session->second.active < World::kLongestSilence &&
         now - session->second.lively_since > kListAge;
}

void CheckChange(World& world, const PeerChange& change) {
  const PublicKey& key = change.public_key;
  if (world.foreign().contains(key) && world.KnowsForeign(key)) {
    world.Violate("6: a hand-made peer is touched: " + Name(world, key));
  }
  if (change.kind == PeerChange::Kind::kRemove) return CheckRemoval(world, key);
  if (world.has_interface() && key == world.interface_key()) {
    world.Violate("6: the interface's own key becomes a peer");
  }
  CheckAddresses(world, change);
  const bool is_there = world.kernel().Peer(kInterface, key).has_value();
  if (change.endpoint && is_there && IsAlive(world, key)) {
    world.Violate("3: a live peer's endpoint is set: " + Name(world, key));
  }
  const Client* client = world.FindClient(key);
  if (change.kind != PeerChange::Kind::kCreate || is_there) return;
  if (client == nullptr || !(client->has_called || world.WasPinned(key))) {
    world.Violate("2: a peer is installed whose owner never proved anything: " + Name(world, key));
  } else if (!world.WasRegistered(key)) {
    world.Violate("a peer is installed that was never registered: " + Name(world, key));
  }
}

void CheckLookUp(World& world, const PublicKey& key) {
  const Client* client = world.FindClient(key);
  if (client != nullptr && (client->has_called || world.WasRegistered(key))) return;
  if (world.foreign().contains(key)) return;
  world.Violate("2: a look-up for " + Name(world, key) + ", whose owner never proved anything");
}

void CheckInstallCall(World& world, const PublicKey& key, std::uint64_t stamp) {
  auto& used = world.used_stamps();
  const auto [item, is_first] = used.try_emplace(key, stamp);
  if (is_first) return;
  if (stamp <= item->second) {
    world.Violate("a replayed initiation asks for a peer: " + Name(world, key));
  }
  item->second = std::max(item->second, stamp);
}

void CheckBounds(World& world) {
  if (ProvisionerProcess* provisioner = world.provisioner()) {
    if (provisioner->in_flight() > world.setup().max_lookups) {
      world.Violate("4: more look-ups in flight than allowed");
    }
  }
  if (SnifferProcess* sniffer = world.sniffer()) {
    if (sniffer->waiting() > SnifferProcess::kQueue || sniffer->held() > SnifferProcess::kHeld) {
      world.Violate("4: more packets wait in the sniffer than allowed");
    }
  }
  for (const auto& [key, peer] : world.foreign()) {
    const auto there = world.kernel().Peer(kInterface, key);
    if (!there) {
      world.Violate("6: a hand-made peer is gone: " + Name(world, key));
    } else if (there->allowed_ips != peer.allowed_ips && world.KnowsForeign(key)) {
      world.Violate("6: a hand-made peer lost an address: " + Name(world, key));
    }
  }
}

std::string FindUnrest(World& world) {
  for (const Client& client : world.clients()) {
    const bool is_foreign = world.foreign().contains(client.public_key);
    if (!client.wants_in || client.session_since || world.setup().max_peers < 1000) continue;
    if (is_foreign || world.MayConnect(client.public_key)) {
      return "liveness: " + Name(world, client.public_key) + " calls and is not in";
    }
  }
  const auto dump = world.kernel().DumpPeers(kInterface);
  if (!dump) return "the interface is not there";
  for (const auto& peer : dump->peers) {
    if (world.foreign().contains(peer.public_key)) continue;
    if (auto wrong = FindWrongPeer(world, peer); !wrong.empty()) return wrong;
  }
  const ProvisionerProcess* provisioner = world.provisioner();
  // Callers who may not connect come again and again: their look-ups may be under way.
  if (provisioner == nullptr || provisioner->in_flight() > 2) return "leak: a flight never lands";
  // What could not be written goes with the next record; until then a key too many is allowed.
  const bool may_lag = world.disk().was_full;
  if (!may_lag && world.disk().journal && world.disk().journal->own.size() > dump->peers.size()) {
    return "leak: the journal has peers that the kernel has not";
  }
  return {};
}

}  // namespace jitwg::simulation
