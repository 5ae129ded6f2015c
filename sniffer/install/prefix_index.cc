// See prefix_index.h.
#include "sniffer/install/prefix_index.h"

namespace jitwg::sniffer {

std::size_t& PrefixIndex::LengthCount(const IpPrefix& prefix) {
  const auto length = static_cast<std::size_t>(prefix.length());
  return prefix.address().is_v4() ? v4_lengths_.at(length) : v6_lengths_.at(length);
}

void PrefixIndex::Insert(const IpPrefix& prefix, const PublicKey& holder) {
  if (holders_.insert_or_assign(prefix, holder).second) ++LengthCount(prefix);
}

void PrefixIndex::Insert(std::span<const IpPrefix> prefixes, const PublicKey& holder) {
  for (const IpPrefix& prefix : prefixes) Insert(prefix, holder);
}

void PrefixIndex::Erase(std::span<const IpPrefix> prefixes, const PublicKey& holder) {
  for (const IpPrefix& prefix : prefixes) {
    const auto found = holders_.find(prefix);
    if (found == holders_.end() || found->second != holder) continue;
    holders_.erase(found);
    --LengthCount(prefix);
  }
}

void PrefixIndex::Clear() {
  holders_.clear();
  v4_lengths_.fill(0);
  v6_lengths_.fill(0);
}

std::optional<PrefixIndex::Holding> PrefixIndex::FindAround(const IpPrefix& prefix,
                                                            const PublicKey& self) const {
  const std::span<const std::size_t> lengths =
      prefix.address().is_v4() ? std::span<const std::size_t>(v4_lengths_) : v6_lengths_;
  for (int length = 0; length < prefix.length(); ++length) {
    if (lengths[static_cast<std::size_t>(length)] == 0) continue;
    const auto around = IpPrefix::Make(prefix.address(), length);
    if (!around) continue;
    const auto found = holders_.find(*around);
    if (found != holders_.end() && found->second != self) return Holding{*around, found->second};
  }
  return std::nullopt;
}

bool PrefixIndex::Covers(const IpAddress& address) const {
  const std::span<const std::size_t> lengths =
      address.is_v4() ? std::span<const std::size_t>(v4_lengths_) : v6_lengths_;
  for (int length = address.bit_length(); length >= 0; --length) {
    if (lengths[static_cast<std::size_t>(length)] == 0) continue;
    const auto around = IpPrefix::Make(address, length);
    if (around && holders_.count(*around) != 0) return true;
  }
  return false;
}

std::optional<PrefixIndex::Holding> PrefixIndex::FindOverlap(const IpPrefix& prefix,
                                                             const PublicKey& self) const {
  for (auto entry = holders_.lower_bound(prefix);
       entry != holders_.end() && prefix.Contains(entry->first); ++entry) {
    if (entry->second != self) return Holding{entry->first, entry->second};
  }
  return FindAround(prefix, self);
}

}  // namespace jitwg::sniffer
