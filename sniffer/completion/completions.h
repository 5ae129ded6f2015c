// The strategies that work on this machine, and which of them is used when nobody asks for another.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/completion/completion.h"
#include "sniffer/completion/held_initiations.h"
#include "sniffer/completion/own_copies.h"
#include "sniffer/completion/packet_injector.h"
#include "sniffer/completion/reinject.h"

namespace jitwg::sniffer {

// What was found out about this machine. Only one of `injector` and `can_hold` is used: packets
// that are held need not be given again.
struct CompletionMeans {
  std::unique_ptr<PacketInjector> injector;  // null: none works
  std::string injector_problem;              // why a better one, or none, works; empty: none better
  bool can_hold = false;
  std::string hold_problem;
};

// For people and metrics.
struct CompletionStatus {
  std::string strategy;
  std::string why_not_better;
  HeldCounts held;
  std::uint64_t reinjected = 0;
  std::uint64_t reinject_failed = 0;
};

class Completions {
 public:
  // `wanted`: "auto", or a strategy's name. `auto` takes reinject by mirred, which stands in no
  // packet's way; else hold; else reinject by a raw socket; else initiate. kFailedPrecondition: the
  // strategy that was named does not work here, and why.
  static Result<Completions> Choose(const std::string& wanted, CompletionMeans means,
                                    HeldInitiations& held, OwnCopies& copies);

  // nullptr: not to be had here.
  const CompletionStrategy* Find(CompletionKind kind) const;
  CompletionKind chosen() const { return chosen_; }
  // Of the choice, for people; e.g. "reinject by mirred".
  const std::string& description() const { return description_; }
  // Why not a better one; empty when there is none.
  const std::string& reason() const { return reason_; }
  // The pipeline is to keep the packets.
  bool needs_packets() const;
  CompletionStatus Status(const HeldInitiations& held) const;
  // "initiate, retry", for error messages.
  std::string Names() const;

 private:
  Completions() = default;

  std::unique_ptr<PacketInjector> injector_;
  std::map<CompletionKind, std::unique_ptr<CompletionStrategy>> strategies_;
  const ReinjectCompletion* reinject_ = nullptr;  // when it is the chosen one
  CompletionKind chosen_ = CompletionKind::kRetry;
  std::string description_;
  std::string reason_;
};

}  // namespace jitwg::sniffer
