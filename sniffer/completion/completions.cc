#include "sniffer/completion/completions.h"

#include <optional>
#include <utility>

namespace jitwg::sniffer {
namespace {

constexpr std::string_view kBestInjector = "mirred";

Error DoesNotWork(const std::string& wanted, const std::string& problem) {
  return Error{ErrorCode::kFailedPrecondition,
               "completion '" + wanted + "' does not work on this machine: " + problem +
                   "; use --completion auto, which takes the best that works"};
}

CompletionKind BestOf(const CompletionMeans& means) {
  const bool best = means.injector != nullptr && means.injector->name() == kBestInjector;
  if (best) return CompletionKind::kReinject;
  if (means.can_hold) return CompletionKind::kHold;
  return means.injector != nullptr ? CompletionKind::kReinject : CompletionKind::kInitiate;
}

Result<CompletionKind> KindFor(const std::string& wanted, const CompletionMeans& means) {
  if (wanted == "auto") return BestOf(means);
  if (wanted == "retry") return CompletionKind::kRetry;
  if (wanted == "initiate") return CompletionKind::kInitiate;
  if (wanted == "reinject") {
    if (means.injector != nullptr) return CompletionKind::kReinject;
    return DoesNotWork(wanted, means.injector_problem);
  }
  if (wanted == "hold") {
    if (means.can_hold) return CompletionKind::kHold;
    return DoesNotWork(wanted, means.hold_problem);
  }
  return InvalidArgument("'" + wanted + "' is no completion strategy");
}

std::string WhyNotBetter(CompletionKind chosen, const CompletionMeans& means) {
  std::string reason = means.injector_problem;
  const bool after_hold = chosen == CompletionKind::kInitiate ||
                          (chosen == CompletionKind::kReinject && !reason.empty());
  if (after_hold && !means.hold_problem.empty()) {
    reason += (reason.empty() ? "hold: " : "; hold: ") + means.hold_problem;
  }
  return reason;
}

}  // namespace

Result<Completions> Completions::Choose(const std::string& wanted, CompletionMeans means,
                                        HeldInitiations& held, OwnCopies& copies) {
  const auto chosen = KindFor(wanted, means);
  if (!chosen) return chosen.error();
  Completions completions;
  completions.chosen_ = *chosen;
  completions.description_ = ToString(*chosen);
  if (wanted == "auto") completions.reason_ = WhyNotBetter(*chosen, means);
  auto& strategies = completions.strategies_;
  strategies[CompletionKind::kRetry] = std::make_unique<RetryCompletion>();
  strategies[CompletionKind::kInitiate] = std::make_unique<InitiateCompletion>();
  if (*chosen == CompletionKind::kHold) {
    strategies[CompletionKind::kHold] = std::make_unique<HoldCompletion>(held);
  }
  if (*chosen == CompletionKind::kReinject) {
    completions.injector_ = std::move(means.injector);
    completions.description_ += " by " + std::string(completions.injector_->name());
    auto reinject = std::make_unique<ReinjectCompletion>(held, copies, *completions.injector_);
    completions.reinject_ = reinject.get();
    strategies[CompletionKind::kReinject] = std::move(reinject);
  }
  return completions;
}

const CompletionStrategy* Completions::Find(CompletionKind kind) const {
  const auto found = strategies_.find(kind);
  return found == strategies_.end() ? nullptr : found->second.get();
}

bool Completions::needs_packets() const {
  return chosen_ == CompletionKind::kReinject || chosen_ == CompletionKind::kHold;
}

CompletionStatus Completions::Status(const HeldInitiations& held) const {
  CompletionStatus status{description_, reason_, held.counts(), 0, 0};
  if (reinject_ == nullptr) return status;
  status.reinjected = reinject_->reinjected();
  status.reinject_failed = reinject_->failed();
  return status;
}

std::string Completions::Names() const {
  std::string names;
  for (const auto& [kind, strategy] : strategies_) {
    names += (names.empty() ? "" : ", ") + std::string(ToString(kind));
  }
  return names;
}

}  // namespace jitwg::sniffer
