#include "lib/ws/http_head.h"

#include <algorithm>

namespace jitwg::ws {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

char Lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// RFC 9110, section 5.6.2.
bool IsToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Takes the line in front of `rest` off, without its end.
std::string_view TakeLine(std::string_view& rest) {
  const auto end = rest.find(kLineEnd);
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + kLineEnd.size()));
  return line;
}

bool TakeStart(std::string_view line, HttpHead& head) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos || HasControl(line)) return false;
  const auto second = line.find(' ', first + 1);
  head.first = line.substr(0, first);
  head.second =
      line.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  if (second != std::string_view::npos) head.third = line.substr(second + 1);
  return !head.first.empty() && !head.second.empty();
}

// The first word of a comma-separated list, taken off.
std::string_view TakeWord(std::string_view& list) {
  const auto comma = list.find(',');
  const std::string_view word = Trim(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return word;
}

}  // namespace

bool EqualsIgnoringCase(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return Lower(a) == Lower(b); });
}

std::optional<std::size_t> FindHeadEnd(std::string_view bytes) {
  const auto at = bytes.find("\r\n\r\n");
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

std::optional<HttpHead> ParseHead(std::string_view head) {
  if (FindHeadEnd(head) != head.size()) return std::nullopt;
  head.remove_suffix(kLineEnd.size());
  HttpHead parsed;
  if (!TakeStart(TakeLine(head), parsed)) return std::nullopt;
  while (!head.empty()) {
    const std::string_view line = TakeLine(head);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)) || HasControl(line) ||
        parsed.fields.size() == kMaxHeaderFields) {
      return std::nullopt;
    }
    parsed.fields.push_back({line.substr(0, colon), Trim(line.substr(colon + 1))});
  }
  return parsed;
}

std::optional<std::string_view> HttpHead::Only(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const HeaderField& field : fields) {
    if (!EqualsIgnoringCase(field.name, name)) continue;
    if (found) return std::nullopt;
    found = field.value;
  }
  return found;
}

bool HttpHead::Has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) {
    return EqualsIgnoringCase(field.name, name);
  });
}

bool HttpHead::HasWord(std::string_view name, std::string_view word) const {
  for (const HeaderField& field : fields) {
    if (!EqualsIgnoringCase(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      if (EqualsIgnoringCase(TakeWord(rest), word)) return true;
    }
  }
  return false;
}

std::string HttpHead::Joined(std::string_view name) const {
  std::string joined;
  for (const HeaderField& field : fields) {
    if (!EqualsIgnoringCase(field.name, name)) continue;
    if (!joined.empty()) joined += ',';
    joined += field.value;
  }
  return joined;
}

}  // namespace jitwg::ws
