#include "ctl/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace jitwg::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenFrames(200);

bool WantsColour() {
  const char* without = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return without == nullptr || *without == '\0';
}

}  // namespace

std::unique_ptr<Screen> Screen::Make(std::ostream& out, const std::string& what) {
  if (&out != &std::cout || ::isatty(STDOUT_FILENO) != 1) return nullptr;
  return std::unique_ptr<Screen>(new Screen(out, what, WantsColour()));
}

Screen::Screen(std::ostream& out, const std::string& what, bool colour)
    : out_(out), began_(std::chrono::steady_clock::now()), table_(what, colour) {
  out_ << "\x1b[2J";
  thread_ = std::thread([this] { Run(); });
}

Screen::~Screen() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  Draw();
}

void Screen::Add(const Json& message) {
  const std::lock_guard lock(mutex_);
  table_.Add(message);
}

void Screen::AddLost(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  table_.AddLost(count);
}

void Screen::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Draw();
    wake_.wait_for(lock, kBetweenFrames, [this] { return stop_; });
  }
}

void Screen::Draw() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  const auto watched =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
  out_ << table_.Frame(known ? size.ws_row : 24, known ? size.ws_col : 80, watched) << std::flush;
}

}  // namespace jitwg::ctl
