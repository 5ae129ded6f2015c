// Any bytes as what a registry's server sends a gateway: payloads of NOTIFY, rows and notices of
// the peer API, its problems. No crash; what is accepted is valid, and comes back the same when
// written and read again. The first byte says as what.
#include <string>
#include <string_view>

#include "lib/registry/api_json.h"
#include "lib/registry/postgres_notice.h"
#include "lib/registry/row_json.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using namespace jitwg::registry;

using jitwg::test::Require;

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
  const std::string written = PeersToJson(*peers);
  const auto again = PeersFromJson(written);
  Require(again && PeersToJson(*again) == written);
}

void Changes(std::string_view text) {
  const auto page = ChangesFromJson(text);
  if (!page) return;
  const auto again = ChangesFromJson(ChangesToJson(*page));
  Require(again && again->keys == page->keys && again->cursor == page->cursor);
}

void Holder(std::string_view text) {
  const auto holder = HolderFromJson(text);
  if (!holder) return;
  const std::string written = HolderToJson(*holder);
  const auto again = HolderFromJson(written);
  Require(again && HolderToJson(*again) == written);
}

void Report(std::string_view text) {
  const auto report = ReportFromJson(text);
  if (!report) return;
  const std::string written = ReportToJson(*report);
  const auto again = ReportFromJson(written);
  Require(again && ReportToJson(*again) == written);
}

void Payload(std::string_view text) {
  const std::string payload(text.substr(0, text.find('\0')));  // libpq's ends there
  const auto change = ReadPostgresNotice(false, payload);
  Require(change.mark == 0);
  if (change.change.public_key)
    Require(payload.find(change.change.public_key->ToBase64()) != payload.npos);
  const auto mark = ReadPostgresNotice(true, payload);
  Require(!mark.change.public_key);
  Require(ReadPostgresNotice(true, std::to_string(mark.mark)).mark == mark.mark);
}

void Problem(std::string_view text) {
  const Error error = ErrorFromProblem(500, text);
  Require(!error.message.empty() && error.message.find('\n') == error.message.npos);
  const auto again = ErrorFromProblem(500, "{\"code\": \"" + CodeName(error.code) + "\"}");
  Require(again.code == error.code);
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
      Holder(text);
      break;
    case 5:
      Report(text);
      break;
    default:
      Problem(text);
      break;
  }
  return 0;
}
