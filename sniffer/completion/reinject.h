// Completion `reinject`: the kernel gets the caller's own initiation again once the peer is in, and
// answers as responder in one round trip. The kernel verifies everything itself.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/base/clock.h"
#include "sniffer/completion/completion.h"
#include "sniffer/completion/held_initiations.h"
#include "sniffer/completion/own_copies.h"
#include "sniffer/completion/packet_injector.h"

namespace jitwg::sniffer {

// The references must outlive it.
class ReinjectCompletion final : public CompletionStrategy {
 public:
  ReinjectCompletion(HeldInitiations& held, OwnCopies& copies, PacketInjector& injector);

  CompletionHint Prepare(const RememberedInitiation&, SteadyTime) const override { return {}; }
  // Nothing happens for an initiation that a newer one of the same key has superseded, or that the
  // client no longer waits for: an answer to it would cost the client its next try too.
  void AfterInstall(const RememberedInitiation& initiation, SteadyTime now) const override;

  std::uint64_t reinjected() const { return reinjected_.load(std::memory_order_relaxed); }
  std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  HeldInitiations& held_;
  OwnCopies& copies_;
  PacketInjector& injector_;
  mutable std::atomic<std::uint64_t> reinjected_{0};
  mutable std::atomic<std::uint64_t> failed_{0};
};

// Completion `hold`: the packet itself waits in the kernel until the peer is in.
class HoldCompletion final : public CompletionStrategy {
 public:
  explicit HoldCompletion(HeldInitiations& held) : held_(held) {}

  CompletionHint Prepare(const RememberedInitiation&, SteadyTime) const override { return {}; }
  // Its lease ends, and the packet goes on its way.
  void AfterInstall(const RememberedInitiation& initiation, SteadyTime now) const override {
    held_.Take(initiation.id, now);
  }

 private:
  HeldInitiations& held_;
};

}  // namespace jitwg::sniffer
