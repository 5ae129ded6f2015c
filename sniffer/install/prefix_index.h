// Which peer holds which allowed IP, and whether a new one would overlap another peer's. Pure; not
// thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>

#include "lib/base/key.h"
#include "lib/base/net.h"

namespace jitwg::sniffer {

// One prefix has one holder, as in the kernel's trie; prefixes of different holders may be nested
// (a foreign default route above others). An ordered map: a query costs at most one look-up for
// each prefix length in use, O(log n) each.
class PrefixIndex {
 public:
  struct Holding {
    IpPrefix prefix;
    PublicKey holder;
  };

  // The last who asks gets it, as in the kernel.
  void Insert(const IpPrefix& prefix, const PublicKey& holder);
  void Insert(std::span<const IpPrefix> prefixes, const PublicKey& holder);
  // Nothing when somebody else holds it.
  void Erase(std::span<const IpPrefix> prefixes, const PublicKey& holder);
  void Clear();

  // A holding of anybody but `self` that is equal to, inside or around `prefix`.
  std::optional<Holding> FindOverlap(const IpPrefix& prefix, const PublicKey& self) const;

  // Anybody's holding contains the address.
  bool Covers(const IpAddress& address) const;

  std::size_t size() const { return holders_.size(); }

 private:
  std::size_t& LengthCount(const IpPrefix& prefix);
  std::optional<Holding> FindAround(const IpPrefix& prefix, const PublicKey& self) const;

  // Ordered by family, address, length: what is inside a prefix follows it without a gap.
  std::map<IpPrefix, PublicKey> holders_;
  // How many prefixes of each length there are, so that lengths out of use are not looked up.
  std::array<std::size_t, 33> v4_lengths_{};
  std::array<std::size_t, 129> v6_lengths_{};
};

}  // namespace jitwg::sniffer
