// Members of JSON objects, taken strictly. For the files of this folder that read JSON; the one
// exception, WrongMember, is caught by the function that began the reading.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/result.h"

namespace jitwg::registry::json_members {

using nlohmann::json;

// A member that is missing or of the wrong kind.
struct WrongMember {
  std::string name;
};

template <class T>
T Member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw WrongMember{name};
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw WrongMember{name};
  }
}

inline std::uint64_t Number(const json& object, const char* name, std::uint64_t most) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) throw WrongMember{name};
  const auto value = found->get<std::uint64_t>();
  if (value > most) throw WrongMember{name};
  return value;
}

inline bool Flag(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_boolean()) throw WrongMember{name};
  return found->get<bool>();
}

inline std::int64_t ToMicroseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

inline std::optional<WallTime> OptionalTime(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw WrongMember{name};
  if (found->is_null()) return std::nullopt;
  // What a clock of nanoseconds can hold.
  constexpr std::int64_t kMost = INT64_MAX / 1000;
  if (!found->is_number_integer()) throw WrongMember{name};
  // What has no sign and is larger than that would be taken for a negative number.
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > std::uint64_t{kMost}) {
    throw WrongMember{name};
  }
  const auto value = found->get<std::int64_t>();
  if (value > kMost || value < -kMost) throw WrongMember{name};
  return WallTime(std::chrono::microseconds(value));
}

inline WallTime Time(const json& object, const char* name) {
  const auto time = OptionalTime(object, name);
  if (!time) throw WrongMember{name};
  return *time;
}

inline PublicKey Key(const json& object, const char* name) {
  const auto key = ParsePublicKey(Member<std::string>(object, name));
  if (!key) throw WrongMember{name};
  return *key;
}

// No exception, at most 8 levels deep: a hostile text must not eat the stack.
inline Result<json> Parsed(std::string_view text) {
  constexpr int kMostLevels = 8;
  const auto shallow = [](int depth, json::parse_event_t event, const json&) {
    return depth <= kMostLevels || event == json::parse_event_t::key;
  };
  json document = json::parse(text, shallow, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object()) {
    return Error{ErrorCode::kUnavailable, "the answer is no JSON object: is that a peer API?"};
  }
  return document;
}

inline std::string Dump(const json& document) {
  // A name from a damaged store may be no UTF-8.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace jitwg::registry::json_members
