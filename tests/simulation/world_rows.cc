// The interface, hand-made peers and the registry's rows of world.h.
#include <algorithm>
#include <utility>

#include "tests/simulation/crypto_shim.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/provisioner_process.h"
#include "tests/simulation/sniffer_process.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {
namespace {

// How long the sniffer may take from a dump to what follows from it.
constexpr seconds kTakesIn{5};

IpPrefix Address(int third, std::size_t last) {
  const std::array<std::uint8_t, 4> bytes{10, third < 0 ? std::uint8_t{9} : std::uint8_t{8},
                                          static_cast<std::uint8_t>(third < 0 ? 0 : third),
                                          static_cast<std::uint8_t>(last)};
  return IpPrefix::Make(IpAddress::V4(bytes), 32).value();
}

}  // namespace

void World::MakeInterface(std::uint64_t key_seed) {
  Trace([&] { return "the interface is made, with key " + std::to_string(key_seed); });
  interface_private_key_ = test::KeyFromSeed(1000 + key_seed);
  interface_key_ = DerivePublicKey(*interface_private_key_);
  kernel_.AddInterface(kInterface, *interface_private_key_, kPort);
  sessions_.clear();
  foreign_.clear();
  foreign_seen_.clear();
  NudgeSniffer();
}

void World::RemoveInterface() {
  Trace([] { return std::string("the interface is removed"); });
  kernel_.RemoveInterface(kInterface);
  interface_key_.reset();
  sessions_.clear();
  foreign_.clear();
  foreign_seen_.clear();
  NudgeSniffer();
}

// The kernel tells of links that come and go; now and then that is lost.
void World::NudgeSniffer() {
  if (!sniffer_ || random().Chance(0.1)) return;
  scheduler_.Spawn(
      sniffer_->process(), [process = sniffer_.get()] { process->Nudge(); },
      random().Between(Nanos(0), milliseconds(5)));
}

// By hand, sometimes a peer that is in the registry, too. Its addresses are nobody else's.
void World::AddForeign() {
  if (!has_interface() || foreign_.size() >= 3) return;
  sniffer::KernelPeer peer;
  Client& client = clients_[random().Below(clients_.size())];
  const bool takes_client = random().Chance(0.3) && !client.preshared_key;
  peer.public_key =
      takes_client ? client.public_key : DerivePublicKey(test::KeyFromSeed(300 + foreign_.size()));
  if (kernel_.Peer(kInterface, peer.public_key)) return;
  if (disk_.journal && disk_.journal->own.contains(peer.public_key)) return;
  peer.allowed_ips = {Address(2, 1 + random().Below(200))};
  for (const auto& [key, other] : foreign_) {
    if (other.allowed_ips == peer.allowed_ips) return;
  }
  Trace([&] { return std::string("a peer is made by hand") + (takes_client ? ": a client" : ""); });
  kernel_.AddForeignPeer(kInterface, peer);
  foreign_[peer.public_key] = peer;
  sessions_.erase(peer.public_key);
  if (setup_.sabotage == Sabotage::kGreedyJournal) disk_.journal_claims = peer.public_key;
}

bool World::KnowsForeign(const PublicKey& key) const {
  const auto seen = foreign_seen_.find(key);
  return seen != foreign_seen_.end() && scheduler_.now() - seen->second > kTakesIn;
}

void World::NoteForeignSeen(const PublicKey& key) {
  if (foreign_.contains(key)) foreign_seen_.try_emplace(key, scheduler_.now());
}

// Their expiry came or went without a change of theirs.
void World::StepWall(Nanos by) {
  Trace([&] { return "the wall clock steps by " + std::to_string(by / seconds(1)) + " s"; });
  scheduler_.StepWall(by);
  for (const auto& [key, row] : rows_) {
    if (row.expires_at) row_changed_[key] = scheduler_.now();
  }
}

registry::Peer World::RowFor(std::size_t number) {
  registry::Peer row;
  row.public_key = clients_[number].public_key;
  row.name = "client " + std::to_string(number);
  row.allowed_ips = {Address(0, number + 1)};
  if (clients_[number].preshared_key) row.preshared_key = clients_[number].preshared_key->Clone();
  return row;
}

void World::MakeRows() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    // The one that never says a word is registered or not; nobody may install it either way.
    if (!random().Chance(0.7)) continue;
    registry::Peer row = RowFor(i);
    if (clients_[i].calls && random().Chance(0.15)) row.pinned = true;
    if (setup_.sabotage == Sabotage::kOpenGuard) row.allowed_ips = {Address(-1, i + 1)};
    PutRow(row);
  }
}

void World::PutRow(const registry::Peer& row) {
  rows_.insert_or_assign(row.public_key, row.Clone());
  RowChanged(row.public_key);
}

void World::RemoveRow(const PublicKey& key) {
  if (rows_.erase(key) > 0) RowChanged(key);
}

void World::RowChanged(const PublicKey& key) {
  row_changed_[key] = scheduler_.now();
  if (const auto row = rows_.find(key); row != rows_.end()) {
    was_registered_.insert(key);
    if (row->second.pinned) was_pinned_.insert(key);
  }
  if (provisioner_) provisioner_->Notify(key);
}

Nanos World::RowChangedAt(const PublicKey& key) const {
  const auto changed = row_changed_.find(key);
  return changed == row_changed_.end() ? Nanos(0) : changed->second;
}

bool World::MayConnect(const PublicKey& key) const {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return false;
  const registry::Peer& row = found->second;
  const bool is_ours = row.gateway.empty() || row.gateway == "gateway";
  const bool has_expired = row.expires_at && *row.expires_at <= clock_.WallNow();
  return row.enabled && is_ours && !has_expired &&
         std::all_of(row.allowed_ips.begin(), row.allowed_ips.end(),
                     [](const IpPrefix& prefix) { return AllowedPrefix().Contains(prefix); });
}

void World::ChangeRow(const PublicKey& key) {
  const auto number = static_cast<std::size_t>(FindClient(key) - clients_.data());
  const auto found = rows_.find(key);
  if (found == rows_.end()) {
    Trace([&] { return "row " + std::to_string(number) + " is created"; });
    return PutRow(RowFor(number));
  }
  registry::Peer row = found->second.Clone();
  const std::uint64_t what = random().Below(9);
  Trace([&] { return "row " + std::to_string(number) + " change " + std::to_string(what); });
  switch (what) {
    case 0:
    case 1:
      return RemoveRow(key);
    case 2:
      row.enabled = !row.enabled;
      break;
    case 3:
      row.expires_at = clock_.WallNow() + random().Between(milliseconds(1), seconds(15));
      break;
    case 4:
      row.expires_at.reset();
      row.gateway = row.gateway.empty() && random().Chance(0.5) ? "another" : "";
      break;
    case 5:
      // Addresses move between rows, as they do when one client follows another.
      row.allowed_ips = {Address(1, 1 + random().Below(3))};
      if (const auto holder = std::find_if(rows_.begin(), rows_.end(),
                                           [&](const auto& item) {
                                             return item.first != key &&
                                                    item.second.allowed_ips == row.allowed_ips;
                                           });
          holder != rows_.end()) {
        RemoveRow(PublicKey(holder->first));
      }
      break;
    case 6:
      row.persistent_keepalive = static_cast<std::uint16_t>(random().Below(3) * 25);
      break;
    case 7:
      if (clients_[number].calls) row.pinned = !row.pinned;
      break;
    default:
      row.allowed_ips = {Address(random().Chance(0.3) ? -1 : 0, number + 1)};
      break;
  }
  PutRow(row);
}

}  // namespace jitwg::simulation
