// Texts of others (peer names, error messages) made fit for one line of a log.
#pragma once

#include <string>
#include <string_view>

namespace jitwg::provisioner {

// At most 160 bytes; control bytes, quotes and backslashes become '?'.
inline std::string LogText(std::string_view text) {
  std::string safe(text.substr(0, 160));
  for (char& c : safe) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') c = '?';
  }
  return safe;
}

}  // namespace jitwg::provisioner
