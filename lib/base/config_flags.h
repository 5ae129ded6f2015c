// The command line's side of configuration, CLI11 behind a seam: splits arguments, lays out the
// help. Only config.cc uses it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jitwg {

struct FlagSpec {
  std::string name;        // without the dashes
  bool is_switch = false;  // takes no value, except --name=false
  bool positional = false;
  std::string shown;  // behind the name in the help, e.g. "DURATION [10s]"
  std::string help;
  std::string group;
};

struct FlagValues {
  std::map<std::string, std::vector<std::string>> values;  // by name; "" where a value is missing
  std::vector<std::string> words;                          // what is no option, in order
  std::vector<std::string> unknown;                        // "--foo" or "--foo=bar"
};

FlagValues SplitFlags(const std::vector<std::string>& arguments,
                      const std::vector<FlagSpec>& specs);

// Usage line, summary, options by group, then `footer`.
std::string LayOutHelp(const std::string& program, const std::string& summary,
                       const std::vector<FlagSpec>& specs, const std::string& footer);

// "a,b,,c" -> a, b, "", c; blanks around the items are dropped.
std::vector<std::string> SplitAtCommas(std::string_view text);

}  // namespace jitwg
