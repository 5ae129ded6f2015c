// How far a long work has come, on one line of a terminal that is written over and over. Where
// standard error is no terminal it says nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

#include "lib/base/clock.h"

namespace jitwg::ctl {

class Progress {
 public:
  // Whether anybody would see it; if not, nothing needs to be found out for it.
  static bool Shows(const std::ostream& err);
  // `what`: "importing", say. `total` may be 0. `err` outlives it.
  Progress(std::ostream& err, std::string what, std::size_t total);
  // Clears the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void At(std::size_t done);

 private:
  std::ostream& err_;
  const std::string what_;
  const std::size_t total_;
  const bool shown_;
  bool drawn_ = false;
  SteadyTime last_;
};

// "importing [#######             ]  35 %  35,012 of 100,000", 80 columns at most.
std::string ProgressLine(const std::string& what, std::size_t done, std::size_t total);

// "1,234,567"
std::string Grouped(std::size_t number);

}  // namespace jitwg::ctl
