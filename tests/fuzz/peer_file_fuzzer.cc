// Any bytes as a file for `jitwgctl peer import`: no crash, a row for whatever is in it, and every
// row that is called good is. The first byte picks the format.
#include <cstdlib>
#include <string_view>

#include "ctl/peer_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitwg;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto rows = ctl::ReadPeerRows(static_cast<ctl::PeerFileFormat>(data[0] % 3), text,
                                      {.network = "default"});
  if (!rows) return 0;
  for (const ctl::PeerRow& row : *rows) {
    if (row.number == 0 || row.number > size) std::abort();
    if (row.peer && !registry::Validate(*row.peer)) std::abort();
    if (!row.peer && row.peer.error().message.empty()) std::abort();
  }
  return 0;
}
