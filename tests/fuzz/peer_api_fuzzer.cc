// Any bytes as what a caller of the peer API sends: body, target, key, token file. No crash; what
// is accepted is valid, and a row that is written is read back as the same. The first byte says as
// what.
#include <cstdlib>
#include <string>
#include <string_view>

#include "peer-api/json_reader.h"
#include "peer-api/peer_json.h"
#include "peer-api/tokens.h"
#include "peer-api/uri.h"

namespace {

using namespace jitwg;
using namespace jitwg::api;

void Require(bool condition) {
  if (!condition) std::abort();
}

void Create(const nlohmann::json& body) {
  if (const auto wish = ReadCreate(body)) Require(bool{registry::ValidateWish(wish->peer)});
}

void Row(const nlohmann::json& body) {
  const auto row = ReadRow(body);
  if (!row) return;
  const auto written = ParseObject(RowText(*row));
  Require(bool{written});
  const auto again = ReadRow(*written);
  Require(again && RowText(*again) == RowText(*row));
}

void Body(std::uint8_t kind, std::string_view text) {
  auto body = ParseObject(text);
  if (!body) return Require(!body.error().message.empty());
  switch (kind) {
    case 0:
      Create(*body);
      break;
    case 1:
      static_cast<void>(ReadPatch(*body));
      break;
    case 2:
      static_cast<void>(ReadNetwork("default", *body));
      break;
    case 3:
      Row(*body);
      break;
    default:
      static_cast<void>(ReadReport(*body));
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

void TokenFile(std::string_view text) {
  const auto tokens = Tokens::Parse(text);
  if (!tokens) return;
  Require(tokens->size() > 0 && tokens->size() <= kMaxTokens);
  Require(!tokens->Find(text));  // more than a token
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto kind = static_cast<std::uint8_t>(data[0] % 7);
  if (kind == 5) {
    Address(text);
  } else if (kind == 6) {
    TokenFile(text);
  } else {
    Body(kind, text);
  }
  return 0;
}
