// Recognises the initiations that this sniffer gave the kernel again when the capture sees them
// come in. Fixed memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "lib/base/clock.h"

namespace jitwg::sniffer {

// Thread-safe.
class OwnCopies {
 public:
  OwnCopies();

  // `payload`: the 148 bytes of an initiation whose mac1 is right, about to be given to the kernel.
  void Note(std::span<const std::uint8_t> payload, SteadyTime now);

  // Was it noted within the last second? It may be seen on several interfaces, so it is not
  // forgotten.
  bool Recognise(std::span<const std::uint8_t> payload, SteadyTime now) const;

 private:
  // Two that fall on one place: the older is taken for a stranger's duplicate, which is harmless.
  static constexpr std::size_t kPlaces = 4096;
  static constexpr std::chrono::seconds kMemory{1};
  using Mac1 = std::array<std::uint8_t, 16>;
  struct Place {
    Mac1 mac1{};
    SteadyTime noted{};
    bool used = false;
  };

  static Mac1 Mac1Of(std::span<const std::uint8_t> payload);
  static std::size_t PlaceOf(const Mac1& mac1);

  mutable std::mutex mutex_;
  std::vector<Place> places_;
};

}  // namespace jitwg::sniffer
