#include "tests/bench/ws_load_client.h"

#include <memory>

#include "lib/registry/factory.h"

namespace jitwg::bench {
namespace {

constexpr Ipv4 kGateway = {10, 9, 0, 1};
// As WireGuard repeats an initiation.
constexpr std::chrono::seconds kInitiateAgain(5);
constexpr std::chrono::seconds kPingAgain(2);

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// 10.9.1.0 and so on.
Ipv4 InsideAddress(std::uint32_t index) {
  const std::uint32_t host = 256 + index;
  return {10, 9, static_cast<std::uint8_t>(host >> 8), static_cast<std::uint8_t>(host)};
}

// 127.1.0.1 and so on.
std::uint32_t OutsideAddress(std::uint32_t index) { return 0x010000U + index + 1; }

PublicKey GatewayKey(const LoadOptions& options) {
  const auto key = ParsePublicKey(options.gateway_key);
  if (!key) Die(key.error().message);
  return *key;
}

// The same key in each run: the registry's and the client's.
std::uint64_t Seed(std::uint32_t index) { return 0x6a69'7477'0000'0000U + index; }

Tai64n WallTimestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds);
  return Tai64n::FromUnix(seconds.count(), static_cast<std::uint32_t>(rest.count()));
}

}  // namespace

void RegisterCrowd(const LoadOptions& options) {
  const SystemClock clock;
  const auto registry = registry::MakeRegistry(options.registry, clock);
  if (!registry) Die(registry.error().message);
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    registry::Peer peer;
    peer.public_key = DerivePublicKey(test::KeyFromSeed(Seed(i)));
    peer.allowed_ips = {*IpPrefix::Make(IpAddress::V4(InsideAddress(i)), 32)};
    const Status stored = (*registry)->Put(peer, true);
    if (!stored) Die(stored.error().message);
  }
}

CrowdClient::CrowdClient(const LoadOptions& options, std::uint32_t index)
    : options_(options),
      inside_(InsideAddress(index)),
      connection_(options, OutsideAddress(index)),
      tunnel_(Seed(index), GatewayKey(options)) {
  connection_.Upgrade();
}

bool CrowdClient::through(Task task) const {
  return task == Task::kHandshake ? tunnel_.established() : answered_ == options_.datagrams_each;
}

void CrowdClient::Start(Task task) {
  task_ = task;
  busy_ = true;
  started_ = Now();
  SendTask();
}

void CrowdClient::SendTask() {
  last_sent_ = Now();
  if (task_ == Task::kHandshake) return Send(tunnel_.Initiate(WallTimestamp()));
  ++ping_;
  const std::size_t size = options_.datagram - test::kTransportOverhead;
  Send(tunnel_.Seal(MakePing(inside_, kGateway, ping_, size)));
}

void CrowdClient::SendAgainIfLate() {
  if (!busy_) return;
  const bool handshake = task_ == Task::kHandshake;
  if (Now() - last_sent_ < (handshake ? kInitiateAgain : kPingAgain)) return;
  ++(handshake ? seen_.initiations_again : seen_.pings_unanswered);
  SendTask();
}

void CrowdClient::Send(std::span<const std::uint8_t> datagram) {
  ws::OutputBuffer out;
  socket_.AppendDatagram(datagram, out);
  connection_.Write(out.pending());
  ++seen_.sent;
}

void CrowdClient::ReadAll(std::vector<std::uint8_t>& buffer) {
  for (;;) {
    const ws::IoResult result = connection_.stream().Read(buffer);
    if (result.state >= ws::IoState::kClosed) Die("a connection was ended");
    if (result.state != ws::IoState::kDone) return;
    const auto bytes = std::span(buffer).first(result.bytes);
    if (socket_.Receive(bytes, *this) != ws::Fault::kNone) Die("framing");
  }
}

void CrowdClient::OnDatagram(std::span<const std::uint8_t> datagram) {
  ++seen_.received;
  if (!Understand(datagram)) ++seen_.not_understood;
}

double CrowdClient::MillisecondsUnderWay() const {
  return std::chrono::duration<double, std::milli>(Now() - started_).count();
}

// False: no answer to what was sent last.
bool CrowdClient::Understand(std::span<const std::uint8_t> datagram) {
  if (busy_ && task_ == Task::kHandshake && tunnel_.TakeResponse(datagram)) {
    busy_ = false;
    seen_.handshake_ms.push_back(MillisecondsUnderWay());
    // The gateway's session begins with the client's first packet.
    Send(tunnel_.Seal({}));
    return true;
  }
  const auto plain = tunnel_.Open(datagram);
  if (!plain) return false;
  if (plain->empty()) return true;
  if (!busy_ || PingReplyNumber(*plain, inside_) != ping_) return false;
  busy_ = false;
  ++answered_;
  seen_.ping_ms.push_back(MillisecondsUnderWay());
  return true;
}

void CrowdClient::SayGoodbye() {
  ws::OutputBuffer out;
  socket_.AppendClose(ws::CloseCode::kNormal, out);
  connection_.Write(out.pending());
}

}  // namespace jitwg::bench
