// Any bytes as a file for `jitwgctl peer import`: no crash, a row for whatever is in it, and every
// row that is called good is. Also as the file's name and as what standard input holds. The first
// byte picks the format.
#include <sstream>
#include <string_view>

#include "ctl/peer_file.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using jitwg::test::Require;

void Rows(ctl::PeerFileFormat format, std::string_view text) {
  const auto rows = ctl::ReadPeerRows(format, text, {.network = "default"});
  if (!rows) return Require(!rows.error().message.empty());
  for (const ctl::PeerRow& row : *rows) {
    Require(row.number > 0 && row.number <= text.size() + 1);
    if (row.peer) Require(bool{registry::Validate(*row.peer)});
    if (!row.peer) Require(!row.peer.error().message.empty());
  }
}

void Name(std::string_view text) {
  const auto format = ctl::PeerFileFormatOf(text);
  const auto again = ctl::PeerFileFormatOf("name." + std::string(text));
  Require(!format || again);
  if (text.size() > 255) return;
  std::istringstream none;
  // No such folder, whatever the name.
  Require(!ctl::ReadPeerFile("/dev/null/" + std::string(text), none));
  std::istringstream input{std::string(text)};
  Require(ctl::ReadPeerFile("-", input).value() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 4 == 3) {
    Name(text);
  } else {
    Rows(static_cast<ctl::PeerFileFormat>(data[0] % 4), text);
  }
  return 0;
}
