// The terminal on which a live table is drawn again and again, by a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ctl/live_table.h"
#include "lib/base/clock.h"

namespace jitwg::ctl {

// Thread-safe. Nobody else writes to `out` while it lives.
class Screen {
 public:
  // nullptr where `out` is no terminal. `what` stands in the heading. Colours, unless NO_COLOR is
  // set in the environment.
  static std::unique_ptr<Screen> Make(std::ostream& out, const std::string& what);
  // Draws what came last, and leaves it there.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void Add(const Json& message);
  void AddLost(std::uint64_t count);

 private:
  Screen(std::ostream& out, const std::string& what, bool colour);
  void Run();
  void Draw();

  std::ostream& out_;
  const SteadyTime began_;
  std::mutex mutex_;
  std::condition_variable wake_;
  LiveTable table_;    // guarded by mutex_
  bool stop_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace jitwg::ctl
