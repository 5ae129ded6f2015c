#include "sniffer/outbound/outbound_watch.h"

#include "sniffer/outbound/inner_destination.h"

namespace jitwg::sniffer {

std::string_view ToString(OutboundResult result) {
  static constexpr std::array<std::string_view, kOutboundResults> kNames{
      "no_address", "repeated", "covered", "rate_limited", "asked"};
  return kNames.at(static_cast<std::size_t>(result));
}

OutboundWatch::OutboundWatch(const Clock& clock, DemandTable& demands, DemandSink& sink,
                             const OutboundOptions& options)
    : clock_(clock),
      demands_(demands),
      sink_(sink),
      options_(options),
      bucket_{Nanoseconds(clock.SteadyNow()), options.rate.burst} {}

std::size_t OutboundWatch::AddInterface(const std::string& name, const PeerManager& peers) {
  interfaces_.push_back(std::make_unique<Interface>(
      Interface{name, peers, RecentInitiations({options_.destinations, options_.window})}));
  return interfaces_.size() - 1;
}

void OutboundWatch::OnPacket(std::size_t interface, std::span<const std::uint8_t> packet,
                             WallTime seen_at) {
  const OutboundResult result = Look(*interfaces_.at(interface), packet, seen_at);
  counts_[static_cast<std::size_t>(result)].fetch_add(1, std::memory_order_relaxed);
}

OutboundResult OutboundWatch::Look(Interface& interface, std::span<const std::uint8_t> packet,
                                   WallTime seen_at) {
  const auto destination = InnerDestination(packet);
  if (!destination) return OutboundResult::kNoAddress;
  const SteadyTime now = clock_.SteadyNow();
  if (interface.lately.SeenJustNow(destination->bytes(), now)) return OutboundResult::kRepeated;
  if (interface.peers.IsRouted(*destination)) return OutboundResult::kCovered;
  if (!TakeToken(now)) return OutboundResult::kRateLimited;
  const std::uint64_t id = demands_.Add({interface.name, *destination, now});
  sink_.OnDemand({id, interface.name, *destination, seen_at});
  return OutboundResult::kAsked;
}

bool OutboundWatch::TakeToken(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  bucket_.Refill(options_.rate, Nanoseconds(now));
  return bucket_.Take();
}

std::size_t OutboundWatch::remembered_endpoints() const {
  std::size_t sum = 0;
  for (const auto& interface : interfaces_) sum += interface->peers.remembered_endpoints();
  return sum;
}

}  // namespace jitwg::sniffer
