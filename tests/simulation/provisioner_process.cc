#include "tests/simulation/provisioner_process.h"

#include <utility>

namespace jitwg::simulation {
namespace {

provisioner::ProvisionerOptions OptionsFrom(const Setup& setup) {
  provisioner::ProvisionerOptions options;
  options.coordinator.identity = {"gateway", "default"};
  options.coordinator.max_lookups = setup.max_lookups;
  options.coordinator.install.max_calls = 2;
  options.eviction.idle = setup.idle;
  options.eviction.unfinished = setup.unfinished;
  options.eviction.quiet = setup.quiet;
  options.evict_interval = seconds(2);
  options.sightings.gateway = "gateway";
  return options;
}

}  // namespace

ProvisionerProcess::ProvisionerProcess(World& world, ProcessId process)
    : world_(world), process_(process), link_(world) {}

ProvisionerProcess::~ProvisionerProcess() = default;

bool ProvisionerProcess::Start() {
  auto replay = provisioner::ReplayMemory::Open("simulated", 8);
  if (!replay) return false;
  replay_ = std::move(*replay);
  registry_.emplace(world_);
  registry::Registry* asked = &*registry_;
  if (world_.setup().uses_cache) {
    store_ = std::make_unique<provisioner::PeerCacheStore>("simulated");
    cache_ = std::make_unique<provisioner::CachedRegistry>(*registry_, *store_, world_.clock());
    asked = cache_.get();
  }
  provisioner_ = std::make_unique<provisioner::Provisioner>(
      world_.clock(), link_, *asked, *replay_, OptionsFrom(world_.setup()), cache_.get());
  provisioner_->Start();
  is_started_ = true;
  return true;
}

void ProvisionerProcess::Stop() {
  is_started_ = false;
  if (provisioner_) provisioner_->Stop();
  provisioner_.reset();
  cache_.reset();
  store_.reset();
  registry_.reset();
  replay_.reset();
}

std::size_t ProvisionerProcess::in_flight() const {
  return provisioner_ == nullptr ? 0 : provisioner_->coordinator().in_flight();
}

}  // namespace jitwg::simulation
