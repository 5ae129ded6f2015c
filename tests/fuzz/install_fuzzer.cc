// Fuzzes what the installer reads: netlink dumps, UAPI answers, link notices, the own-set journal.
// The first byte chooses.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "sniffer/install/link_monitor.h"
#include "sniffer/install/own_set_format.h"
#include "sniffer/install/uapi_message.h"
#include "sniffer/install/wg_message.h"

namespace {

using jitwg::sniffer::DumpParser;
using jitwg::sniffer::UapiParser;

void Choose(std::uint8_t choice, const std::vector<std::uint8_t>& bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  switch (choice % 5) {
    case 0: {
      DumpParser parser(42);
      (void)parser.Feed(bytes);
      break;
    }
    case 1: {
      UapiParser parser;
      // In two pieces, so that lines are put together.
      const auto first = parser.Feed(text.substr(0, text.size() / 2));
      if (first && !*first) (void)parser.Feed(text.substr(text.size() / 2));
      break;
    }
    case 2:
      (void)jitwg::sniffer::ParseLinkEvents(bytes, [](const auto& event) {
        if (event.name.size() > 15) __builtin_trap();
      });
      break;
    case 3: {
      const jitwg::sniffer::JournalIdentity identity{std::string(36, 'b'), 1, 7, {}};
      const auto decoded = jitwg::sniffer::DecodeJournal(bytes, identity);
      if (decoded.damaged && !decoded.own.empty()) __builtin_trap();
      break;
    }
    default:
      (void)jitwg::sniffer::ParseAck(bytes, 42);
      (void)jitwg::sniffer::ParseFamily(bytes, 42);
      (void)jitwg::sniffer::ParseSetAnswer(text);
      (void)jitwg::sniffer::ParseUapiEndpoint(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Choose(data[0], std::vector<std::uint8_t>(data + 1, data + size));
  return 0;
}
