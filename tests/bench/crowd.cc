#include "tests/bench/crowd.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "lib/base/clock.h"
#include "lib/noise/initiation.h"
#include "lib/registry/bulk.h"
#include "lib/registry/factory.h"
#include "tests/support/frames.h"

namespace jitwg::bench {
namespace {

constexpr std::uint64_t kGatewaySeed = 0xffff'ffff;
constexpr std::size_t kSenderOffset = 4;
constexpr std::size_t kAtOnce = 5000;

std::string Address(const char* network, std::size_t number) {
  return std::string(network) + "." + std::to_string(number >> 16U & 255U) + "." +
         std::to_string(number >> 8U & 255U) + "." + std::to_string(number & 255U);
}

double ProcessCpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class Work>
void OnAllProcessors(const Work& work) {
  std::vector<std::jthread> threads;
  const unsigned count = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i) threads.emplace_back(work);
}

}  // namespace

PrivateKey GatewayKey() { return test::KeyFromSeed(kGatewaySeed); }

Crowd::Crowd(std::size_t clients, std::size_t tries)
    : tries_(tries), keys_(clients), frames_(clients * tries) {
  std::atomic<std::size_t> next{0};
  OnAllProcessors([this, &next] {
    for (std::size_t i = next++; i < keys_.size(); i = next++) Make(i);
  });
}

void Crowd::Make(std::size_t client) {
  static const PublicKey gateway = DerivePublicKey(GatewayKey());
  test::Initiator initiator(client + 1, gateway);
  keys_[client] = initiator.public_key();
  test::FrameSpec spec;
  spec.source = Address("11", client);
  spec.destination_port = kGatewayPort;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  for (std::size_t i = 0; i < tries_; ++i) {
    // Stamps of the tries are as far apart as tries are.
    auto packet =
        initiator.Initiate(Tai64n::FromUnix(now.count() + static_cast<std::int64_t>(5 * i), 0));
    for (std::size_t byte = 0; byte < 4; ++byte) {
      packet[kSenderOffset + byte] = static_cast<std::uint8_t>(client >> (8 * byte));
    }
    test::RecomputeMac1(packet, gateway);
    const test::ByteVector frame = test::BuildFrame(spec, packet);
    if (frame.size() != kFrameSize) throw std::logic_error("a frame of another size");
    std::copy(frame.begin(), frame.end(), frames_[client * tries_ + i].begin());
  }
}

void Crowd::Register(const std::string& address) const {
  const SystemClock clock;
  // An SQLite file is made where there is none.
  if (const auto made = registry::MakeRegistry(address, clock); !made) {
    throw std::runtime_error(made.error().message);
  }
  for (std::size_t first = 0; first < size(); first += kAtOnce) {
    std::vector<registry::Peer> peers;
    for (std::size_t i = first; i < std::min(first + kAtOnce, size()); ++i) {
      registry::Peer& peer = peers.emplace_back();
      peer.public_key = keys_[i];
      peer.name = "client " + std::to_string(i);
      peer.allowed_ips = {*IpPrefix::Parse(Address("10", i) + "/32")};
    }
    const auto stored = registry::PutAll(address, peers, {}, clock, [](std::size_t) {});
    if (!stored) throw std::runtime_error(stored.error().message);
    if (!stored->stored) throw std::runtime_error("the registry refused the clients");
  }
}

std::size_t ClientOf(std::span<const std::uint8_t> initiation) {
  std::size_t client = 0;
  for (std::size_t byte = 0; byte < 4; ++byte) {
    client |= std::size_t{initiation[kSenderOffset + byte]} << (8 * byte);
  }
  return client;
}

CryptoSpeed CryptoLimit(const Crowd& crowd, unsigned threads, double seconds) {
  const noise::Responder responder(GatewayKey());
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> failed{false};
  const double cpu = ProcessCpuSeconds();
  const auto begun = std::chrono::steady_clock::now();
  const auto end = begun + std::chrono::duration<double>(seconds);
  {
    std::vector<std::jthread> all;
    for (unsigned t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        std::size_t i = t;
        while (std::chrono::steady_clock::now() < end) {
          for (int n = 0; n < 16; ++n, i += threads) {
            if (!responder.ConsumeCheckedInitiation(crowd.initiation(i % crowd.size())))
              failed = true;
          }
          done += 16;
        }
      });
    }
  }
  if (failed) throw std::runtime_error("a client's initiation does not open");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const auto count = static_cast<double>(done);
  return {count / took.count(), 1e6 * (ProcessCpuSeconds() - cpu) / count};
}

}  // namespace jitwg::bench
