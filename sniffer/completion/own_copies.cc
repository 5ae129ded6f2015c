#include "sniffer/completion/own_copies.h"

#include <algorithm>
#include <cstddef>

#include "lib/noise/messages.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kMac1Offset = offsetof(noise::MessageHandshakeInitiation, mac1);

}  // namespace

OwnCopies::OwnCopies() : places_(kPlaces) {}

void OwnCopies::Note(std::span<const std::uint8_t> payload, SteadyTime now) {
  const Mac1 mac1 = Mac1Of(payload);
  const std::lock_guard lock(mutex_);
  places_[PlaceOf(mac1)] = {mac1, now, true};
}

bool OwnCopies::Recognise(std::span<const std::uint8_t> payload, SteadyTime now) const {
  const Mac1 mac1 = Mac1Of(payload);
  const std::lock_guard lock(mutex_);
  const Place& place = places_[PlaceOf(mac1)];
  return place.used && place.mac1 == mac1 && now - place.noted <= kMemory;
}

OwnCopies::Mac1 OwnCopies::Mac1Of(std::span<const std::uint8_t> payload) {
  Mac1 mac1{};
  if (payload.size() != noise::kInitiationSize) return mac1;
  const auto field = payload.subspan(kMac1Offset, mac1.size());
  std::copy(field.begin(), field.end(), mac1.begin());
  return mac1;
}

// mac1 is a keyed hash over a fresh ephemeral key: its bits are as good as random.
std::size_t OwnCopies::PlaceOf(const Mac1& mac1) {
  return (std::size_t{mac1[0]} << 8 | mac1[1]) % kPlaces;
}

}  // namespace jitwg::sniffer
