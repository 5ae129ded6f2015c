#include "tests/simulation/sniffer_process.h"

#include <algorithm>
#include <utility>

namespace jitwg::simulation {
namespace {

// Gives the kernel a packet again; the capture sees it once more, as it does.
class Injector final : public sniffer::PacketInjector {
 public:
  explicit Injector(World& world) : world_(world) {}
  std::string_view name() const override { return "mirred"; }
  Status Inject(const sniffer::OriginalPacket& packet) override {
    if (world_.random().Chance(world_.faults().inject_fails)) {
      return Error{ErrorCode::kUnavailable, "the simulated interface takes no packet"};
    }
    const auto payload = packet.payload();
    test::InitiationPacket bytes{};
    std::copy(payload.begin(), payload.end(), bytes.begin());
    world_.scheduler().Spawn(0, [&world = world_, bytes] { world.KernelReceives(bytes); });
    return {};
  }

 private:
  World& world_;
};

sniffer::GuardPolicy Policy(const World& world) {
  sniffer::GuardPolicy policy;
  const bool is_open = world.setup().sabotage == Sabotage::kOpenGuard;
  policy.allowed_prefixes = {IpPrefix::Parse(is_open ? "0.0.0.0/0" : "10.8.0.0/16").value()};
  policy.max_peers = world.setup().max_peers;
  return policy;
}

sniffer::PipelineOptions SmallPipeline(bool hold_packets) {
  sniffer::PipelineOptions options;
  options.workers = 2;
  options.queue_capacity = SnifferProcess::kQueue / 2;
  options.hold_packets = hold_packets;
  options.admission.recent.capacity = 64;
  options.admission.limits.capacity = 64;
  options.admission.freshness_capacity = 8;
  return options;
}

}  // namespace

SnifferProcess::SnifferProcess(World& world, ProcessId process)
    : world_(world),
      process_(process),
      device_(world),
      held_({kHeld, sniffer::HeldLimits{}.longest}),
      hub_({.queue_capacity = 8, .max_watchers = 4}) {}

SnifferProcess::~SnifferProcess() = default;

bool SnifferProcess::Start() {
  auto peers = sniffer::PeerManager::Create(
      device_, world_.clock(), {kInterface, Policy(world_), "simulated/wg0.peers", 16});
  if (!peers) return false;
  peers_ = std::move(*peers);
  if (!interfaces_.Add(kInterface, device_, *peers_)) return false;
  sniffer::CompletionMeans means;
  if (world_.setup().completion == "reinject") means.injector = std::make_unique<Injector>(world_);
  means.can_hold = world_.setup().completion == "hold";
  auto completions =
      sniffer::Completions::Choose(world_.setup().completion, std::move(means), held_, own_copies_);
  if (!completions) return false;
  completions_.emplace(std::move(*completions));
  installer_ = std::make_unique<sniffer::InstallerService>(world_.clock(), interfaces_,
                                                           initiations_, *completions_);
  pipeline_ =
      std::make_unique<sniffer::Pipeline>(interfaces_, world_.clock(), statistics_,
                                          sniffer::PipelineMemory{initiations_, held_, own_copies_},
                                          *this, SmallPipeline(completions_->needs_packets()));
  follower_ =
      std::make_unique<sniffer::Follower>(interfaces_, std::vector<sniffer::PacketSource*>{this},
                                          statistics_, sniffer::FollowerOptions{});
  follower_->ReadAgain();
  follower_->Start();
  Scheduler& scheduler = world_.scheduler();
  scheduler.Spawn(process_, [this] {
    static_cast<void>(
        Run([this](const sniffer::CapturedPacket& packet) { pipeline_->OnPacket(packet); }, {}));
  });
  scheduler.Spawn(process_, [this] { KeepTime(); });
  serves_ = true;
  return true;
}

// What the daemon's threads for expiry and heartbeats do.
void SnifferProcess::KeepTime() {
  Nanos next_beat{0};
  while (true) {
    world_.scheduler().Sleep(milliseconds(250));
    held_.Expire(world_.clock().SteadyNow());
    if (world_.scheduler().now() < next_beat) continue;
    hub_.Beat({true, {}});
    next_beat = world_.scheduler().now() + seconds(5);
  }
}

void SnifferProcess::OnEvents(std::span<const sniffer::HandshakeEvent> events) {
  if (world_.setup().sabotage == Sabotage::kLostEvents) return;
  std::vector<StreamItem> items;
  for (const sniffer::HandshakeEvent& event : events) items.push_back({false, event});
  hub_.Publish(std::move(items));
}

void SnifferProcess::Capture(std::vector<std::uint8_t> frame,
                             std::shared_ptr<sniffer::PacketLease> lease) {
  if (std::find(ports_.begin(), ports_.end(), kPort) == ports_.end()) return;
  if (frames_.size() >= kQueue) frames_.pop_front();  // the ring is full
  frames_.push_back({std::move(frame), std::move(lease)});
  world_.scheduler().WakeAll(&frames_);
}

Status SnifferProcess::Run(const Handler& handler, std::stop_token) {
  while (true) {
    while (frames_.empty()) world_.scheduler().Wait(&frames_);
    Frame frame = std::move(frames_.front());
    frames_.pop_front();
    sniffer::CapturedPacket packet;
    packet.bytes = frame.bytes;
    packet.wire_length = frame.bytes.size();
    packet.timestamp = world_.clock().WallNow();
    packet.source_name = name();
    packet.ifindex = 2;
    packet.lease = std::move(frame.lease);
    handler(packet);
  }
}

Status SnifferProcess::SetPorts(std::span<const std::uint16_t> ports) {
  ports_.assign(ports.begin(), ports.end());
  return {};
}

}  // namespace jitwg::simulation
