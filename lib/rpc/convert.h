// Between protocol messages and the project's values. Every byte of a message may be wrong: each
// Parse says what is.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "jitwg/v1/types.pb.h"
#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/base/tai64n.h"

namespace jitwg::rpc {

// Exactly 32 bytes, else kInvalidArgument.
Result<PublicKey> ParseKey(const std::string& bytes);
// Exactly 32 bytes, else kInvalidArgument. Wiping `bytes` is the caller's duty.
Result<Secret<kKeySize>> ParseSecretKey(const std::string& bytes);
// Exactly 12 bytes, else kInvalidArgument.
Result<Tai64n> ParseTai64n(const std::string& bytes);
Result<IpPrefix> ParsePrefix(const v1::IpPrefix& message);
Result<Endpoint> ParseEndpoint(const v1::Endpoint& message);

template <class Repeated>
Result<std::vector<IpPrefix>> ParsePrefixes(const Repeated& messages) {
  std::vector<IpPrefix> prefixes;
  prefixes.reserve(static_cast<std::size_t>(messages.size()));
  for (const v1::IpPrefix& message : messages) {
    auto prefix = ParsePrefix(message);
    if (!prefix) return prefix.error();
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::string ToBytes(const PublicKey& key);
std::string ToBytes(const Tai64n& stamp);
void Fill(const IpPrefix& prefix, v1::IpPrefix* message);
void Fill(const Endpoint& endpoint, v1::Endpoint* message);
void Fill(WallTime time, google::protobuf::Timestamp* message);
void Fill(std::chrono::nanoseconds duration, google::protobuf::Duration* message);
WallTime ToWallTime(const google::protobuf::Timestamp& message);
std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& message);

}  // namespace jitwg::rpc
