#include "sniffer/daemon.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "sniffer/capture/pcap_source.h"
#include "sniffer/completion/injector_factory.h"
#include "sniffer/completion/mirred_injector.h"
#include "sniffer/hold/nfqueue_source.h"
#include "sniffer/install/device_factory.h"
#include "sniffer/outbound/inner_destination.h"
#include "sniffer/outbound/outbound_filter.h"

namespace jitwg::sniffer {
namespace {

// How much longer than allowed a packet may be held.
constexpr std::chrono::milliseconds kExpireInterval{50};

// A tap on a WireGuard interface sees every packet that the gateway sends to its clients, all day:
// handed over in blocks they cost a tenth of what they cost one by one, and whose packet it is
// waits for a retransmission anyway.
constexpr std::chrono::milliseconds kTapBlock{5};
constexpr std::size_t kTapRing = std::size_t{2} << 20;
// Of each interface; about 10 MB when all are in use.
constexpr std::size_t kRememberedEndpoints = 65536;

GuardPolicy PolicyFor(const std::string& interface, const SnifferOptions& options) {
  GuardPolicy policy;
  policy.max_peers = options.max_peers;
  for (const InterfacePrefix& allow : options.allow) {
    if (allow.interface == interface) policy.allowed_prefixes.push_back(allow.prefix);
  }
  return policy;
}

PipelineOptions PipelineOptionsFrom(const SnifferOptions& options) {
  PipelineOptions pipeline;
  pipeline.workers = WorkersFor(options.workers, std::thread::hardware_concurrency());
  // About the same room in all, however many share it; but one source has one worker, and its burst
  // has to find room there.
  const std::size_t room = pipeline.queue_capacity;
  pipeline.queue_capacity = std::max<std::size_t>(
      {room / pipeline.workers, 512, std::min<std::size_t>(room, options.source_burst)});
  SourceLimiterOptions& limits = pipeline.admission.limits;
  limits.per_source = {static_cast<double>(options.source_rate),
                       static_cast<double>(options.source_burst)};
  limits.global = {static_cast<double>(options.global_rate),
                   static_cast<double>(options.global_burst)};
  return pipeline;
}

// Asks the machine only about what may be used: asking leaves its traces in a log.
CompletionMeans FindMeans(const SnifferOptions& options) {
  // Also when another strategy is used now.
  MirredInjector::CleanUp(options.state_dir);
  CleanUpHold(options.state_dir);
  CompletionMeans means;
  means.injector_problem = "not asked";
  means.hold_problem = "not asked";
  if (options.completion == "auto" || options.completion == "reinject") {
    means.injector = MakeInjector({options.reinject, options.state_dir}, means.injector_problem);
  }
  const bool better = means.injector != nullptr && means.injector_problem.empty();
  if (options.completion == "hold" || (options.completion == "auto" && !better)) {
    const Status probed = ProbeHold();
    means.can_hold = probed.has_value();
    means.hold_problem = probed ? "" : probed.error().message;
  }
  return means;
}

}  // namespace

Daemon::Daemon(const SnifferOptions& options)
    : held_({options.hold_packets, HeldLimits{}.longest}) {}

Result<std::unique_ptr<Daemon>> Daemon::Start(SnifferOptions options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  auto state_dir = StateDir::Open(options.state_dir);
  if (!state_dir) return state_dir.error();
  options.state_dir = state_dir->path();
  daemon->state_dir_.emplace(std::move(*state_dir));
  auto link_monitor = LinkMonitor::Open();
  if (!link_monitor) return link_monitor.error();
  daemon->link_monitor_ = std::move(*link_monitor);
  if (const Status opened = daemon->OpenInterfaces(options); !opened) return opened.error();
  if (const Status chosen = daemon->ChooseCompletion(options); !chosen) return chosen.error();
  if (const Status opened = daemon->OpenSources(options); !opened) return opened.error();
  if (const Status serving = daemon->Serve(options); !serving) return serving.error();
  daemon->StartThreads(options);
  if (const Status serving = daemon->ServeMetrics(options); !serving) return serving.error();
  return daemon;
}

Status Daemon::OpenInterfaces(const SnifferOptions& options) {
  const auto backend = ParseBackend(options.backend);
  if (!backend) return backend.error();
  for (const std::string& name : options.interfaces) {
    devices_.push_back(MakeDevice(name, *backend));
    auto peers = PeerManager::Create(
        *devices_.back(), clock_,
        {name, PolicyFor(name, options), options.state_dir + "/" + name + ".peers",
         options.outbound ? kRememberedEndpoints : 0});
    if (!peers) return peers.error();
    peers_.push_back(std::move(*peers));
    const Status added = interfaces_.Add(name, *devices_.back(), *peers_.back());
    if (!added) return added.error();
  }
  return {};
}

Status Daemon::ChooseCompletion(const SnifferOptions& options) {
  auto completions =
      Completions::Choose(options.completion, FindMeans(options), held_, own_copies_);
  if (!completions) return completions.error();
  completions_.emplace(std::move(*completions));
  spdlog::info("completion_chosen strategy=\"{}\" wanted={} why_not_better=\"{}\"",
               completions_->description(), options.completion, completions_->reason());
  return {};
}

Status Daemon::OpenSources(const SnifferOptions& options) {
  if (completions_->chosen() == CompletionKind::kHold) return OpenHold(options);
  for (const std::string& name : options.capture) {
    PcapOptions pcap;
    pcap.interface = name;
    pcap.ring_bytes = std::size_t{options.capture_buffer_kib} << 10;
    auto source = PcapSource::Open(pcap);
    if (!source) return source.error();
    sources_.push_back(std::move(*source));
  }
  return {};
}

// In the place of the taps: what the kernel holds for us need not be copied too.
Status Daemon::OpenHold(const SnifferOptions& options) {
  HoldOptions hold;
  hold.state_dir = options.state_dir;
  if (options.hold_queue != 0) hold.queue = static_cast<std::uint16_t>(options.hold_queue);
  // Who only waits for a peer cannot fill the queue, beyond which packets would pass unseen: the
  // oldest is let go before.
  hold.max_packets = 2 * options.hold_packets;
  hold.hold_time = options.hold_time;
  auto source = NfqueueSource::Open(hold);
  if (!source) return source.error();
  spdlog::info("hold_started table=\"inet {}\" queue={} by=\"{}\" hold_time_ms={}",
               (*source)->table(), (*source)->queue(), (*source)->Describe(),
               options.hold_time.count());
  sources_.push_back(std::move(*source));
  return {};
}

Status Daemon::OpenTaps(const SnifferOptions& options) {
  if (!options.outbound) return {};
  OutboundOptions limits;
  limits.rate = {static_cast<double>(options.outbound_rate),
                 static_cast<double>(options.outbound_rate)};
  outbound_ = std::make_unique<OutboundWatch>(clock_, demands_, *events_, limits);
  for (std::size_t i = 0; i < options.interfaces.size(); ++i) {
    outbound_->AddInterface(options.interfaces[i], *peers_[i]);
    PcapOptions pcap;
    pcap.interface = options.interfaces[i];
    pcap.ring_bytes = kTapRing;
    pcap.block_timeout = kTapBlock;
    pcap.fixed_filter = OutboundFilter(peers_[i]->policy().allowed_prefixes);
    pcap.outgoing = true;
    pcap.snap_length = kInnerHeader;
    auto tap = PcapSource::Open(pcap);
    if (!tap) return tap.error();
    taps_.push_back(std::move(*tap));
  }
  return {};
}

void Daemon::StartTaps() {
  for (std::size_t i = 0; i < taps_.size(); ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) {
      const Status ran = taps_[i]->Run(
          [this, i](const CapturedPacket& packet) {
            outbound_->OnPacket(i, packet.bytes, packet.timestamp);
          },
          stop);
      if (!ran) {
        spdlog::error("tap_ended interface={} error=\"{}\"", taps_[i]->name(), ran.error().message);
      }
    });
  }
}

