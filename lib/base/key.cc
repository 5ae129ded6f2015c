#include "lib/base/key.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/sodium.h"

namespace jitwg {
namespace {

constexpr std::size_t kBase64Length = 44;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool DecodeBase64(std::string_view text, std::span<std::uint8_t, kKeySize> out) {
  const std::string_view trimmed = Trim(text);
  if (trimmed.size() != kBase64Length) return false;
  // libsodium 1.0.18 takes every byte from 0x80 on for a digit. In constant time: it may be a
  // secret.
  unsigned char all = 0;
  for (const char c : trimmed)
    all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
  if (all >= 0x80) return false;
  std::size_t length = 0;
  const int rc = sodium_base642bin(out.data(), out.size(), trimmed.data(), trimmed.size(), nullptr,
                                   &length, nullptr, sodium_base64_VARIANT_ORIGINAL);
  return rc == 0 && length == kKeySize;
}

std::string EncodeBase64(std::span<const std::uint8_t, kKeySize> bytes) {
  std::string text(kBase64Length + 1, '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.resize(kBase64Length);
  return text;
}

constexpr const char* kWhatAKeyIs =
    "a key is 32 bytes in base64: 44 characters as `wg genkey` prints";

struct HashSeed {
  HashSeed() {
    InitSodium();
    crypto_shorthash_keygen(bytes.data());
  }
  std::array<std::uint8_t, crypto_shorthash_KEYBYTES> bytes{};
};

}  // namespace

std::optional<PublicKey> PublicKey::FromBytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kKeySize) return std::nullopt;
  PublicKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

std::optional<PublicKey> PublicKey::FromBytes(std::string_view bytes) {
  return FromBytes(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

std::string PublicKey::ToBase64() const { return EncodeBase64(bytes); }

bool PublicKey::IsZero() const { return sodium_is_zero(bytes.data(), bytes.size()) != 0; }

Result<PublicKey> ParsePublicKey(std::string_view text) {
  PublicKey key;
  if (!DecodeBase64(text, key.bytes)) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(text.substr(0, 60)) + "' is no public key; " + kWhatAKeyIs};
  }
  return key;
}

Result<Secret<kKeySize>> ParseSecretKey(std::string_view text) {
  Secret<kKeySize> key;
  if (!DecodeBase64(text, key.mutable_bytes())) {
    return Error{ErrorCode::kInvalidArgument,
                 std::string("the secret text is no key; ") + kWhatAKeyIs};
  }
  return key;
}

Result<Secret<kKeySize>> ReadSecretKeyFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("cannot open key file " + path, errno);
  std::array<char, 128> buffer{};
  const ssize_t length = ::read(fd, buffer.data(), buffer.size());
  const int read_errno = errno;
  ::close(fd);
  if (length < 0) return ErrnoError("cannot read key file " + path, read_errno);
  auto key = ParseSecretKey({buffer.data(), static_cast<std::size_t>(length)});
  sodium_memzero(buffer.data(), buffer.size());
  if (!key) {
    return Error{ErrorCode::kInvalidArgument, "key file " + path + " holds no key; " + kWhatAKeyIs};
  }
  return key;
}

std::string SecretToBase64(const Secret<kKeySize>& key) { return EncodeBase64(key.bytes()); }

std::string ToHex(std::span<const std::uint8_t> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.resize(bytes.size() * 2);
  return text;
}

bool FromHex(std::string_view hex, std::span<std::uint8_t> out) {
  if (hex.size() != out.size() * 2) return false;
  std::size_t length = 0;
  return sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &length,
                        nullptr) == 0 &&
         length == out.size();
}

void WipeString(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

PublicKey DerivePublicKey(const PrivateKey& key) {
  InitSodium();
  PublicKey public_key;
  crypto_scalarmult_curve25519_base(public_key.bytes.data(), key.bytes().data());
  return public_key;
}

PrivateKey GeneratePrivateKey() {
  InitSodium();
  PrivateKey key;
  auto bytes = key.mutable_bytes();
  randombytes_buf(bytes.data(), bytes.size());
  bytes[0] &= 248;
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 127) | 64);
  return key;
}

std::uint64_t SeededHash(std::span<const std::uint8_t> bytes) {
  static const HashSeed seed;
  std::uint64_t hash = 0;
  static_assert(sizeof(hash) == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), bytes.data(), bytes.size(),
                   seed.bytes.data());
  return hash;
}

std::size_t PublicKeyHash::operator()(const PublicKey& key) const {
  return static_cast<std::size_t>(SeededHash(key.bytes));
}

}  // namespace jitwg
