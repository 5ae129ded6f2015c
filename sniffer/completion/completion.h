// How a handshake is made to finish after its peer went in. One strategy an object; what it knows
// of the caller comes from the sniffer's own memory of the initiation, never from an RPC.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/net.h"
#include "sniffer/completion/initiation_table.h"

namespace jitwg::sniffer {

enum class CompletionKind : std::uint8_t { kRetry, kInitiate, kReinject, kHold };

// "retry", "initiate", "reinject", "hold".
std::string_view ToString(CompletionKind kind);

// What a strategy wants in the installing message itself.
struct CompletionHint {
  std::optional<Endpoint> endpoint;
  bool kick = false;  // one keepalive at once: the gateway initiates
};

// Thread-safe and stateless, or its own lock.
class CompletionStrategy {
 public:
  virtual ~CompletionStrategy() = default;
  // Before the peer goes in.
  virtual CompletionHint Prepare(const RememberedInitiation& initiation, SteadyTime now) const = 0;
  // After it is in. Strategies that give the packet itself back to the kernel act here.
  virtual void AfterInstall(const RememberedInitiation& initiation, SteadyTime now) const = 0;
};

// The client tries again after REKEY_TIMEOUT, 5 s (WireGuard paper 6.1).
class RetryCompletion final : public CompletionStrategy {
 public:
  CompletionHint Prepare(const RememberedInitiation&, SteadyTime) const override { return {}; }
  void AfterInstall(const RememberedInitiation&, SteadyTime) const override {}
};

// The peer goes in with the caller's endpoint and one keepalive, so that the gateway calls the
// client. Costs one more round trip. An initiation older than kLatest is left to the client's own
// retry: two crossing initiations destroy each other and cost many seconds.
class InitiateCompletion final : public CompletionStrategy {
 public:
  static constexpr std::chrono::milliseconds kLatest{2500};

  CompletionHint Prepare(const RememberedInitiation& initiation, SteadyTime now) const override {
    if (now - initiation.captured_at > kLatest) return {};
    return {initiation.source, true};
  }
  void AfterInstall(const RememberedInitiation&, SteadyTime) const override {}
};

}  // namespace jitwg::sniffer
