#include "provisioner/provisioner.h"

#include <spdlog/spdlog.h>

#include <array>
#include <utility>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {
namespace {

ReconcilerOptions WithCoordinators(ReconcilerOptions options, const CoordinatorOptions& from) {
  options.identity = from.identity;
  options.lookup_timeout = from.lookup_timeout;
  return options;
}

OutboundDeskOptions OutboundOptionsFrom(const ProvisionerOptions& options) {
  OutboundDeskOptions outbound;
  outbound.network = options.coordinator.identity.network;
  outbound.unfinished = options.eviction.unfinished;
  return outbound;
}

}  // namespace

Provisioner::Provisioner(const Clock& clock, SnifferLink& link, registry::Registry& registry,
                         ReplayMemory& replay, const ProvisionerOptions& options,
                         CachedRegistry* cache)
    : link_(link),
      registry_(registry),
      evict_period_(EvictionPeriod(options.evict_interval, options.eviction)),
      remover_(clock, link, book_, decisions_),
      reconciler_({clock, link, registry, replay, book_, interfaces_, remover_},
                  WithCoordinators(options.reconciler, options.coordinator)),
      evictor_({clock, link, replay, book_, interfaces_, remover_}, options.eviction,
               {.interfaces_changed = [this] { reconciler_.RequestAll(); },
                .unknown_peer =
                    [this, trust_absence = options.reconciler.trust_absence](const PublicKey& key) {
                      if (trust_absence) reconciler_.Request(key);
                    },
                .astray = [this](const PublicKey& key) { reconciler_.Request(key); },
                .listed =
                    [this](const std::string& interface, const PeerList& list) {
                      reporter_.NoteList(interface, list);
                      outbound_.NoteList(interface, list);
                    },
                .observed =
                    [this, &clock](const std::string& interface, const PeerList& list,
                                   const Observation& seen) {
                      census_.Note(interface, CountPeers(list, seen, clock.SteadyNow()),
                                   clock.WallNow());
                    },
                .looks =
                    [cache, deadline = options.coordinator.lookup_timeout] {
                      if (cache != nullptr) cache->Probe(deadline);
                    }}),
      outbound_(clock, registry, decisions_, OutboundOptionsFrom(options),
                [this](const OutboundCall& call) { coordinator_.OnOutbound(call); }),
      coordinator_(
          {clock, link, registry, replay, book_, interfaces_, decisions_, cache},
          options.coordinator,
          {.recheck = [this](const PublicKey& key) { reconciler_.Request(key); },
           .cap_reached = [this](const std::string& interface) { evictor_.WantRoom(interface); },
           .outbound_landed = [this](const OutboundCall& call,
                                     Verdict verdict) { outbound_.OnLanded(call, verdict); }}),
      operations_({.clock = clock,
                   .link = link,
                   .registry = registry,
                   .replay = replay,
                   .book = book_,
                   .remover = remover_,
                   .decisions = decisions_,
                   .cache = cache,
                   .missing_pinned = [this](const PublicKey& key) { reconciler_.Request(key); }},
                  options.coordinator.identity, options.coordinator.lookup_timeout),
      reporter_(clock, registry, options.sightings) {}

Provisioner::~Provisioner() { Stop(); }

void Provisioner::Start() {
  registry_.Subscribe([this](const registry::Change& change) { OnRegistryChange(change); });
  reconciling_ = std::jthread([this](const std::stop_token& stop) { reconciler_.Run(stop); });
  evicting_ =
      std::jthread([this](const std::stop_token& stop) { evictor_.Run(evict_period_, stop); });
  reporting_ = std::jthread([this](const std::stop_token& stop) { reporter_.Run(stop); });
  outbound_looking_ = std::jthread([this](const std::stop_token& stop) { outbound_.Run(stop); });
  watching_ = std::jthread([this](const std::stop_token& stop) { link_.Watch(*this, stop); });
}

void Provisioner::Stop() {
  registry_.Subscribe(nullptr);
  const std::array threads{&watching_, &outbound_looking_, &evicting_, &reconciling_, &reporting_};
  for (std::jthread* thread : threads) thread->request_stop();
  for (std::jthread* thread : threads) {
    if (thread->joinable()) thread->join();
  }
  coordinator_.Stop();
}

LinkStatus Provisioner::link_status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Provisioner::OnConnected(std::uint64_t instance) {
  bool restarted = false;
  {
    const std::lock_guard lock(mutex_);
    if (instance_) ++status_.reconnects;
    restarted = instance_ && *instance_ != instance;
    instance_ = instance;
    status_.connected = true;
    status_.problem.clear();
  }
  spdlog::info("sniffer_connected restarted={}", restarted);
  reconciler_.RequestAll();
}

void Provisioner::OnDisconnected(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    status_.connected = false;
    if (std::exchange(status_.problem, why.message) == why.message) return;  // told already
  }
  spdlog::warn("sniffer_unreachable problem=\"{}\" effect=\"nobody new can connect; trying again\"",
               LogText(why.message));
}

void Provisioner::OnEvents(const std::vector<HandshakeEvent>& events) {
  for (const HandshakeEvent& event : events) {
    reporter_.NoteEvent(event);
    outbound_.OnEvent(event);
  }
  coordinator_.OnEvents(events);
}

void Provisioner::OnDemand(const OutboundDemand& demand) { outbound_.OnDemand(demand); }

void Provisioner::OnDropped(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  status_.events_dropped += count;
}

void Provisioner::OnRegistryChange(const registry::Change& change) {
  coordinator_.OnRegistryChange(change);
  outbound_.OnRegistryChange(change);
  if (change.public_key) {
    reconciler_.Request(*change.public_key);
  } else {
    reconciler_.RequestAll();
  }
}

}  // namespace jitwg::provisioner
