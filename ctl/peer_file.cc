#include "ctl/peer_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <istream>
#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/csv.h"
#include "ctl/peer_fields.h"
#include "lib/base/config_values.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;

Error Invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

Error TooManyRows() {
  return Error{ErrorCode::kResourceExhausted,
               "more than " + std::to_string(kMaxPeerFileRows) + " peers in one file; split it"};
}

// What is checked before the registry is opened, so that all faults of the file are told at once.
Result<registry::Peer> Complete(registry::Peer peer) {
  if (peer.public_key.IsZero()) return Invalid("public_key is missing");
  if (auto valid = registry::Validate(peer); !valid) return valid.error();
  return peer;
}

registry::Peer EmptyPeer(const PeerDefaults& defaults) {
  registry::Peer peer;
  peer.network = defaults.network;
  return peer;
}

// --- CSV

Status CheckHeading(const std::vector<std::string>& heading) {
  for (const std::string& column : heading) {
    if (std::count(heading.begin(), heading.end(), column) > 1) {
      return Invalid("the column " + Quoted(column) + " comes twice");
    }
    if (IsInformation(column) || IsPeerField(column)) continue;
    registry::Peer none;
    return SetPeerField(none, column, "");  // its error is a helpful one
  }
  for (const char* needed : {"public_key", "allowed_ips"}) {
    if (std::find(heading.begin(), heading.end(), needed) == heading.end()) {
      return Invalid("the first line must name the columns, and " + std::string(needed) +
                     " is not among them");
    }
  }
  return {};
}

Result<registry::Peer> CsvPeer(const std::vector<std::string>& heading,
                               const std::vector<std::string>& fields,
                               const PeerDefaults& defaults) {
  if (fields.size() != heading.size()) {
    return Invalid(std::to_string(fields.size()) + " fields where the heading has " +
                   std::to_string(heading.size()));
  }
  registry::Peer peer = EmptyPeer(defaults);
  for (std::size_t index = 0; index < fields.size(); ++index) {
    if (IsInformation(heading[index])) continue;
    if (auto set = SetPeerField(peer, heading[index], fields[index]); !set) return set.error();
  }
  return Complete(std::move(peer));
}

Result<std::vector<PeerRow>> ReadCsv(std::string_view text, const PeerDefaults& defaults) {
  CsvReader reader(text);
  const auto heading = reader.Next();
  if (!heading) return heading.error();
  if (auto good = CheckHeading(heading->value_or(std::vector<std::string>())); !good) {
    return good.error();
  }
  std::vector<PeerRow> rows;
  while (true) {
    auto record = reader.Next();
    if (!record) return record.error();
    if (!*record) return rows;
    if (rows.size() == kMaxPeerFileRows) return TooManyRows();
    rows.push_back({reader.line(), CsvPeer(**heading, **record, defaults)});
    for (std::string& field : **record) WipeString(field);
  }
}

// --- JSON

Result<std::string> JsonText(const json& value) {
  if (value.is_null()) return std::string();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number_integer()) return value.dump();
  if (value.is_array()) {
    std::string list;
    for (const json& item : value) {
      if (!item.is_string()) return Invalid("a list of texts is wanted");
      list += item.get_ref<const std::string&>() + " ";
    }
    return list;
  }
  return Invalid("a text is wanted");
}

Result<registry::Peer> JsonPeer(json& object, const PeerDefaults& defaults) {
  if (!object.is_object()) return Invalid("not an object");
  registry::Peer peer = EmptyPeer(defaults);
  for (auto& [name, value] : object.items()) {
    if (IsInformation(name)) continue;
    auto text = JsonText(value);
    if (!text) return Invalid(name.substr(0, 40) + ": " + text.error().message);
    const Status set = SetPeerField(peer, name, *text);
    WipeString(*text);
    if (value.is_string()) WipeString(value.get_ref<std::string&>());
    if (!set) return set.error();
  }
  const auto has = object.find("has_preshared_key");
  if (has != object.end() && *has == true && !peer.preshared_key) {
    return Invalid("it has a preshared key that is not in the file; list with --secrets");
  }
  return Complete(std::move(peer));
}

Result<std::vector<PeerRow>> ReadJsonLines(std::string_view text, const PeerDefaults& defaults) {
  std::vector<PeerRow> rows;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (rows.size() == kMaxPeerFileRows) return TooManyRows();
    json object = json::parse(line, nullptr, false);
    if (object.is_discarded()) {
      return Invalid("object " + std::to_string(rows.size() + 1) + " of the file is no JSON");
    }
    rows.push_back({rows.size() + 1, JsonPeer(object, defaults)});
  }
  return rows;
}

// The array of a document that is one, or has one as its "peers".
json* PeerArray(json& document) {
  if (document.is_array()) return &document;
  if (!document.is_object()) return nullptr;
  const auto peers = document.find("peers");
  return peers != document.end() && peers->is_array() ? &*peers : nullptr;
}

