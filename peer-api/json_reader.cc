#include "peer-api/json_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lib/base/config_values.h"

namespace jitwg::api {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 8;

// What nlohmann's parser lets pass: repeated names, any depth.
class Strictness {
 public:
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) fault_ = "is nested more than 8 deep";
    if (event == json::parse_event_t::object_start) names_.emplace_back();
    if (event == json::parse_event_t::object_end && !names_.empty()) names_.pop_back();
    if (event == json::parse_event_t::key && !names_.empty()) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names_.back().insert(name).second) fault_ = "has field " + Quoted(name) + " twice";
    }
    return fault_.empty();
  }
  const std::string& fault() const { return fault_; }

 private:
  std::vector<std::set<std::string>> names_;
  std::string fault_;
};

}  // namespace

Result<json> ParseObject(std::string_view text) {
  Strictness strictness;
  json parsed = json::parse(text, std::ref(strictness), /*allow_exceptions=*/false);
  if (!strictness.fault().empty()) return InvalidArgument("the body " + strictness.fault());
  if (parsed.is_discarded()) return InvalidArgument("the body is no valid JSON");
  if (!parsed.is_object()) return InvalidArgument("the body is no JSON object");
  return parsed;
}

ObjectReader::ObjectReader(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object())
    fault_ = where_.empty() ? "is no JSON object" : where_ + " is no object";
  if (!where_.empty()) where_ += ".";
}

const json* ObjectReader::Find(const std::string& name) {
  known_.push_back(name);
  if (!good()) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

void ObjectReader::Fault(const std::string& name, const std::string& what) {
  if (good()) fault_ = where_ + name + " " + what;
}

void ObjectReader::Require(const std::string& name) {
  if (Find(name) == nullptr) Fault(name, "is missing");
}

std::optional<std::string> ObjectReader::Text(const std::string& name) {
  const json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  Fault(name, "is a string");
  return std::nullopt;
}

std::optional<bool> ObjectReader::Bool(const std::string& name) {
  const json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  Fault(name, "is true or false");
  return std::nullopt;
}

std::optional<std::int64_t> ObjectReader::Integer(const std::string& name, std::int64_t min,
                                                  std::int64_t max) {
  const json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
  if (fits) {
    const auto number = value->get<std::int64_t>();
    if (number >= min && number <= max) return number;
  }
  Fault(name, "is a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

const json* ObjectReader::Array(const std::string& name, std::size_t most) {
  const json* value = Find(name);
  if (value == nullptr) return nullptr;
  if (value->is_array() && value->size() <= most) return value;
  const std::string limit = "is an array of at most " + std::to_string(most);
  Fault(name, value->is_array() ? limit + ", not " + std::to_string(value->size()) : limit);
  return nullptr;
}

const json* ObjectReader::Object(const std::string& name) {
  const json* value = Find(name);
  if (value == nullptr || value->is_object()) return value;
  Fault(name, "is an object");
  return nullptr;
}

std::optional<std::vector<std::string>> ObjectReader::Texts(const std::string& name,
                                                            std::size_t most) {
  const json* values = Array(name, most);
  if (values == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const json& value : *values) {
    if (!value.is_string()) {
      Fault(name, "holds strings only");
      return std::nullopt;
    }
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

bool ObjectReader::Null(const std::string& name) {
  const json* value = Find(name);
  return value != nullptr && value->is_null();
}

Status ObjectReader::Finish() {
  if (good()) {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      fault_ = where_ + Quoted(name) + " is no field that is known here";
      break;
    }
  }
  if (good()) return {};
  return InvalidArgument(fault_);
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace jitwg::api
