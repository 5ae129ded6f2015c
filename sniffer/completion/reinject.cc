#include "sniffer/completion/reinject.h"

#include <spdlog/spdlog.h>

namespace jitwg::sniffer {

std::string_view ToString(CompletionKind kind) {
  switch (kind) {
    case CompletionKind::kRetry:
      return "retry";
    case CompletionKind::kInitiate:
      return "initiate";
    case CompletionKind::kReinject:
      return "reinject";
    case CompletionKind::kHold:
      return "hold";
  }
  return "unknown";
}

ReinjectCompletion::ReinjectCompletion(HeldInitiations& held, OwnCopies& copies,
                                       PacketInjector& injector)
    : held_(held), copies_(copies), injector_(injector) {}

void ReinjectCompletion::AfterInstall(const RememberedInitiation& initiation,
                                      SteadyTime now) const {
  const auto packet = held_.Take(initiation.id, now);
  if (!packet) return;
  copies_.Note(packet->payload(), now);
  const Status injected = injector_.Inject(*packet);
  if (injected) {
    reinjected_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // The client's own retry still completes. One line, for a firewall or a lost capability concerns
  // every packet after it.
  if (failed_.fetch_add(1, std::memory_order_relaxed) == 0) {
    spdlog::warn(
        "reinject_failed by={} error=\"{}\" consequence=\"clients complete at their own "
        "retry\" note=\"told once\"",
        injector_.name(), injected.error().message);
  }
}

}  // namespace jitwg::sniffer
