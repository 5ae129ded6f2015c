#include "lib/rpc/convert.h"

#include <chrono>

namespace jitwg::rpc {
namespace {

std::span<const std::uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string AsString(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Error WrongSize(const char* what, std::size_t expected, std::size_t actual) {
  return Error{ErrorCode::kInvalidArgument, std::string(what) + " has " + std::to_string(expected) +
                                                " bytes, not " + std::to_string(actual)};
}

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

Result<PublicKey> ParseKey(const std::string& bytes) {
  const auto key = PublicKey::FromBytes(AsBytes(bytes));
  if (!key) return WrongSize("a public key", kKeySize, bytes.size());
  return *key;
}

Result<Secret<kKeySize>> ParseSecretKey(const std::string& bytes) {
  if (bytes.size() != kKeySize) return WrongSize("a preshared key", kKeySize, bytes.size());
  return Secret<kKeySize>::CopyOf(AsBytes(bytes).first<kKeySize>());
}

Result<Tai64n> ParseTai64n(const std::string& bytes) {
  const auto stamp = Tai64n::FromBytes(AsBytes(bytes));
  if (!stamp) return WrongSize("a TAI64N time stamp", kTai64nSize, bytes.size());
  return *stamp;
}

Result<IpPrefix> ParsePrefix(const v1::IpPrefix& message) {
  const auto address = IpAddress::FromBytes(AsBytes(message.address()));
  if (!address) return address.error();
  if (message.length() > 128) {
    return Error{ErrorCode::kInvalidArgument,
                 "prefix length " + std::to_string(message.length()) + " exceeds 128"};
  }
  auto prefix = IpPrefix::Make(*address, static_cast<int>(message.length()));
  if (prefix && prefix->address() != *address) {
    return Error{ErrorCode::kInvalidArgument, "the prefix " + address->ToString() + "/" +
                                                  std::to_string(message.length()) +
                                                  " has host bits set; send " + prefix->ToString()};
  }
  return prefix;
}

Result<Endpoint> ParseEndpoint(const v1::Endpoint& message) {
  const auto address = IpAddress::FromBytes(AsBytes(message.address()));
  if (!address) return address.error();
  if (message.port() > 65535) {
    return Error{ErrorCode::kInvalidArgument,
                 "port " + std::to_string(message.port()) + " exceeds 65535"};
  }
  return Endpoint{*address, static_cast<std::uint16_t>(message.port()), message.scope_id()};
}

std::string ToBytes(const PublicKey& key) { return AsString(key.bytes); }
std::string ToBytes(const Tai64n& stamp) { return AsString(stamp.bytes); }

void Fill(const IpPrefix& prefix, v1::IpPrefix* message) {
  message->set_address(AsString(prefix.address().bytes()));
  message->set_length(static_cast<std::uint32_t>(prefix.length()));
}

void Fill(const Endpoint& endpoint, v1::Endpoint* message) {
  message->set_address(AsString(endpoint.address.bytes()));
  message->set_port(endpoint.port);
  message->set_scope_id(endpoint.scope_id);
}

void Fill(WallTime time, google::protobuf::Timestamp* message) {
  const std::int64_t nanos =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  const std::int64_t rest = ((nanos % kNanosPerSecond) + kNanosPerSecond) % kNanosPerSecond;
  message->set_seconds((nanos - rest) / kNanosPerSecond);
  message->set_nanos(static_cast<std::int32_t>(rest));
}

void Fill(std::chrono::nanoseconds duration, google::protobuf::Duration* message) {
  message->set_seconds(duration.count() / kNanosPerSecond);
  message->set_nanos(static_cast<std::int32_t>(duration.count() % kNanosPerSecond));
}

WallTime ToWallTime(const google::protobuf::Timestamp& message) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::seconds(message.seconds()) + std::chrono::nanoseconds(message.nanos())));
}

std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& message) {
  return std::chrono::seconds(message.seconds()) + std::chrono::nanoseconds(message.nanos());
}

}  // namespace jitwg::rpc
