// Fuzzes what the installer reads: netlink dumps, UAPI answers, link notices. The first byte
// chooses, and says whether peers are wanted.
#include <cstdint>
#include <string_view>
#include <vector>

#include "sniffer/install/link_events.h"
#include "sniffer/install/uapi_message.h"
#include "sniffer/install/wg_message.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg::sniffer;
using jitwg::test::Require;

constexpr std::uint32_t kSequence = 42;

void CheckDump(const PeerDump& dump, bool want_peers) {
  Require(want_peers || dump.peers.empty());
  for (const KernelPeer& peer : dump.peers) {
    for (const jitwg::IpPrefix& prefix : peer.allowed_ips) {
      Require(prefix.length() <= prefix.address().bit_length());
    }
  }
}

void Dump(std::span<const std::uint8_t> bytes, bool want_peers) {
  DumpParser parser(kSequence, want_peers);
  const auto step = parser.Feed(bytes);
  // A second message after the first, as a long list has it.
  if (step && *step == DumpParser::Step::kMore) (void)parser.Feed(bytes);
  Require(parser.errno_value() >= 0 && parser.errno_value() < 4096);
  CheckDump(parser.TakeDump(), want_peers);
  if (step) Require(parser.TakeDevice().name.size() < 16);
}

void Uapi(std::string_view text, bool want_peers) {
  UapiParser parser(want_peers);
  // In two pieces, so that lines are put together.
  const auto first = parser.Feed(text.substr(0, text.size() / 2));
  if (first && !*first) (void)parser.Feed(text.substr(text.size() / 2));
  Require(parser.errno_value() >= 0 && parser.errno_value() < 4096);
  CheckDump(parser.TakeDump(), want_peers);
}

void Answers(std::span<const std::uint8_t> bytes, std::string_view text) {
  const int error = ParseAck(bytes, kSequence);
  Require(error >= 0 && error < 4096);
  const auto family = ParseFamily(bytes, kSequence);
  Require(!family || *family >= 16);
  const auto set = ParseSetAnswer(text);
  Require(!set || (*set >= 0 && *set < 4096));
}

void UapiEndpoint(std::string_view text) {
  const auto endpoint = ParseUapiEndpoint(text);
  if (endpoint) Require(ParseUapiEndpoint(endpoint->ToString()) == endpoint);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::vector<std::uint8_t> bytes(data + 1, data + size);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool want_peers = (data[0] & 0x80) == 0;
  switch ((data[0] & 0x7f) % 5) {
    case 0:
      Dump(bytes, want_peers);
      break;
    case 1:
      Uapi(text, want_peers);
      break;
    case 2:
      (void)ParseLinkEvents(bytes,
                            [](const LinkEvent& event) { Require(event.name.size() <= 15); });
      break;
    case 3:
      UapiEndpoint(text);
      break;
    default:
      Answers(bytes, text);
  }
  return 0;
}
