#include "tests/bench/loaded_sniffer.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace jitwg::bench {
namespace {

constexpr std::size_t kMaxPeers = 1 << 20;

// Tells the benchmark whose packet it was.
class Injector final : public sniffer::PacketInjector {
 public:
  explicit Injector(std::function<void(std::size_t)> completed)
      : completed_(std::move(completed)) {}
  std::string_view name() const override { return "memory"; }
  Status Inject(const sniffer::OriginalPacket& packet) override {
    completed_(ClientOf(packet.payload()));
    return {};
  }

 private:
  const std::function<void(std::size_t)> completed_;
};

template <class T>
T Must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

LoadedSniffer::LoadedSniffer(LoadedSnifferOptions options)
    : options_(std::move(options)), held_({defaults_.hold_packets, sniffer::HeldLimits{}.longest}) {
  MakePeers();
  MakeServices();
  sniffer::PipelineOptions pipeline;
  pipeline.workers = options_.workers;
  pipeline.hold_packets = completions_->needs_packets();
  auto& limits = pipeline.admission.limits;
  limits.per_source = {static_cast<double>(defaults_.source_rate),
                       static_cast<double>(defaults_.source_burst)};
  limits.global = {static_cast<double>(defaults_.global_rate),
                   static_cast<double>(defaults_.global_burst)};
  sniffer::EventSink& sink = *this;
  pipeline_ = std::make_unique<sniffer::Pipeline>(
      interfaces_, clock_, statistics_, sniffer::PipelineMemory{initiations_, held_, own_copies_},
      sink, pipeline);
  expiring_ = std::jthread([this](const std::stop_token& stop) { ExpireHeld(stop); });
}

LoadedSniffer::~LoadedSniffer() { pipeline_.reset(); }

void LoadedSniffer::MakePeers() {
  sniffer::CompletionMeans means;
  means.injector = std::make_unique<Injector>(options_.completed);
  completions_.emplace(
      Must(sniffer::Completions::Choose("reinject", std::move(means), held_, own_copies_)));
  device_ = std::make_unique<MemoryDevice>(kInterface, GatewayKey(), kGatewayPort);
  sniffer::GuardPolicy policy;
  policy.max_peers = kMaxPeers;
  policy.allowed_prefixes = {*IpPrefix::Parse("10.0.0.0/8")};
  peers_ = Must(sniffer::PeerManager::Create(
      *device_, clock_, {kInterface, policy, options_.folder + "/wg0.peers", 0}));
  if (const Status added = interfaces_.Add(kInterface, *device_, *peers_); !added) {
    throw std::runtime_error(added.error().message);
  }
  interfaces_.Refresh();
}

void LoadedSniffer::MakeServices() {
  events_ = std::make_unique<sniffer::EventsService>(
      clock_, statistics_,
      sniffer::EventsService::Others{[] { return sniffer::PacketSourceStats(); },
                                     [this] { return completions_->Status(held_); }});
  installer_ =
      std::make_unique<sniffer::InstallerService>(clock_, interfaces_, initiations_, *completions_);
  server_ = Must(
      rpc::Server::Start(Must(rpc::ServeAt(address(), {}, {})), {events_.get(), installer_.get()}));
}

void LoadedSniffer::OnFrame(const InitiationFrame& frame) {
  sniffer::CapturedPacket packet;
  packet.bytes = frame;
  packet.wire_length = frame.size();
  packet.timestamp = clock_.WallNow();
  packet.source_name = "memory";
  pipeline_->OnPacket(packet);
}

void LoadedSniffer::OnEvents(std::span<const sniffer::HandshakeEvent> events) {
  if (options_.proved) {
    for (const sniffer::HandshakeEvent& event : events) options_.proved(event);
  }
  events_->OnEvents(events);
}

void LoadedSniffer::ExpireHeld(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, stop, std::chrono::milliseconds(50),
                         [&stop] { return stop.stop_requested(); })) {
    held_.Expire(clock_.SteadyNow());
  }
}

}  // namespace jitwg::bench
