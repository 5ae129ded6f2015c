#include "lib/noise/kdf.h"

#include <array>
#include <cstring>

namespace jitwg::noise {
namespace {

// The hash of one block, key XOR `pad` (RFC 2104 section 2), to be continued.
Blake2s PaddedKey(std::span<const std::uint8_t, kHashSize> key, std::uint8_t pad) {
  Secret<kBlake2sBlockSize> block;
  const auto bytes = block.mutable_bytes();
  std::memset(bytes.data(), pad, bytes.size());
  for (std::size_t i = 0; i < key.size(); ++i) bytes[i] ^= key[i];
  Blake2s hash;
  hash.Update(bytes);
  hash.CompressFullBlock();
  return hash;
}

Secret<kHashSize> ExpandFirst(const HmacBlake2s& extracted) {
  constexpr std::array<std::uint8_t, 1> kOne = {1};
  return extracted.Mac(kOne);
}

}  // namespace

HmacBlake2s::HmacBlake2s(std::span<const std::uint8_t, kHashSize> key)
    : inner_(PaddedKey(key, 0x36)), outer_(PaddedKey(key, 0x5c)) {}

Secret<kHashSize> HmacBlake2s::Mac(std::span<const std::uint8_t> input) const {
  Secret<kHashSize> mac;
  Blake2s inner = inner_;
  inner.Update(input);
  inner.Final(mac.mutable_bytes());
  Blake2s outer = outer_;
  outer.Update(mac.bytes());
  outer.Final(mac.mutable_bytes());
  return mac;
}

Secret<kHashSize> Kdf1(const HmacBlake2s& chaining_key, std::span<const std::uint8_t> input) {
  return ExpandFirst(HmacBlake2s(chaining_key.Mac(input).bytes()));
}

KdfPair Kdf2(const HmacBlake2s& chaining_key, std::span<const std::uint8_t> input) {
  const HmacBlake2s extracted(chaining_key.Mac(input).bytes());
  KdfPair pair{ExpandFirst(extracted), {}};
  Secret<kHashSize + 1> first_and_two;
  std::memcpy(first_and_two.mutable_bytes().data(), pair.first.bytes().data(), kHashSize);
  first_and_two.mutable_bytes()[kHashSize] = 2;
  pair.second = extracted.Mac(first_and_two.bytes());
  return pair;
}

}  // namespace jitwg::noise
