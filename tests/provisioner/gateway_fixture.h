// A gateway without threads of its own: fake sniffer, registry and clock, and what evictor and
// reconciler work with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "provisioner/decisions.h"
#include "provisioner/interface_table.h"
#include "provisioner/peer_book.h"
#include "provisioner/peer_remover.h"
#include "provisioner/replay_memory.h"
#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {

class GatewayFixture : public ::testing::Test {
 protected:
  GatewayFixture() : replay_(std::move(*ReplayMemory::Open(directory_.path()))) {}

  // Installed by jitwg and completed, as the sniffer lists it.
  PeerState LiveState(const registry::Peer& peer) const {
    PeerState state = OwnPeer(peer);
    state.last_handshake = clock_.WallNow();
    return state;
  }
  void Register(const registry::Peer& peer) { ASSERT_TRUE(registry_.Put(peer, true)); }
  // Installed, and known to the book.
  void Install(const registry::Peer& peer) {
    link_.PutPeer("wg0", LiveState(peer));
    book_.NoteInstalled({"wg0", peer.public_key}, peer, clock_.SteadyNow());
  }
  bool HasPeer(std::uint16_t number) const { return link_.HasPeer("wg0", Key(number)); }
  std::optional<Tai64n> Newest(std::uint16_t number) { return *replay_->Newest(Key(number)); }

  TemporaryDirectory directory_;
  ManualClock clock_;
  FakeSnifferLink link_;
  HoldableRegistry registry_;
  std::unique_ptr<ReplayMemory> replay_;
  PeerBook book_;
  InterfaceTable interfaces_;
  DecisionHub decisions_;
  PeerRemover remover_{clock_, link_, book_, decisions_, std::chrono::milliseconds(0)};
};

}  // namespace jitwg::provisioner
