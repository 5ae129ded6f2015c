// Who may call: bearer tokens of a file, kept as hashes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "peer-api/role.h"

namespace jitwg::api {

inline constexpr std::size_t kMinTokenLength = 16;
inline constexpr std::size_t kMaxTokenLength = 512;
inline constexpr std::size_t kMaxTokens = 10'000;

// Immutable once loaded: thread-safe.
class Tokens {
 public:
  // Lines "ROLE TOKEN", ROLE admin or gateway; blank lines and those that begin with '#' do not
  // count. Errors name the line and never the token: kInvalidArgument; kFailedPrecondition: no
  // token.
  static Result<Tokens> Parse(std::string_view text);
  // The same from a file that nobody but owner and root may read: kPermissionDenied; what open(2)
  // says. The buffer it was read into is wiped.
  static Result<Tokens> Load(const std::string& path);

  struct Caller {
    Role role = Role::kAnyone;
    std::size_t token = 0;  // its number, for counting
  };
  // For the value of an Authorization field; nullopt: no token that is known. Takes the same time
  // whichever token it is, known or not.
  std::optional<Caller> Find(std::string_view authorization) const;

  std::size_t size() const { return entries_.size(); }

 private:
  using Hash = std::array<std::uint8_t, 32>;
  struct Entry {
    Role role;
    Hash hash;
  };
  Status Add(std::string_view line, std::size_t number);

  std::vector<Entry> entries_;
};

}  // namespace jitwg::api
