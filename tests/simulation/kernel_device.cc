#include "tests/simulation/kernel_device.h"

#include <cerrno>

#include "tests/simulation/invariants.h"

namespace jitwg::simulation {

using sniffer::PeerChange;
using sniffer::PeerDump;

void KernelDevice::Delay() {
  Random& random = world_.random();
  if (random.Chance(0.5)) {
    world_.scheduler().Sleep(random.Between(Nanos(20'000), Nanos(1'000'000)));
  } else if (random.Chance(world_.faults().call_slow)) {
    world_.scheduler().Sleep(random.Between(milliseconds(100), milliseconds(1500)));
  }
}

Result<sniffer::DeviceInfo> KernelDevice::GetDevice(const std::string& name) {
  Delay();
  if (world_.random().Chance(world_.faults().kernel_fails)) {
    return Error{ErrorCode::kUnavailable, "the simulated kernel is busy"};
  }
  return world_.kernel().GetDevice(name);
}

Result<PeerDump> KernelDevice::DumpPeers(const std::string& name) {
  Delay();
  Random& random = world_.random();
  if (random.Chance(world_.faults().kernel_fails)) {
    return Error{ErrorCode::kUnavailable, "the simulated kernel is busy"};
  }
  auto dump = world_.kernel().DumpPeers(name);
  const std::uint64_t changes = world_.kernel().changes();
  Delay();
  if (!dump) return dump;
  dump->interrupted = world_.kernel().changes() != changes;
  if (random.Chance(world_.faults().dump_interrupted)) dump->interrupted = true;
  if (dump->interrupted && random.Chance(0.5)) {
    // The kernel ends it early.
    const auto left = random.Below(dump->peers.size() + 1);
    dump->peers.resize(left);
    if (left > 0 && random.Chance(0.3)) dump->peers.back().allowed_ips.clear();
  }
  for (const auto& peer : dump->peers) world_.NoteForeignSeen(peer.public_key);
  return dump;
}

Result<std::vector<Status>> KernelDevice::Apply(const sniffer::DeviceTarget& target,
                                                std::span<const PeerChange> changes) {
  Delay();
  Random& random = world_.random();
  const Faults& faults = world_.faults();
  if (random.Chance(faults.kernel_no_answer)) {
    if (random.Chance(0.5)) static_cast<void>(ApplyNow(target, changes));
    world_.scheduler().Sleep(milliseconds(500));
    return std::vector<Status>(
        changes.size(),
        Status(Error{ErrorCode::kDeadlineExceeded, "the simulated kernel does not answer"}));
  }
  if (random.Chance(faults.kernel_fails)) {
    static constexpr int kErrors[] = {EINVAL, ENOMEM, EIO};
    world_.kernel().FailNthChange(1 + random.Below(changes.size()), kErrors[random.Below(3)]);
  }
  auto statuses = ApplyNow(target, changes);
  world_.kernel().ClearFaults();
  Delay();
  return statuses;
}

Status KernelDevice::Configure(const std::string& name, const sniffer::DeviceSettings& settings) {
  return world_.kernel().Configure(name, settings);
}

Result<std::vector<Status>> KernelDevice::ApplyNow(const sniffer::DeviceTarget& target,
                                                   std::span<const PeerChange> changes) {
  const auto info = world_.kernel().GetDevice(target.name);
  // For an interface that is gone: refused, and nothing to note.
  if (!info || info->ifindex != target.ifindex) return world_.kernel().Apply(target, changes);
  std::vector<bool> was_there;
  for (const PeerChange& change : changes) {
    CheckChange(world_, change);
    was_there.push_back(world_.kernel().Peer(target.name, change.public_key).has_value());
  }
  if (world_.setup().sabotage == Sabotage::kLyingRemoval &&
      changes.front().kind == PeerChange::Kind::kRemove) {
    return std::vector<Status>(changes.size());
  }
  auto statuses = world_.kernel().Apply(target, changes);
  for (std::size_t i = 0; i < changes.size(); ++i) NoteChange(changes[i], was_there[i]);
  return statuses;
}

void KernelDevice::NoteChange(const PeerChange& change, bool was_there) {
  const bool is_there = world_.kernel().Peer(kInterface, change.public_key).has_value();
  const Client* client = world_.FindClient(change.public_key);
  const auto number = client == nullptr ? 99 : client - world_.clients().data();
  world_.Digest(static_cast<std::uint64_t>(number) * 8 + (was_there ? 4 : 0) + (is_there ? 2 : 0) +
                static_cast<std::uint64_t>(change.kind));
  world_.Trace([&] {
    static constexpr const char* kKinds[] = {"create", "update", "remove"};
    return std::string("kernel: ") + kKinds[static_cast<int>(change.kind)] + " client " +
           std::to_string(number) + (is_there ? " (in)" : " (out)");
  });
  // The residual race that sniffer/install/peer_manager.h tells of: made by hand after the last
  // list.
  if (!world_.KnowsForeign(change.public_key)) world_.foreign().erase(change.public_key);
  if (was_there && !is_there) world_.OnPeerGone(change.public_key);
  if (!was_there && is_there) {
    world_.sessions()[change.public_key] = {};
    world_.sessions()[change.public_key].installed = world_.scheduler().now();
  }
  if (is_there && change.kick && change.endpoint) world_.KernelCalls(change.public_key);
}

}  // namespace jitwg::simulation