void Daemon::FillOutbound(v1::OutboundStatus& status) const {
  for (std::size_t i = 0; i < kOutboundResults; ++i) {
    const auto result = static_cast<OutboundResult>(i);
    (*status.mutable_packets())[std::string(ToString(result))] = outbound_->Get(result);
  }
  std::uint64_t dropped = 0;
  for (const auto& tap : taps_) dropped += tap->GetStats().dropped_by_kernel;
  status.set_kernel_dropped(dropped);
  status.set_endpoints(outbound_->remembered_endpoints());
}

Status Daemon::Serve(const SnifferOptions& options) {
  events_ = std::make_unique<EventsService>(
      clock_, statistics_,
      EventsService::Others{
          [this] { return SumOfSources(); }, [this] { return completions_->Status(held_); },
          options.outbound ? [this](v1::OutboundStatus& status) { FillOutbound(status); }
                           : std::function<void(v1::OutboundStatus&)>()});
  if (Status opened = OpenTaps(options); !opened) return opened;
  installer_ = std::make_unique<InstallerService>(clock_, interfaces_, initiations_, *completions_,
                                                  options.outbound ? &demands_ : nullptr);
  const auto serve =
      rpc::ServeAt(options.listen, {options.socket_mode.bits, options.socket_group}, options.tls);
  if (!serve) return serve.error();
  auto server = rpc::Server::Start(*serve, {events_.get(), installer_.get()});
  if (!server) return server.error();
  server_ = std::move(*server);
  return {};
}