Result<std::vector<PeerRow>> ReadJson(std::string_view text, const PeerDefaults& defaults) {
  // A document as a whole, or an object a line: those that begin with '{' may be both.
  json document = json::parse(text, nullptr, false);
  json* array = document.is_discarded() ? nullptr : PeerArray(document);
  if (array == nullptr) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '{') return ReadJsonLines(text, defaults);
    return Invalid("no JSON array of peers, and no object a line");
  }
  if (array->size() > kMaxPeerFileRows) return TooManyRows();
  std::vector<PeerRow> rows;
  for (json& object : *array) rows.push_back({rows.size() + 1, JsonPeer(object, defaults)});
  return rows;
}

// --- WireGuard configuration

std::string_view Trim(std::string_view text) {
  text = text.substr(0, text.find('#'));
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

class ConfReader {
 public:
  explicit ConfReader(const PeerDefaults& defaults) : defaults_(defaults) {}

  Result<std::vector<PeerRow>> Read(std::string_view text) {
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::string_view whole = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(whole.size() + 1, text.size()));
      if (auto taken = TakeLine(line, Trim(whole)); !taken) return taken.error();
      if (rows_.size() > kMaxPeerFileRows) return TooManyRows();
    }
    EndPeer();
    return std::move(rows_);
  }

 private:
  Status TakeLine(std::size_t line, std::string_view text) {
    if (text.empty()) return {};
    if (text.front() == '[') {
      EndPeer();
      const std::string section = Lower(text);
      in_peer_ = section == "[peer]";
      if (!in_peer_ && section != "[interface]") {
        return Invalid("line " + std::to_string(line) + ": a section " + Quoted(text));
      }
      if (in_peer_) rows_.push_back({line, EmptyPeer(defaults_)});
      return {};
    }
    if (in_peer_) Set(text);
    return {};
  }

  void Set(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string name = Lower(Trim(text.substr(0, equals)));
    const std::string_view value =
        equals == std::string_view::npos ? "" : Trim(text.substr(equals + 1));
    Result<registry::Peer>& peer = rows_.back().peer;
    if (!peer || name == "endpoint") return;
    const std::string_view field = name == "publickey"             ? "public_key"
                                   : name == "allowedips"          ? "allowed_ips"
                                   : name == "presharedkey"        ? "preshared_key"
                                   : name == "persistentkeepalive" ? "persistent_keepalive_seconds"
                                                                   : "";
    if (field.empty()) {
      peer = Invalid("a peer of WireGuard has no " + Quoted(name));
    } else if (const auto set = SetPeerField(*peer, field, value); !set) {
      peer = set.error();
    }
  }

  void EndPeer() {
    if (in_peer_ && rows_.back().peer) {
      rows_.back().peer = Complete(std::move(*rows_.back().peer));
    }
    in_peer_ = false;
  }

  const PeerDefaults& defaults_;
  std::vector<PeerRow> rows_;
  bool in_peer_ = false;
};

}  // namespace

Result<PeerFileFormat> ParsePeerFileFormat(std::string_view text) {
  if (text == "csv") return PeerFileFormat::kCsv;
  if (text == "json") return PeerFileFormat::kJson;
  if (text == "conf") return PeerFileFormat::kConf;
  return Invalid(Quoted(text) + " is no format; there are csv, json and conf");
}

Result<PeerFileFormat> PeerFileFormatOf(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::string_view end = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  auto format = ParsePeerFileFormat(end == "jsonl" || end == "ndjson" ? "json" : end);
  if (format) return format;
  return Invalid("the name of " + Quoted(path) + " does not say what is in it; add --format");
}

Result<std::vector<PeerRow>> ReadPeerRows(PeerFileFormat format, std::string_view text,
                                          const PeerDefaults& defaults) {
  switch (format) {
    case PeerFileFormat::kCsv:
      return ReadCsv(text, defaults);
    case PeerFileFormat::kJson:
      return ReadJson(text, defaults);
    case PeerFileFormat::kConf:
      return ConfReader(defaults).Read(text);
  }
  return Invalid("no such format");
}

Result<std::string> ReadPeerFile(const std::string& path, std::istream& standard_input) {
  std::ifstream file;
  if (path != "-") {
    errno = 0;
    file.open(path, std::ios::binary);
    if (!file) return ErrnoError("cannot read " + path, errno == 0 ? EIO : errno);
  }
  std::istream& input = path == "-" ? standard_input : file;
  std::string text;
  std::string chunk(std::size_t{1} << 16, '\0');
  while (input.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
         input.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(input.gcount()));
    if (text.size() > kMaxPeerFileSize) {
      return Error{ErrorCode::kResourceExhausted, path + " has more than 256 MiB; split it"};
    }
  }
  WipeString(chunk);
  if (input.bad()) return Error{ErrorCode::kUnavailable, "cannot read " + path};
  return text;
}

}  // namespace jitwg::ctl
