#include "provisioner/pinned_walk.h"

#include <utility>

namespace jitwg::provisioner {
namespace {

constexpr std::size_t kMaxDamaged = 1000;  // more is no row's fault

// The middle of two keys as numbers, rounded down.
PublicKey Middle(const PublicKey& low, const PublicKey& high) {
  PublicKey middle;
  unsigned carry = 0;
  for (std::size_t i = kKeySize; i-- > 0;) {
    const unsigned sum = low.bytes[i] + high.bytes[i] + carry;
    middle.bytes[i] = static_cast<std::uint8_t>(sum & 0xff);
    carry = sum >> 8;
  }
  for (std::uint8_t& byte : middle.bytes) {
    const unsigned whole = (carry << 8) | byte;
    byte = static_cast<std::uint8_t>(whole >> 1);
    carry = whole & 1;
  }
  return middle;
}

bool IsDamage(const Result<std::vector<registry::Peer>>& page) {
  return !page && page.error().code == ErrorCode::kDataLoss;
}

}  // namespace

PinnedWalk::PinnedWalk(registry::Registry& registry, std::string network) : registry_(registry) {
  query_.network = std::move(network);
  query_.pinned_only = true;
}

Result<std::vector<registry::Peer>> PinnedWalk::ListAfter(const std::optional<PublicKey>& key,
                                                          std::size_t limit) {
  query_.after = key;
  query_.limit = limit;
  return registry_.List(query_);
}

Result<std::vector<registry::Peer>> PinnedWalk::Next() {
  while (damaged_.size() < kMaxDamaged) {
    const auto after = query_.after;
    auto page = ListAfter(after, kPage);
    for (std::size_t limit = kPage / 2; IsDamage(page) && limit > 0; limit /= 2) {
      page = ListAfter(after, limit);
    }
    if (!IsDamage(page)) {
      if (page && !page->empty()) query_.after = page->back().public_key;
      return page;
    }
    const Status stepped = StepOver();
    if (!stepped) return stepped.error();
  }
  return Error{ErrorCode::kDataLoss, "the registry's pinned peers cannot be read"};
}

// A registry names the row only in its message for people. So the row is searched by halves: the
// smallest key behind which a list works again is the damaged row's own.
Status PinnedWalk::StepOver() {
  PublicKey fails = query_.after.value_or(PublicKey{});
  PublicKey works;
  works.bytes.fill(0xff);
  while (true) {
    const PublicKey middle = Middle(fails, works);
    if (middle == fails) break;
    const auto page = ListAfter(middle, 1);
    if (!page && !IsDamage(page)) return page.error();
    (page ? works : fails) = middle;
  }
  damaged_.push_back(works);
  query_.after = works;
  return {};
}

std::vector<PublicKey> PinnedWalk::TakeDamaged() { return std::exchange(damaged_, {}); }

}  // namespace jitwg::provisioner
