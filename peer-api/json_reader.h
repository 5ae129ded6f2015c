// Reads JSON of strangers strictly: wrong types, numbers out of range, unknown and repeated fields
// are refused by name.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::api {

// One object, nothing behind it, nested at most eight deep, no field twice. kInvalidArgument says
// what is wrong; it never repeats the text.
Result<nlohmann::json> ParseObject(std::string_view text);

// One object, field by field. The first fault is kept; after it the getters return nothing.
// `object` outlives the reader.
class ObjectReader {
 public:
  // `where` stands before the fields' names in messages, e.g. "sightings[3]."; may be empty.
  explicit ObjectReader(const nlohmann::json& object, std::string where = "");

  // nullopt: the field is absent, or there is a fault.
  std::optional<std::string> Text(const std::string& name);
  std::optional<bool> Bool(const std::string& name);
  std::optional<std::int64_t> Integer(const std::string& name, std::int64_t min, std::int64_t max);
  std::optional<std::vector<std::string>> Texts(const std::string& name, std::size_t most);
  // nullptr: absent.
  const nlohmann::json* Array(const std::string& name, std::size_t most);
  const nlohmann::json* Object(const std::string& name);
  // The field is there and null; it counts as read then.
  bool Null(const std::string& name);
  // The same for a field that must be there.
  void Require(const std::string& name);

  // Keeps a fault of the caller's own about this field.
  void Fault(const std::string& name, const std::string& what);
  bool good() const { return fault_.empty(); }
  // The first fault, or a field that nobody asked for. kInvalidArgument.
  Status Finish();

 private:
  const nlohmann::json* Find(const std::string& name);

  const nlohmann::json& object_;
  std::string where_;
  std::string fault_;
  std::vector<std::string> known_;
};

// `text` as a field's value; fit for people: ASCII only.
std::string Dump(const nlohmann::json& value);

}  // namespace jitwg::api
