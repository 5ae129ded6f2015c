// Reads a TOML file of flat `key = value` lines into texts. Knows no option names; only config.cc
// uses it.
#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace jitwg {

struct ConfigFileItem {
  std::string text;
  bool quoted =
      false;  // a TOML string; false for numbers and booleans, written in decimal or as true/false
};

struct ConfigFileEntry {
  std::string key;
  unsigned line = 0;
  std::vector<ConfigFileItem> items;  // one for a scalar
  bool is_array = false;
  std::string problem;  // not empty: the value is of a kind that no option has, and items is empty
};

// Entries in the file's order. The whole of TOML 1.0 is understood; what no option can be (tables,
// dates, floats) comes back as an entry with a problem. At most 1 MiB. Errors: open(2)/read(2);
// kInvalidArgument with line and column when it is no TOML.
Result<std::vector<ConfigFileEntry>> ReadConfigFile(const std::string& path);

// The same for a text in memory; `name` is what messages call it.
Result<std::vector<ConfigFileEntry>> ParseConfigText(const std::string& text,
                                                     const std::string& name);

}  // namespace jitwg
