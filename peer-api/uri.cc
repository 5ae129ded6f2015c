#include "peer-api/uri.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace jitwg::api {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Status ReadQuery(std::string_view text, std::map<std::string, std::string>& query) {
  for (const std::string_view pair : Split(text, '&')) {
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto name = Decode(pair.substr(0, equals), true);
    const auto value =
        equals == std::string_view::npos ? "" : Decode(pair.substr(equals + 1), true);
    if (!name || !value) return InvalidArgument("the query has a bad percent-escape");
    if (!query.emplace(*name, *value).second) {
      return InvalidArgument("the query has a parameter twice");
    }
  }
  return {};
}

}  // namespace

Result<Target> ParseTarget(std::string_view target) {
  const auto question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (path.empty() || path.front() != '/') return InvalidArgument("the target is no path");
  Target parsed;
  for (const std::string_view segment : Split(path.substr(1), '/')) {
    auto decoded = Decode(segment, false);
    if (!decoded) return InvalidArgument("the path has a bad percent-escape");
    parsed.segments.push_back(std::move(*decoded));
  }
  if (question == std::string_view::npos) return parsed;
  if (auto read = ReadQuery(target.substr(question + 1), parsed.query); !read) return read.error();
  return parsed;
}

Result<PublicKey> ParseKeySegment(std::string_view text) {
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  if (padded.size() == 43) padded += '=';
  auto key = ParsePublicKey(padded);
  if (key && padded.size() == 44) return key;
  return InvalidArgument(
      "the path names no public key: 32 bytes in base64url, or base64 with %2F for '/'");
}

std::string ToKeySegment(const PublicKey& key) {
  std::string text = key.ToBase64();
  text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace jitwg::api
