#include "ctl/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

namespace jitwg::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings(100);
constexpr std::size_t kBarWidth = 24;

}  // namespace

std::string Grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3;) {
    place -= 3;
    text.insert(place, 1, ',');
  }
  return text;
}

std::string ProgressLine(const std::string& what, std::size_t done, std::size_t total) {
  done = std::min(done, total);
  const std::size_t filled = total == 0 ? kBarWidth : kBarWidth * done / total;
  const std::string percent = std::to_string(total == 0 ? 100 : 100 * done / total);
  return what + " [" + std::string(filled, '#') + std::string(kBarWidth - filled, ' ') + "] " +
         std::string(3 - percent.size(), ' ') + percent + " %  " + Grouped(done) + " of " +
         Grouped(total);
}

Progress::Progress(std::ostream& err, std::string what, std::size_t total)
    : err_(err), what_(std::move(what)), total_(total), shown_(Shows(err)) {}

bool Progress::Shows(const std::ostream& err) {
  return &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
}

Progress::~Progress() {
  if (drawn_) err_ << "\r\x1b[K" << std::flush;
}

void Progress::At(std::size_t done) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!shown_ || (drawn_ && now - last_ < kBetweenDrawings)) return;
  err_ << "\r\x1b[K" << ProgressLine(what_, done, total_) << std::flush;
  drawn_ = true;
  last_ = now;
}

}  // namespace jitwg::ctl
