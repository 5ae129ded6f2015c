#include "sniffer/follower.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace jitwg::sniffer {
namespace {

// How often a burst of mac1 failures is looked for.
constexpr std::chrono::milliseconds kTick{250};
// The least time between two readings that such bursts cause: a flood of garbage is a burst too.
constexpr std::chrono::milliseconds kBurstInterval{1000};

}  // namespace

Follower::Follower(InterfaceTable& interfaces, std::vector<PacketSource*> sources,
                   const Statistics& statistics, const FollowerOptions& options)
    : interfaces_(interfaces),
      sources_(std::move(sources)),
      statistics_(statistics),
      options_(options) {}

void Follower::Nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

void Follower::ReadAgain() {
  const bool changed = interfaces_.Refresh();
  bad_mac1_seen_ = statistics_.Get(InitiationResult::kBadMac1);
  if (!changed && filters_set_) return;
  const std::vector<std::uint16_t> ports = interfaces_.Ports();
  filters_set_ = true;
  for (PacketSource* source : sources_) {
    const Status set = source->SetPorts(ports);
    if (set) continue;
    filters_set_ = false;
    spdlog::error("filter_not_set capture={} error=\"{}\"", source->name(), set.error().message);
  }
}

void Follower::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Follower::Run(const std::stop_token& stop) {
  auto last = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, std::min(kTick, options_.poll_interval),
                     [this] { return nudged_; });
    }
    if (stop.stop_requested()) return;
    const auto now = std::chrono::steady_clock::now();
    if (!Due(std::chrono::duration_cast<std::chrono::milliseconds>(now - last))) continue;
    ReadAgain();
    last = now;
  }
}

bool Follower::Due(std::chrono::milliseconds since_last) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(nudged_, false)) return true;
  if (since_last >= options_.poll_interval) return true;
  return since_last >= kBurstInterval &&
         statistics_.Get(InitiationResult::kBadMac1) - bad_mac1_seen_ >= options_.mac1_burst;
}

}  // namespace jitwg::sniffer
