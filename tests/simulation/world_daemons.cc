// Starts and ends of the daemons of world.h.
#include <utility>

#include "tests/simulation/provisioner_process.h"
#include "tests/simulation/sniffer_process.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {
namespace {

// All deadlines of the calls that a stop may have to wait for.
constexpr seconds kLongestStop{90};

// Lost, not destroyed: a kill runs no destructor.
template <class Process>
void Abandon(std::shared_ptr<Process>& process) {
  static_cast<void>(new std::shared_ptr<Process>(std::move(process)));
  process.reset();
}

}  // namespace

void World::StartSniffer() {
  if (sniffer_) return;
  const ProcessId id = next_process_++;
  Trace([] { return std::string("the sniffer is started"); });
  sniffer_ = std::make_shared<SnifferProcess>(*this, id);
  scheduler_.Spawn(id, [this, process = sniffer_.get()] {
    if (!process->Start() && sniffer_.get() == process) pending_kill_ = true;
  });
}

void World::KillSniffer() {
  if (!sniffer_) return;
  Trace([] { return std::string("the sniffer is killed"); });
  scheduler_.Kill(sniffer_->process());
  Abandon(sniffer_);
  foreign_seen_.clear();
  if (provisioner_) provisioner_->link().Break(/*silently=*/false);
}

void World::StartProvisioner() {
  if (provisioner_) return;
  const ProcessId id = next_process_++;
  Trace([] { return std::string("the provisioner is started"); });
  provisioner_ = std::make_shared<ProvisionerProcess>(*this, id);
  scheduler_.Spawn(id, [process = provisioner_.get()] { process->Start(); });
}

void World::KillProvisioner() {
  if (!provisioner_) return;
  Trace([] { return std::string("the provisioner is killed"); });
  provisioner_->link().Vanish();
  scheduler_.Kill(provisioner_->process());
  Abandon(provisioner_);
}

void World::StopProvisioner() {
  if (!provisioner_ || !provisioner_->is_started()) return;
  Trace([] { return std::string("the provisioner is stopped"); });
  bool stopped = false;
  scheduler_.Spawn(provisioner_->process(), [&stopped, process = provisioner_.get()] {
    process->Stop();
    stopped = true;
  });
  const Nanos latest = scheduler_.now() + kLongestStop;
  while (!stopped && scheduler_.now() < latest) scheduler_.RunFor(milliseconds(100));
  if (!stopped) Violate("liveness: the provisioner does not stop");
  KillProvisioner();
}

void World::BreakStream() {
  if (!provisioner_) return;
  const bool silently = random().Chance(0.3);
  Trace([&] { return std::string("the stream ") + (silently ? "falls silent" : "breaks"); });
  provisioner_->link().Break(silently);
}

void World::StartWhatEnded() {
  if (std::exchange(pending_kill_, false)) KillSniffer();
  StartSniffer();
  StartProvisioner();
}

}  // namespace jitwg::simulation
