#include "peer-api/routes.h"

#include "lib/base/config_values.h"
#include "peer-api/json_reader.h"
#include "peer-api/message.h"

namespace jitwg::api {

Result<PublicKey> KeyOf(const Call& call) { return ParseKeySegment(call.path.at("key")); }

Result<nlohmann::json> BodyOf(const Call& call) { return ParseObject(call.request.body); }

const std::string* QueryText(const Call& call, const std::string& name) {
  const auto found = call.query.find(name);
  return found == call.query.end() ? nullptr : &found->second;
}

Result<std::optional<bool>> QueryBool(const Call& call, const std::string& name) {
  const std::string* text = QueryText(call, name);
  if (text == nullptr) return std::optional<bool>();
  if (*text == "true") return std::optional<bool>(true);
  if (*text == "false") return std::optional<bool>(false);
  return Error{ErrorCode::kInvalidArgument, "parameter " + name + " is true or false"};
}

Result<std::int64_t> QueryNumber(const Call& call, const std::string& name, std::int64_t absent,
                                 std::int64_t min, std::int64_t max) {
  const std::string* text = QueryText(call, name);
  if (text == nullptr) return absent;
  const auto number = ParseNumber(*text, min, max);
  if (number) return *number;
  return Error{ErrorCode::kInvalidArgument, "parameter " + name + " is a whole number from " +
                                                std::to_string(min) + " to " + std::to_string(max)};
}

Response JsonResponse(int status, const nlohmann::json& body) {
  return {status, "application/json", Dump(body)};
}

Response NoContent() { return {204, "", ""}; }

Response NoSuchPeer(const PublicKey& key) { return Problem(registry::NoSuchPeer(key)); }

}  // namespace jitwg::api
