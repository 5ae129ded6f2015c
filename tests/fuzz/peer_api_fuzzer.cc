// Any bytes as what a caller of the peer API sends: body, target, key, time, endpoint, and as the
// token file. No crash; what is accepted is valid, and comes back the same when it is written and
// read again. The first byte says as what.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "peer-api/json_reader.h"
#include "peer-api/peer_fields.h"
#include "peer-api/peer_json.h"
#include "peer-api/times.h"
#include "peer-api/tokens.h"
#include "peer-api/uri.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using namespace jitwg::api;

using jitwg::test::Require;

// A written time that can be read again: people's form has no years before 1970.
void CheckTime(WallTime time) {
  const auto again = ParseTime(FormatTime(time));
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time);
  if (again) Require(*again == WallTime(micros));
  Require(again || micros.time_since_epoch().count() < 0 ||
          time > *ParseTime("2261-12-31T00:00:00Z"));
}

// The public form of a peer, less what the service sets, is a wish for the same peer.
void CheckPublicForm(const registry::Peer& peer) {
  nlohmann::json written = ToJson(peer, nullptr);
  Require(written["preshared_key_set"] == peer.preshared_key.has_value());
  for (const char* name : {"preshared_key_set", "created_at", "updated_at", "last_seen"}) {
    written.erase(name);
  }
  const auto again = ReadCreate(*ParseObject(Dump(written)));
  Require(bool{again});
  registry::Peer wanted = peer.Clone();
  wanted.preshared_key.reset();
  Require(RowText(again->peer) == RowText(wanted));
}

void Create(const nlohmann::json& body) {
  const auto wish = ReadCreate(body);
  if (!wish) return;
  Require(bool{registry::ValidateWish(wish->peer)});
  CheckPublicForm(wish->peer);
}

void Patch(const nlohmann::json& body) {
  const auto patch = ReadPatch(body);
  if (!patch) return;
  if (patch->allowed_ips) Require(patch->allowed_ips->size() <= registry::kMaxAllowedIps);
  if (patch->expires_at && *patch->expires_at) CheckTime(**patch->expires_at);
}

void Network(const nlohmann::json& body) {
  const auto network = ReadNetwork("default", body);
  if (!network) return;
  const nlohmann::json written = ToJson(*network);
  const auto again = ReadNetwork(network->name, {{"pools", written["pools"]}});
  Require(again && again->pools == network->pools);
}

void Row(const nlohmann::json& body) {
  const auto row = ReadRow(body);
  if (!row) return;
  const auto written = ParseObject(RowText(*row));
  Require(bool{written});
  const auto again = ReadRow(*written);
  Require(again && RowText(*again) == RowText(*row));
  if (row->expires_at) CheckTime(*row->expires_at);
  // Two rows, of which one has no key, in one text.
  std::vector<registry::Peer> rows;
  rows.push_back(row->Clone());
  rows.back().preshared_key.reset();
  rows.push_back(row->Clone());
  auto together = ParseObject(RowsText(rows));
  Require(together && (*together)["peers"].size() == 2);
  Require(RowText(ReadRow((*together)["peers"][1]).value()) == RowText(*row));
  Require((*together)["peers"][0]["preshared_key"].is_null());
  WipeSecrets((*together)["peers"][1]);
}

void Report(const nlohmann::json& body) {
  const auto report = ReadReport(body);
  if (!report) return;
  Require(bool{registry::Validate(*report)});
  Require(ToJson(report->gateway)["name"] == report->gateway.name);
  for (const registry::Sighting& sighting : report->sightings) {
    const nlohmann::json written = ToJson(sighting);
    Require(ParseEndpointText(written["endpoint"].get<std::string>()) == sighting.endpoint);
    const registry::Peer seen;
    Require(ToJson(seen, &sighting)["last_seen"] == written);
    CheckTime(sighting.seen_at);
  }
}

void Body(std::uint8_t kind, std::string_view text) {
  auto body = ParseObject(text);
  if (!body) return Require(!body.error().message.empty());
  switch (kind) {
    case 0:
      Create(*body);
      break;
    case 1:
      Patch(*body);
      break;
    case 2:
      Network(*body);
      break;
    case 3:
      Row(*body);
      break;
    default:
      Report(*body);
      break;
  }
  WipeSecrets(*body);
}

void Address(std::string_view text) {
  if (const auto target = ParseTarget(text)) Require(text.front() == '/');
  if (const auto key = ParseKeySegment(text)) {
    Require(ParseKeySegment(ToKeySegment(*key)).value() == *key);
  }
}

void Texts(std::string_view text) {
  if (const auto time = ParseTime(text)) CheckTime(*time);
  if (const auto endpoint = ParseEndpointText(text)) {
    Require(ParseEndpointText(endpoint->ToString()) == endpoint);
  }
}

// Through a file too, as the service reads it; for few inputs, since its buffer is large.
void TokenFile(std::string_view text) {
  const auto tokens = Tokens::Parse(text);
  if (text.size() % 256 == 1) {
    static const int file = ::memfd_create("tokens", MFD_CLOEXEC);
    const bool open_to_others = text.size() % 512 == 1;
    Require(::ftruncate(file, 0) == 0 && ::fchmod(file, open_to_others ? 0644 : 0600) == 0);
    Require(::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    const auto loaded = Tokens::Load("/proc/self/fd/" + std::to_string(file));
    Require(loaded.has_value() == (tokens.has_value() && !open_to_others));
    Require(!Tokens::Load("/dev/null") && !Tokens::Load(""));  // no regular file, none at all
  }
  if (!tokens) return;
  Require(tokens->size() > 0 && tokens->size() <= kMaxTokens);
  Require(!tokens->Find(text));  // more than a token
  Require(!tokens->Find("Bearer none of these"));
  // The last line's token, if the file ends with it.
  const auto blank = text.find_last_of(" \t\r\n#");
  const auto caller = tokens->Find("bEARER " + std::string(text.substr(blank + 1)));
  if (caller) Require(caller->token < tokens->size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto kind = static_cast<std::uint8_t>(data[0] % 8);
  if (kind == 5) {
    Address(text);
  } else if (kind == 6) {
    TokenFile(text);
  } else if (kind == 7) {
    Texts(text);
  } else {
    Body(kind, text);
  }
  return 0;
}
