#include "provisioner/reconcile_plan.h"

#include <algorithm>
#include <vector>

#include "provisioner/peer_book.h"

namespace jitwg::provisioner {
namespace {

bool SameAddresses(std::vector<IpPrefix> a, std::vector<IpPrefix> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

bool LooksAlike(const PeerState& listed, const registry::Peer& record) {
  return listed.persistent_keepalive == record.persistent_keepalive &&
         listed.has_preshared_key == record.preshared_key.has_value() &&
         SameAddresses(listed.allowed_ips, record.allowed_ips);
}

}  // namespace

PeerAction PlanPeer(const PeerState* listed, std::optional<std::uint64_t> digest,
                    const std::optional<registry::Peer>& record, std::optional<Refusal> refusal) {
  if (!record || refusal) return PeerAction::kRemove;
  if (digest && *digest != SettingsDigest(*record)) return PeerAction::kInstall;
  if (listed != nullptr && !LooksAlike(*listed, *record)) return PeerAction::kInstall;
  const bool is_certain = digest || (listed != nullptr && !record->preshared_key);
  return is_certain ? PeerAction::kLeave : PeerAction::kInstall;
}

PeerSpec ToSpec(const registry::Peer& peer, std::uint64_t initiation_id) {
  PeerSpec spec;
  spec.public_key = peer.public_key;
  if (peer.preshared_key) spec.preshared_key = peer.preshared_key->Clone();
  spec.allowed_ips = peer.allowed_ips;
  spec.persistent_keepalive = peer.persistent_keepalive;
  spec.initiation_id = initiation_id;
  return spec;
}

}  // namespace jitwg::provisioner
