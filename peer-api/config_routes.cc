// /v1/peers/{key}/config: what the client needs, in the form it wants.
#include <optional>
#include <string_view>
#include <utility>

#include "peer-api/json_reader.h"
#include "peer-api/message.h"
#include "peer-api/peer_json.h"
#include "peer-api/qr_code.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

using registry::ControlPlane;

enum class Format : std::uint8_t { kJson, kWgQuick, kQrSvg, kQrPng };

std::optional<Format> FormatNamed(std::string_view name) {
  if (name == "json") return Format::kJson;
  if (name == "wg-quick") return Format::kWgQuick;
  if (name == "qr-svg") return Format::kQrSvg;
  if (name == "qr-png") return Format::kQrPng;
  return std::nullopt;
}

// The first media type of the list that this service has; qualities are not weighed.
std::optional<Format> FormatAccepted(std::string_view accept) {
  if (accept.empty()) return Format::kJson;
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    std::string_view type = accept.substr(0, comma);
    accept.remove_prefix(comma == std::string_view::npos ? accept.size() : comma + 1);
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
    while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
    if (type == "application/json" || type == "application/*" || type == "*/*") {
      return Format::kJson;
    }
    if (type == "text/plain" || type == "text/*") return Format::kWgQuick;
    if (type == "image/svg+xml") return Format::kQrSvg;
    if (type == "image/png" || type == "image/*") return Format::kQrPng;
  }
  return std::nullopt;
}

Response QrResponse(std::string text, bool svg) {
  auto image = svg ? QrSvg(text) : QrPng(text);
  WipeString(text);
  if (!image) return Problem(image.error());
  return {200, svg ? "image/svg+xml" : "image/png", std::move(*image)};
}

Response Render(const ClientConfig& config, Format format) {
  switch (format) {
    case Format::kJson:
      return {200, "application/json", ToConfigJson(config)};
    case Format::kWgQuick:
      return {200, "text/plain; charset=utf-8", ToWgQuick(config)};
    case Format::kQrSvg:
      return QrResponse(ToWgQuick(config), true);
    case Format::kQrPng:
      return QrResponse(ToWgQuick(config), false);
  }
  return Problem(500, ErrorCode::kInternal, "no such format");
}

Response Answer(ControlPlane& control, const ServerSides& sides, const Call& call,
                std::optional<PrivateKey> private_key) {
  const std::string* name = QueryText(call, "format");
  const auto format =
      name != nullptr ? FormatNamed(*name) : FormatAccepted(call.request.head.accept);
  if (!format && name != nullptr) {
    return Problem(
        {ErrorCode::kInvalidArgument, "parameter format is json, wg-quick, qr-svg or qr-png"});
  }
  if (!format) {
    return Problem(406, ErrorCode::kInvalidArgument,
                   "there are application/json, text/plain, image/svg+xml and image/png");
  }
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  if (private_key && DerivePublicKey(*private_key) != *key) {
    return Problem({ErrorCode::kInvalidArgument, "private_key is not that of this peer"});
  }
  const auto peer = control.Get(*key);
  if (!peer) return Problem(peer.error());
  if (!*peer) return NoSuchPeer(*key);
  auto config = MakeClientConfig(**peer, sides);
  if (!config) return Problem(config.error());
  config->private_key = std::move(private_key);
  return Render(*config, *format);
}

Result<PrivateKey> ReadPrivateKey(nlohmann::json& body) {
  ObjectReader reader(body);
  reader.Require("private_key");
  auto text = reader.Text("private_key");
  auto key = text ? ParseSecretKey(*text) : Result<PrivateKey>(PrivateKey());
  if (text) WipeString(*text);
  if (!key) reader.Fault("private_key", "is no private key: 44 characters of base64");
  auto finished = reader.Finish();
  WipeSecrets(body);
  if (!finished) return finished.error();
  return key;
}

Response AnswerWithKey(ControlPlane& control, const ServerSides& sides, const Call& call) {
  auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  auto key = ReadPrivateKey(*body);
  if (!key) return Problem(key.error());
  return Answer(control, sides, call, std::move(*key));
}

}  // namespace

void AddConfigRoutes(Router& router, ControlPlane& control, const ServerSides& sides) {
  const std::string pattern = "/v1/peers/{key}/config";
  router.Add({"GET", pattern, Role::kAdmin, false, {"format"}, [&](const Call& call) {
                return Answer(control, sides, call, std::nullopt);
              }});
  router.Add({"POST", pattern, Role::kAdmin, true, {"format"}, [&](const Call& call) {
                return AnswerWithKey(control, sides, call);
              }});
}

}  // namespace jitwg::api
