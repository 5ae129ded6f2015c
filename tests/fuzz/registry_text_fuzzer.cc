// Any bytes as what a registry's server sends a gateway: payloads of NOTIFY, rows and notices of
// the peer API, its problems. No crash; what is accepted is valid, and comes back the same when
// written. The first byte says as what.
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/registry/api_json.h"
#include "lib/registry/postgres_listener.h"
#include "lib/registry/row_json.h"

namespace {

using namespace jitwg;
using namespace jitwg::registry;

void Require(bool condition) {
  if (!condition) std::abort();
}

void Row(std::string_view text) {
  const auto peer = PeerFromJson(text);
  if (!peer) return;
  Require(bool{Validate(*peer)});
  const std::string written = PeerToJson(*peer);
  const auto again = PeerFromJson(written);
  Require(again && PeerToJson(*again) == written);
}

void Rows(std::string_view text) {
  const auto peers = PeersFromJson(text);
  if (!peers) return;
  for (const Peer& peer : *peers) Require(bool{Validate(peer)});
}

void Changes(std::string_view text) {
  const auto page = ChangesFromJson(text);
  if (!page) return;
  const auto again = ChangesFromJson(ChangesToJson(*page));
  Require(again && again->keys == page->keys && again->cursor == page->cursor);
}

void Report(std::string_view text) {
  const auto report = ReportFromJson(text);
  if (report) Require(bool{ReportFromJson(ReportToJson(*report))});
}

void Payload(std::string_view text) {
  const std::string payload(text.substr(0, text.find('\0')));  // libpq's ends there
  const auto change = PostgresListener::ReadPayload(false, payload.c_str());
  Require(change.mark == 0);
  if (change.change.public_key)
    Require(payload.find(change.change.public_key->ToBase64()) != payload.npos);
  Require(!PostgresListener::ReadPayload(true, payload.c_str()).change.public_key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 7) {
    case 0:
      Payload(text);
      break;
    case 1:
      Row(text);
      break;
    case 2:
      Rows(text);
      break;
    case 3:
      Changes(text);
      break;
    case 4:
      static_cast<void>(HolderFromJson(text));
      break;
    case 5:
      Report(text);
      break;
    default:
      Require(!ErrorFromProblem(500, text).message.empty());
      break;
  }
  return 0;
}
