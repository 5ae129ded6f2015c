#include "lib/registry/api_json.h"

#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "lib/registry/json_members.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {
namespace {

using namespace json_members;  // NOLINT(google-build-using-namespace)

struct CodeText {
  ErrorCode code;
  std::string_view name;
};
constexpr std::array kCodes{
    CodeText{ErrorCode::kInvalidArgument, "invalid_argument"},
    CodeText{ErrorCode::kNotFound, "not_found"},
    CodeText{ErrorCode::kAlreadyExists, "already_exists"},
    CodeText{ErrorCode::kPermissionDenied, "permission_denied"},
    CodeText{ErrorCode::kFailedPrecondition, "failed_precondition"},
    CodeText{ErrorCode::kResourceExhausted, "resource_exhausted"},
    CodeText{ErrorCode::kUnavailable, "unavailable"},
    CodeText{ErrorCode::kDeadlineExceeded, "deadline_exceeded"},
    CodeText{ErrorCode::kAborted, "aborted"},
    CodeText{ErrorCode::kDataLoss, "data_loss"},
    CodeText{ErrorCode::kUnimplemented, "unimplemented"},
    CodeText{ErrorCode::kInternal, "internal"},
};

// "192.0.2.1:51820" or "[2001:db8::1]:51820".
Endpoint ParseEndpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw WrongMember{"endpoint"};
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  Endpoint endpoint;
  if (const auto percent = host.find('%'); percent != std::string::npos) host.resize(percent);
  const auto address = IpAddress::Parse(host);
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, endpoint.port);
  if (!address || error != std::errc() || stop != end) throw WrongMember{"endpoint"};
  endpoint.address = *address;
  return endpoint;
}

Sighting SightingOf(const json& entry, const std::string& gateway) {
  if (!entry.is_object()) throw WrongMember{"sightings"};
  Sighting sighting;
  sighting.public_key = Key(entry, "public_key");
  sighting.gateway = gateway;
  sighting.interface = Member<std::string>(entry, "interface");
  sighting.endpoint = ParseEndpoint(Member<std::string>(entry, "endpoint"));
  sighting.last_handshake = OptionalTime(entry, "last_handshake");
  sighting.rx_bytes = Number(entry, "rx_bytes", UINT64_MAX);
  sighting.tx_bytes = Number(entry, "tx_bytes", UINT64_MAX);
  sighting.seen_at = Time(entry, "seen_at");
  return sighting;
}

GatewayReport ReportOf(const json& document) {
  GatewayReport report;
  const auto gateway = Member<json::object_t>(document, "gateway");
  report.gateway.name = Member<std::string>(gateway, "name");
  report.gateway.version = Member<std::string>(gateway, "version");
  report.gateway.peers = Number(gateway, "peers", UINT32_MAX);
  const auto entries = Member<json::array_t>(document, "sightings");
  if (entries.size() > kMaxListLimit) throw WrongMember{"sightings"};
  for (const json& entry : entries) {
    report.sightings.push_back(SightingOf(entry, report.gateway.name));
  }
  return report;
}

}  // namespace

std::string CodeName(ErrorCode code) {
  for (const CodeText& entry : kCodes) {
    if (entry.code == code) return std::string(entry.name);
  }
  return "internal";
}

std::string ChangesToJson(const ChangePage& page) {
  json document{{"cursor", page.cursor}, {"reset", page.reset}, {"keys", json::array()}};
  for (const PublicKey& key : page.keys) document["keys"].push_back(key.ToBase64());
  return Dump(document);
}

Result<ChangePage> ChangesFromJson(std::string_view text) {
  const auto document = Parsed(text);
  if (!document) return document.error();
  try {
    ChangePage page;
    page.cursor = Member<std::string>(*document, "cursor");
    page.reset = Flag(*document, "reset");
    for (const json& entry : Member<json::array_t>(*document, "keys")) {
      const auto key =
          entry.is_string() ? ParsePublicKey(entry.get<std::string>()) : Result<PublicKey>(Error{});
      if (!key) throw WrongMember{"keys"};
      page.keys.push_back(*key);
    }
    return page;
  } catch (const WrongMember& wrong) {
    return Error{ErrorCode::kUnavailable, "the change notices make no sense: " + wrong.name};
  }
}

std::string HolderToJson(const std::optional<AddressHolder>& holder) {
  json document{{"holder", nullptr}};
  if (holder) {
    json& entry = document["holder"];
    entry = {{"public_key", holder->public_key.ToBase64()}, {"last_endpoint", nullptr}};
    if (holder->last_endpoint) entry["last_endpoint"] = holder->last_endpoint->ToString();
  }
  return Dump(document);
}

Result<std::optional<AddressHolder>> HolderFromJson(std::string_view text) {
  const auto document = Parsed(text);
  if (!document) return document.error();
  try {
    const auto entry = document->find("holder");
    if (entry == document->end()) throw WrongMember{"holder"};
    if (entry->is_null()) return std::optional<AddressHolder>();
    if (!entry->is_object()) throw WrongMember{"holder"};
    AddressHolder holder{Key(*entry, "public_key"), std::nullopt};
    const auto endpoint = entry->find("last_endpoint");
    if (endpoint == entry->end()) throw WrongMember{"last_endpoint"};
    if (!endpoint->is_null()) {
      holder.last_endpoint = ParseEndpoint(Member<std::string>(*entry, "last_endpoint"));
    }
    return std::optional<AddressHolder>(holder);
  } catch (const WrongMember& wrong) {
    return Error{ErrorCode::kUnavailable,
                 "what the peer API says of an address makes no sense: " + wrong.name};
  }
}

std::string ReportToJson(const GatewayReport& report) {
  json document{{"gateway",
                 {{"name", report.gateway.name},
                  {"version", report.gateway.version},
                  {"peers", report.gateway.peers}}},
                {"sightings", json::array()}};
  for (const Sighting& sighting : report.sightings) {
    json entry{{"public_key", sighting.public_key.ToBase64()},
               {"interface", sighting.interface},
               {"endpoint", sighting.endpoint.ToString()},
               {"last_handshake", nullptr},
               {"rx_bytes", sighting.rx_bytes},
               {"tx_bytes", sighting.tx_bytes},
               {"seen_at", ToMicroseconds(sighting.seen_at)}};
    if (sighting.last_handshake) entry["last_handshake"] = ToMicroseconds(*sighting.last_handshake);
    document["sightings"].push_back(std::move(entry));
  }
  return Dump(document);
}

Result<GatewayReport> ReportFromJson(std::string_view text) {
  const auto document = Parsed(text);
  if (!document) return Error{ErrorCode::kInvalidArgument, "the report is no JSON object"};
  try {
    return ReportOf(*document);
  } catch (const WrongMember& wrong) {
    return Error{ErrorCode::kInvalidArgument, "the report's " + wrong.name + " makes no sense"};
  }
}

Error ErrorFromProblem(int status, std::string_view body) {
  const auto document = Parsed(body);
  if (document) {
    const auto code = document->find("code");
    const auto detail = document->find("detail");
    for (const CodeText& entry : kCodes) {
      if (code == document->end() || *code != entry.name) continue;
      std::string text = detail != document->end() && detail->is_string()
                             ? detail->get<std::string>().substr(0, 500)
                             : "the peer API says " + std::string(entry.name);
      for (char& c : text) {
        if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
      }
      return Error{entry.code, std::move(text)};
    }
  }
  return Error{ErrorCode::kUnavailable,
               "the peer API answered with HTTP status " + std::to_string(status)};
}

}  // namespace jitwg::registry
