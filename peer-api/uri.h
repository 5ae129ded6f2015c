// Targets of requests taken apart: path segments, query, and public keys as they stand in a path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/result.h"

namespace jitwg::api {

struct Target {
  std::vector<std::string> segments;         // "/v1/peers" is {"v1", "peers"}; decoded
  std::map<std::string, std::string> query;  // decoded
};

// kInvalidArgument: a bad percent-escape, a parameter given twice, no leading slash, control
// characters.
Result<Target> ParseTarget(std::string_view target);

// Base64 of 32 bytes, with '-' and '_' or '+' and '/', padded or not.
Result<PublicKey> ParseKeySegment(std::string_view text);

// Unpadded base64url, 43 characters.
std::string ToKeySegment(const PublicKey& key);

}  // namespace jitwg::api
