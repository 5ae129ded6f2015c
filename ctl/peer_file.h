// Peers out of a file for `jitwgctl peer import`: CSV, JSON, or a WireGuard configuration. Reads
// text; knows no registry.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/registry/registry.h"

namespace jitwg::ctl {

inline constexpr std::size_t kMaxPeerFileSize = std::size_t{256} << 20;
inline constexpr std::size_t kMaxPeerFileRows = 2'000'000;

enum class PeerFileFormat : std::uint8_t { kCsv, kJson, kConf };

// "csv", "json", "conf".
Result<PeerFileFormat> ParsePeerFileFormat(std::string_view text);
// By the name's end; kInvalidArgument when that says nothing.
Result<PeerFileFormat> PeerFileFormatOf(std::string_view path);

// One peer of the file, or why it is none.
struct PeerRow {
  std::size_t number = 0;  // CSV and configuration: the line it begins on; JSON: its place, from 1
  Result<registry::Peer> peer;
};

// What is not said in the file.
struct PeerDefaults {
  std::string network = "default";
};

// Every row, good or bad, in order. kInvalidArgument when the file as a whole makes no sense (no
// JSON, a heading with an unknown column), kResourceExhausted when it has too many rows. No message
// repeats a preshared key. `text` holds such keys: the caller wipes it.
//   CSV (RFC 4180): a heading of column names, then a line a peer. public_key and allowed_ips are
//   needed (addresses separated by blanks, ';' or ','); name, network, preshared_key,
//   persistent_keepalive_seconds, pinned, gateway, enabled and expires_at are not. JSON: an array,
//   {"peers": array}, or an object a line, with the same names, as `jitwgctl --json peer list
//   --secrets` prints them. WireGuard configuration: the [Peer] sections as `wg showconf` prints
//   them; their endpoints are left out.
Result<std::vector<PeerRow>> ReadPeerRows(PeerFileFormat format, std::string_view text,
                                          const PeerDefaults& defaults);

// The whole file; "-" is standard input. kResourceExhausted when it is larger than
// kMaxPeerFileSize.
Result<std::string> ReadPeerFile(const std::string& path, std::istream& standard_input);

}  // namespace jitwg::ctl
