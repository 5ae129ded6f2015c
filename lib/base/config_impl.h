// What ConfigParser holds; shared by its two files and nobody else.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "lib/base/config.h"

namespace jitwg {

// The heading of the options that every program has.
inline constexpr const char* kGeneralGroup = "General";

struct ConfigParser::Impl {
  std::string program;
  std::string summary;
  std::string examples;
  bool reads_file = false;
  bool shares_file = false;
  std::vector<std::string> passed_over;  // keys of the file
  std::deque<ConfigOption> options;      // a deque: references handed out stay valid
  std::vector<std::string> faults;
  std::vector<std::string> faulty_options;
  std::string config_path;
  bool file_unread = false;  // what seems missing may stand in it
  bool help = false;
  bool version = false;
  bool check = false;
};

}  // namespace jitwg
