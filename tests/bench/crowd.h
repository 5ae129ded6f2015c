// Clients for benchmarks of the whole path: their keys, their rows in a registry, and their
// initiations as captured frames, all made before anything is timed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/base/key.h"
#include "lib/noise/messages.h"
#include "tests/support/initiator.h"

namespace jitwg::bench {

inline constexpr std::uint16_t kGatewayPort = 51820;
inline constexpr const char* kInterface = "wg0";
inline constexpr std::size_t kFrameSize = 14 + 20 + 8 + noise::kInitiationSize;
using InitiationFrame = std::array<std::uint8_t, kFrameSize>;

// The gateway's key; the same in every run.
PrivateKey GatewayKey();

class Crowd {
 public:
  // `tries` initiations of each client, with rising time stamps; made on all processors. Client n
  // calls from its own address, and n is its sender index.
  Crowd(std::size_t clients, std::size_t tries);

  std::size_t size() const { return keys_.size(); }
  std::size_t tries() const { return tries_; }
  const PublicKey& key(std::size_t client) const { return keys_[client]; }
  const InitiationFrame& frame(std::size_t client, std::size_t attempt) const {
    return frames_[client * tries_ + attempt];
  }
  std::span<const std::uint8_t, noise::kInitiationSize> initiation(std::size_t client) const {
    return std::span(frame(client, 0)).last<noise::kInitiationSize>();
  }

  // Makes the registry's row of each client. Throws.
  void Register(const std::string& address) const;

 private:
  void Make(std::size_t client);

  const std::size_t tries_;
  std::vector<PublicKey> keys_;
  std::vector<InitiationFrame> frames_;
};

// The client that sent an initiation.
std::size_t ClientOf(std::span<const std::uint8_t> initiation);

struct CryptoSpeed {
  double per_second = 0;
  double cpu_us = 0;  // processor time of one
};

// Authenticated unwraps of `threads` threads that do nothing else, over the crowd's own packets,
// for so long: what no admission can outdo. Nothing else may run in this process meanwhile.
CryptoSpeed CryptoLimit(const Crowd& crowd, unsigned threads, double seconds);

}  // namespace jitwg::bench
