#include "ws-ingress/connection_limits.h"

#include <utility>

namespace jitwg::ingress {

ConnectionLimits::Slot::Slot(Slot&& other) noexcept
    : limits_(std::exchange(other.limits_, nullptr)), source_(other.source_) {}

ConnectionLimits::Slot::~Slot() {
  if (limits_ != nullptr) limits_->GiveBack(source_);
}

std::optional<ConnectionLimits::Slot> ConnectionLimits::TakeAny() {
  const std::lock_guard lock(mutex_);
  if (open_ == total_) return std::nullopt;
  ++open_;
  return Slot(this, std::nullopt);
}

std::optional<ConnectionLimits::Slot> ConnectionLimits::TakeFrom(const SourceNetwork& source) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.try_emplace(source, 0).first;
  if (found->second == per_source_) return std::nullopt;
  ++found->second;
  return Slot(this, source);
}

std::size_t ConnectionLimits::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void ConnectionLimits::GiveBack(const std::optional<SourceNetwork>& source) {
  const std::lock_guard lock(mutex_);
  if (!source) {
    --open_;
    return;
  }
  const auto found = sources_.find(*source);
  if (--found->second == 0) sources_.erase(found);
}

}  // namespace jitwg::ingress
