// The head of an HTTP/1.1 message, request or response, as the opening handshake needs it: strict,
// bounded, without copies. Knows nothing of bodies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jitwg::ws {

inline constexpr std::size_t kMaxHeaderFields = 100;

// Where the head ends: behind its empty line, or nullopt when that has not come yet.
std::optional<std::size_t> FindHeadEnd(std::string_view bytes);

struct HeaderField {
  std::string_view name;
  std::string_view value;  // without blanks around it
};

// Views into the text it was parsed from.
struct HttpHead {
  // Of a request: method, target, version. Of a response: version, status, reason.
  std::string_view first;
  std::string_view second;
  std::string_view third;
  std::vector<HeaderField> fields;

  // The value of the only field of this name, whatever its case; nullopt when there is none or more
  // than one.
  std::optional<std::string_view> Only(std::string_view name) const;
  bool Has(std::string_view name) const;
  // One of the comma-separated words in all fields of this name equals `word`, whatever its case.
  bool HasWord(std::string_view name, std::string_view word) const;
  // The values of all fields of this name, joined by commas (RFC 9110, section 5.2).
  std::string Joined(std::string_view name) const;
};

// `head` with its empty line. nullopt: it is no HTTP/1 head (RFC 9112: lines end with CRLF, a field
// is NAME:VALUE without blanks before the colon and not folded, no control bytes), or has more
// fields than kMaxHeaderFields.
std::optional<HttpHead> ParseHead(std::string_view head);

// Letters a-z and A-Z count as the same.
bool EqualsIgnoringCase(std::string_view left, std::string_view right);

}  // namespace jitwg::ws
