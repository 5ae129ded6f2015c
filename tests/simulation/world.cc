// See world.h. Clients, packets and the kernel's WireGuard; daemons and rows are in
// world_daemons.cc and world_rows.cc.
#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/simulation/crypto_shim.h"
#include "tests/simulation/provisioner_process.h"
#include "tests/simulation/sniffer_process.h"
#include "tests/support/frames.h"

namespace jitwg::simulation {
namespace {

constexpr std::uint64_t kFirstStamp = 1'700'000'000'000'000'000U;
// Few, so that their products are known already.
constexpr std::uint64_t kEphemerals = 8;

std::array<std::uint8_t, 16> Mac1Of(const test::InitiationPacket& packet) {
  std::array<std::uint8_t, 16> mac1{};
  std::copy(packet.begin() + 116, packet.begin() + 132, mac1.begin());
  return mac1;
}

Tai64n ToTai64n(std::uint64_t stamp) {
  return Tai64n::FromUnix(static_cast<std::int64_t>(stamp / 1'000'000'000),
                          static_cast<std::uint32_t>(stamp % 1'000'000'000));
}

Endpoint SourceOf(std::size_t client) {
  const auto host = static_cast<std::uint8_t>(client + 1);
  const std::array<std::uint8_t, 4> bytes{192, 0, 2, host};
  return {IpAddress::V4(bytes), static_cast<std::uint16_t>(40000 + client), 0};
}

// Gives the kernel the packet that it holds for us, whenever it is let go.
class Lease final : public sniffer::PacketLease {
 public:
  Lease(World& world, const test::InitiationPacket& packet) : world_(world), packet_(packet) {}
  ~Lease() override {
    world_.scheduler().Spawn(0,
                             [&world = world_, packet = packet_] { world.KernelReceives(packet); });
  }

 private:
  World& world_;
  const test::InitiationPacket packet_;
};

}  // namespace

World::World(const Setup& setup, bool verbose)
    : setup_(setup), verbose_(verbose), scheduler_(setup.seed, setup.preempt) {
  SeedRandomNumbers(setup.seed);
  MakeClients();
  MakeInterface(0);
  MakeRows();
  const bool is_forgeable = setup.sabotage == Sabotage::kForgeableProof;
  BreakX25519(is_forgeable ? &clients_.back().public_key : nullptr);
  disk_.forgets_stamps = setup.sabotage == Sabotage::kForgetfulDisk;
}

World::~World() {
  if (sniffer_) KillSniffer();
  if (provisioner_) KillProvisioner();
  scheduler_.Kill(0);
}

void World::Print(const std::string& text) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(scheduler_.now());
  std::printf("%11.6f  %s\n", static_cast<double>(micros.count()) * 1e-6, text.c_str());
}

void World::Violate(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = what;
  Trace([&] { return "VIOLATION " + what; });
}

Client* World::FindClient(const PublicKey& key) {
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const Client& client) { return client.public_key == key; });
  return found == clients_.end() ? nullptr : &*found;
}

void World::MakeClients() {
  for (std::size_t i = 0; i < setup_.clients; ++i) {
    Client client;
    client.private_key = test::KeyFromSeed(i + 1);
    client.public_key = DerivePublicKey(client.private_key);
    client.source = SourceOf(i);
    if (random().Chance(0.3)) client.preshared_key = test::KeyFromSeed(500 + i);
    client.calls = i + 1 < setup_.clients;  // the last one never says a word
    clients_.push_back(std::move(client));
  }
}

test::InitiationPacket World::Initiate(std::size_t number) {
  Client& client = clients_[number];
  client.newest_stamp =
      std::max(client.newest_stamp + 20'000'000,
               kFirstStamp + static_cast<std::uint64_t>(scheduler_.now().count()));
  test::Initiator initiator(client.private_key, *interface_key_, random().Below(kEphemerals));
  const auto packet = initiator.Initiate(ToTai64n(client.newest_stamp));
  client.newest_packet = packet;
  client.has_called = true;
  const auto mac1 = Mac1Of(packet);
  packets_[mac1] = {packet, number, client.newest_stamp, *interface_key_, true};
  packet_order_.push_back(mac1);
  return packet;
}

void World::Send(const test::InitiationPacket& packet, const Endpoint& source) {
  const bool is_held = setup_.completion == "hold" && sniffer_ && sniffer_->serves();
  if (!is_held) KernelReceives(packet);
  if (!sniffer_ || !sniffer_->serves()) return;
  test::FrameSpec spec;
  spec.source = source.address.ToString();
  spec.source_port = source.port;
  sniffer_->Capture(test::BuildFrame(spec, packet),
                    is_held ? std::make_shared<Lease>(*this, packet) : nullptr);
}

void World::SendInitiation(std::size_t number) {
  if (!has_interface()) return;
  Trace([&] { return "client " + std::to_string(number) + " sends an initiation"; });
  const auto packet = Initiate(number);
  if (random().Chance(faults_.call_lost)) return;  // the network loses packets, too
  Send(packet, clients_[number].source);
}

void World::Call(std::size_t number) {
  Client& client = clients_[number];
  if (!client.calls) return;
  client.wants_in = true;
  ++client.call_number;
  SendInitiation(number);
  RetryLater(number);
}

void World::RetryLater(std::size_t number) {
  const std::uint64_t call = clients_[number].call_number;
  scheduler_.Spawn(
      0,
      [this, number, call] {
        const Client& client = clients_[number];
        if (!client.wants_in || client.call_number != call || client.session_since) return;
        SendInitiation(number);
        RetryLater(number);
      },
      seconds(5) + random().Between(Nanos(0), milliseconds(333)));
}

void World::StopCalling(std::size_t number) {
  Trace([&] { return "client " + std::to_string(number) + " goes away"; });
  clients_[number].wants_in = false;
  clients_[number].session_since.reset();
}

void World::Rekey(std::size_t number) {
  if (!clients_[number].session_since || !has_interface()) return;
  Trace([&] { return "client " + std::to_string(number) + " renews its session"; });
  Send(Initiate(number), clients_[number].source);
}

// From somewhere else, sometimes from the very place of another client.
void World::Replay() {
  if (packet_order_.empty()) return;
  const auto& sent = packets_.at(packet_order_[random().Below(packet_order_.size())]);
  Trace([&] { return "a packet of client " + std::to_string(sent.client) + " is sent again"; });
  Send(sent.bytes, SourceOf(random().Below(2 * clients_.size())));
}

void World::Forge() {
  if (!has_interface()) return;
  const std::size_t claimed = random().Below(clients_.size());
  Trace([&] { return "somebody claims to be client " + std::to_string(claimed); });
  test::Initiator stranger(test::KeyFromSeed(400), *interface_key_, random().Below(kEphemerals));
  Send(stranger.Forge(clients_[claimed].public_key, ToTai64n(kFirstStamp + 1'000'000'000'000'000U)),
       SourceOf(100));
}

void World::Garbage() { Send(test::GarbageInitiation(random().Next()), SourceOf(101)); }

// As the kernel does it: the peer must be there, with the same preshared key, and the stamp newer
// than the newest of this peer's life (drivers/net/wireguard/noise.c).
void World::KernelReceives(const test::InitiationPacket& packet) {
  const auto found = packets_.find(Mac1Of(packet));
  if (found == packets_.end() || !has_interface()) return;
  const SentPacket& sent = found->second;
  Client& client = clients_[sent.client];
  if (sent.to != *interface_key_ || !kernel_.Peer(kInterface, client.public_key)) return;
  const std::string preshared =
      client.preshared_key ? SecretToBase64(*client.preshared_key) : std::string();
  if (kernel_.PresharedKeyOf(kInterface, client.public_key) != preshared) return;
  Session& session = sessions_[client.public_key];
  if (session.any_stamp && sent.stamp <= session.newest_stamp) return;
  session.any_stamp = true;
  session.newest_stamp = sent.stamp;
  // The answer helps only who still waits for it.
  if (sent.stamp == client.newest_stamp && client.wants_in) CompleteSession(client);
}

void World::KernelCalls(const PublicKey& peer) {
  scheduler_.Spawn(
      0,
      [this, peer] {
        Client* client = FindClient(peer);
        const auto there = kernel_.Peer(kInterface, peer);
        if (client == nullptr || !there || there->endpoint != client->source) return;
        if (client->wants_in && client->calls) CompleteSession(*client);
      },
      milliseconds(20));
}

void World::CompleteSession(Client& client) {
  const auto number = static_cast<std::size_t>(&client - clients_.data());
  Trace([&] { return "client " + std::to_string(number) + " has a session"; });
  Digest(1000 + number);
  const Nanos now = scheduler_.now();
  Session& session = sessions_[client.public_key];
  if (!session.completed || now - session.active > kLongestSilence) session.lively_since = now;
  if (!session.completed) session.completed = now;
  session.active = now;
  kernel_.CompleteHandshake(kInterface, client.public_key, clock_.WallNow());
  client.heard_at = now;
  if (client.session_since) return;
  client.session_since = now;
  KeepTalking(number, ++client.session_number);
}

void World::KeepTalking(std::size_t number, std::uint64_t session) {
  scheduler_.Spawn(
      0,
      [this, number, session] {
        const Client& client = clients_[number];
        if (!client.session_since || client.session_number != session) return;
        Talk(number);
        if (client.session_since) KeepTalking(number, session);
      },
      random().Between(milliseconds(500), milliseconds(1500)));
}

// A packet and its answer. Who hears nothing for long enough calls again.
void World::Talk(std::size_t number) {
  Client& client = clients_[number];
  const Nanos now = scheduler_.now();
  const auto session = sessions_.find(client.public_key);
  if (session != sessions_.end() && session->second.completed &&
      kernel_.Peer(kInterface, client.public_key)) {
    Session& known = session->second;
    if (now - known.active > kLongestSilence) known.lively_since = now;
    known.active = now;
    known.rx += 100;
    kernel_.SetTraffic(kInterface, client.public_key, known.rx, known.rx);
    client.heard_at = now;
  } else if (now - client.heard_at > seconds(5)) {
    Trace([&] { return "client " + std::to_string(number) + " hears nothing any more"; });
    client.session_since.reset();
    Call(number);
  }
}

void World::OnPeerGone(const PublicKey& key) { sessions_.erase(key); }

}  // namespace jitwg::simulation
