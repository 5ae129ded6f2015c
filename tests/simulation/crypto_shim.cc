// Crypto for the simulation: X25519 is computed once for each pair of keys and then remembered, and
// random numbers follow from the seed. All else, BLAKE2s and the AEAD included, is the real thing.
#include "tests/simulation/crypto_shim.h"

#include <dlfcn.h>
#include <sodium.h>

#include <array>
#include <cstring>
#include <unordered_map>

#include "tests/simulation/random.h"

namespace jitwg::simulation {
namespace {

using Pair = std::array<unsigned char, 64>;

struct PairHash {
  std::size_t operator()(const Pair& pair) const {
    std::size_t first = 0;
    std::size_t second = 0;
    std::memcpy(&first, pair.data() + 8, sizeof(first));
    std::memcpy(&second, pair.data() + 40, sizeof(second));
    return first ^ (second * 0x9e3779b97f4a7c15U);
  }
};

struct Product {
  int code = 0;
  std::array<unsigned char, 32> bytes{};
};

std::unordered_map<Pair, Product, PairHash>& Products() {
  static auto* products = new std::unordered_map<Pair, Product, PairHash>;
  return *products;
}

Random& Numbers() {
  static Random numbers(1);
  return numbers;
}

std::array<unsigned char, 32> zero_point{};
bool accept_zero_point = false;

Pair PairOf(const unsigned char* scalar, const unsigned char* point) {
  Pair pair{};
  std::memcpy(pair.data(), scalar, 32);
  if (point != nullptr) std::memcpy(pair.data() + 32, point, 32);
  return pair;
}

template <class Compute>
int Remembered(unsigned char* out, const Pair& pair, Compute compute) {
  auto [item, is_new] = Products().try_emplace(pair);
  if (is_new) item->second.code = compute(item->second.bytes.data());
  std::memcpy(out, item->second.bytes.data(), 32);
  return item->second.code;
}

template <class Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void SeedRandomNumbers(std::uint64_t seed) { Numbers() = Random(seed); }

void BreakX25519(const PublicKey* point) {
  accept_zero_point = point != nullptr;
  if (point != nullptr) zero_point = point->bytes;
}

}  // namespace jitwg::simulation

extern "C" {

int crypto_scalarmult_curve25519(unsigned char* out, const unsigned char* scalar,
                                 const unsigned char* point) {
  using namespace jitwg::simulation;
  if (accept_zero_point && std::memcmp(point, zero_point.data(), 32) == 0) {
    std::memset(out, 0, 32);
    return 0;
  }
  static const auto real =
      Real<decltype(&crypto_scalarmult_curve25519)>("crypto_scalarmult_curve25519");
  return Remembered(out, PairOf(scalar, point),
                    [&](unsigned char* to) { return real(to, scalar, point); });
}

int crypto_scalarmult_curve25519_base(unsigned char* out, const unsigned char* scalar) {
  using namespace jitwg::simulation;
  static const auto real =
      Real<decltype(&crypto_scalarmult_curve25519_base)>("crypto_scalarmult_curve25519_base");
  return Remembered(out, PairOf(scalar, nullptr),
                    [&](unsigned char* to) { return real(to, scalar); });
}

// The shipped code looks for the zero product itself: the mistake takes that away, too.
int sodium_is_zero(const unsigned char* bytes, const size_t size) {
  using namespace jitwg::simulation;
  if (accept_zero_point) return 0;
  static const auto real = Real<decltype(&sodium_is_zero)>("sodium_is_zero");
  return real(bytes, size);
}

void randombytes_buf(void* const out, const size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<unsigned char>(jitwg::simulation::Numbers().Next());
  }
}

}  // extern "C"
