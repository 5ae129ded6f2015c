// Curve25519 keys as WireGuard writes them: 32 bytes, or 44 characters of padded base64.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/base/secret.h"

namespace jitwg {

inline constexpr std::size_t kKeySize = 32;

using PrivateKey = Secret<kKeySize>;
using PresharedKey = Secret<kKeySize>;

struct PublicKey {
  std::array<std::uint8_t, kKeySize> bytes{};

  // Exactly 32 bytes, else nullopt.
  static std::optional<PublicKey> FromBytes(std::span<const std::uint8_t> bytes);
  static std::optional<PublicKey> FromBytes(std::string_view bytes);

  // 44 characters of standard padded base64, as wg(8) prints.
  std::string ToBase64() const;

  bool IsZero() const;

  auto operator<=>(const PublicKey&) const = default;
};

// Parses 44 characters of base64 (surrounding blanks and one newline allowed); kInvalidArgument
// otherwise.
Result<PublicKey> ParsePublicKey(std::string_view text);

// The same for a secret key. The error never repeats the text.
Result<Secret<kKeySize>> ParseSecretKey(std::string_view text);

// Reads a key file of wg(8)'s form (one line of base64). The buffer it was read into is wiped.
// Errors: the errno of open(2)/read(2) with the path; kInvalidArgument when the contents are no
// key.
Result<Secret<kKeySize>> ReadSecretKeyFile(const std::string& path);

// base64 of a secret key, for the UAPI and for `peer show --secrets`; the caller wipes the string
// (WipeString).
std::string SecretToBase64(const Secret<kKeySize>& key);

// Lower-case hexadecimal, the UAPI's form. The secret overload's result is to be wiped by the
// caller.
std::string ToHex(std::span<const std::uint8_t> bytes);
// Exactly 2*N hexadecimal digits into `out`; false otherwise. Constant time in the digits' values.
bool FromHex(std::string_view hex, std::span<std::uint8_t> out);

// Overwrites the characters, then empties the string.
void WipeString(std::string& text);

// X25519(private, 9), RFC 7748.
PublicKey DerivePublicKey(const PrivateKey& key);

// A new clamped Curve25519 private key from the system's random source.
PrivateKey GeneratePrivateKey();

struct PublicKeyHash {
  // Seeded once per process: a stranger cannot choose keys that collide.
  std::size_t operator()(const PublicKey& key) const;
};

// Seeded SipHash-2-4 (libsodium's crypto_shorthash) of any bytes; one random seed per process.
std::uint64_t SeededHash(std::span<const std::uint8_t> bytes);

}  // namespace jitwg
