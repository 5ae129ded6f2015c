#include "lib/registry/postgres_notice.h"

#include <charconv>

namespace jitwg::registry {
namespace {

std::uint64_t ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

PostgresNotice ReadPostgresNotice(bool own, std::string_view payload) {
  if (own) return {{}, ToNumber(payload)};
  const auto key = ParsePublicKey(payload);
  return {key ? Change{*key} : Change{}, 0};
}

}  // namespace jitwg::registry