void Daemon::StartThreads(const SnifferOptions& options) {
  PipelineOptions pipeline = PipelineOptionsFrom(options);
  pipeline.hold_packets = completions_->needs_packets();
  pipeline_ = std::make_unique<Pipeline>(interfaces_, clock_, statistics_,
                                         PipelineMemory{initiations_, held_, own_copies_}, *events_,
                                         pipeline);
  std::vector<PacketSource*> sources;
  for (const auto& source : sources_) sources.push_back(source.get());
  follower_ = std::make_unique<Follower>(interfaces_, sources, statistics_,
                                         FollowerOptions{options.poll_interval, 8});
  follower_->ReadAgain();
  follower_->Start();
  threads_.emplace_back([this](const std::stop_token& stop) { FollowLinks(stop); });
  StartTaps();
  if (completions_->needs_packets()) {
    threads_.emplace_back([this](const std::stop_token& stop) { ExpireHeld(stop); });
  }
  for (PacketSource* source : sources) {
    threads_.emplace_back([this, source](const std::stop_token& stop) {
      const Status ran =
          source->Run([this](const CapturedPacket& packet) { pipeline_->OnPacket(packet); }, stop);
      if (!ran) {
        spdlog::error("capture_ended capture={} error=\"{}\"", source->name(), ran.error().message);
      }
    });
  }
}

void Daemon::FollowLinks(const std::stop_token& stop) {
  const Status ran = link_monitor_->Run(stop, [this](const LinkEvent& event) {
    const bool named = !event.name.empty();
    if (!named || interfaces_.FindPeers(event.name) != nullptr) follower_->Nudge();
  });
  if (!ran) {
    spdlog::warn("link_monitor_ended error=\"{}\" consequence=\"changes are noticed by polling\"",
                 ran.error().message);
  }
}

void Daemon::ExpireHeld(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, stop, kExpireInterval, [&stop] { return stop.stop_requested(); })) {
    held_.Expire(clock_.SteadyNow());
  }
}

PacketSourceStats Daemon::SumOfSources() const {
  PacketSourceStats sum;
  for (const auto& source : sources_) {
    const PacketSourceStats stats = source->GetStats();
    sum.received += stats.received;
    sum.dropped_by_kernel += stats.dropped_by_kernel;
    sum.dropped_by_interface += stats.dropped_by_interface;
    sum.reopened += stats.reopened;
  }
  return sum;
}

Daemon::~Daemon() {
  metrics_.reset();
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

}  // namespace jitwg::sniffer
