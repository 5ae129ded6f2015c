// Any bytes as the single values that people and programs write: addresses, prefixes, keys,
// durations, numbers, names. What is accepted is within its bounds, and the same when it is written
// and read again. The first byte says as what.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/config_values.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"
#include "lib/registry/registry.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using jitwg::test::Input;
using jitwg::test::Require;

void Addresses(std::string_view text) {
  const auto address = IpAddress::Parse(text);
  if (address) {
    Require(IpAddress::Parse(address->ToString()).value() == *address);
    Require(IpAddress::FromBytes(address->bytes()).value() == *address);
    Require(IpPrefix::Parse(text).value().length() == address->bit_length());
  } else {
    Require(!address.error().message.empty());
  }
}

void Prefixes(std::string_view text) {
  const auto prefix = IpPrefix::Parse(text);
  const auto exact = ParseExactPrefix(text);
  Require(prefix || !exact);
  if (prefix) {
    Require(prefix->Contains(prefix->address()) && prefix->Overlaps(*prefix));
    Require(ParseExactPrefix(prefix->ToString()).value() == *prefix);
  }
  if (exact) Require(*exact == *prefix);
}

// Two of them, and what they have in common.
void PrefixPair(Input& input) {
  const IpAddress address = input.Address();
  const IpAddress other = input.Address();
  const auto wide = IpPrefix::Make(address, static_cast<int>(input.Byte()) - 1);
  const auto narrow = IpPrefix::Make(other, input.Byte());
  if (!wide || !narrow) return;
  const bool inside = wide->Contains(*narrow);
  Require(!inside || wide->Contains(narrow->address()));
  Require(wide->Overlaps(*narrow) == narrow->Overlaps(*wide));
  Require(wide->Overlaps(*narrow) == (inside || narrow->Contains(*wide)));
  const Endpoint endpoint{other, 51820, other.is_v4() ? 0U : input.Byte()};
  Require(endpoint.ToString().ends_with(":51820"));
}

void Keys(std::string_view text) {
  if (const auto key = ParsePublicKey(text)) {
    Require(text.find(key->ToBase64()) != std::string_view::npos);
    Require(PublicKey::FromBytes(std::string_view(reinterpret_cast<const char*>(key->bytes.data()),
                                                  kKeySize)) == *key);
  }
  if (const auto secret = ParseSecretKey(text)) {
    std::string again = SecretToBase64(*secret);
    Require(text.find(again) != std::string_view::npos);
    WipeString(again);
  }
  std::array<std::uint8_t, kKeySize> bytes{};
  if (FromHex(text, bytes)) {
    std::array<std::uint8_t, kKeySize> again{};
    Require(FromHex(ToHex(bytes), again) && again == bytes);
  }
}

void Durations(std::string_view text) {
  const auto duration = ParseDuration(text);
  if (!duration) return;
  Require(duration->count() >= 0 && *duration <= std::chrono::hours(24 * 366 * 100));
  Require(ParseDuration(FormatDuration(*duration)).value() == *duration);
}

void Numbers(std::string_view text) {
  const auto number = ParseNumber(text, -5, 65535);
  if (number) Require(*number >= -5 && *number <= 65535);
  if (number) Require(ParseNumber(std::to_string(*number), -5, 65535).value() == *number);
  const auto large = ParseNumber(text, 0, INT64_MAX);
  Require(!large || *large >= 0);
  const auto mode = ParseFileMode(text);
  if (mode) Require(ParseFileMode(FormatFileMode(*mode)).value() == *mode);
  static_cast<void>(ParseBool(text));
}

void Names(std::string_view text) {
  if (CheckInterfaceName(text)) Require(!text.empty() && text.size() <= 15);
  if (CheckUnixAddress(text)) Require(text.size() <= 112);
  if (const auto parsed = ParseInterfacePrefix(text)) {
    Require(bool{CheckInterfaceName(parsed->interface)});
    const std::string again = parsed->interface + "=" + parsed->prefix.ToString();
    Require(ParseInterfacePrefix(again).value() == *parsed);
  }
  const std::string quoted = Quoted(text);
  Require(quoted.size() <= 2 + 3 + std::size_t{60} * 4 && quoted.find('\n') == quoted.npos);
  const std::string nearest = NearestName(text, {"peer", "status", "explain"});
  Require(nearest.empty() || text.size() + 2 >= nearest.size());
}

void Labels(std::string_view text) {
  if (registry::ValidateLabel("name", text)) {
    Require(text.size() <= registry::kMaxNameLength);
    Require(text.find('\n') == text.npos && text.find('\x1b') == text.npos);
  }
  if (registry::ValidateNetwork(text)) Require(bool{registry::ValidateLabel("network", text)});
}

void Stamps(std::span<const std::uint8_t> bytes) {
  const auto stamp = Tai64n::FromBytes(bytes);
  Require(stamp.has_value() == (bytes.size() == kTai64nSize));
  if (!stamp) return;
  Require(Tai64n::FromUnix(stamp->UnixSeconds(), stamp->Nanoseconds()) == *stamp);
  Require(stamp->ToUtc().size() >= 20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Input input(std::span(data + 1, size - 1));
  // A copy of just this size: a reader that looks behind the text's end is seen.
  const auto copy = std::make_unique<char[]>(size - 1);
  std::copy_n(data + 1, size - 1, copy.get());
  const std::string_view text(copy.get(), size - 1);
  switch (data[0] % 9) {
    case 0:
      Addresses(text);
      break;
    case 1:
      Prefixes(text);
      break;
    case 2:
      PrefixPair(input);
      break;
    case 3:
      Keys(text);
      break;
    case 4:
      Durations(text);
      break;
    case 5:
      Numbers(text);
      break;
    case 6:
      Names(text);
      break;
    case 7:
      Labels(text);
      break;
    default:
      Stamps(input.Rest());
  }
  return 0;
}
