// Lines of /proc/self/status.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace jitwg::sandbox {

// The first word behind "NAME:"; empty when there is no such line.
inline std::string ProcWord(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    if (word == name + ":") {
      file >> word;
      return word;
    }
  }
  return "";
}

// Of a set: in hexadecimal.
inline std::uint64_t ProcNumber(const std::string& name) {
  return std::stoull("0" + ProcWord(name), nullptr, 16);
}

}  // namespace jitwg::sandbox
