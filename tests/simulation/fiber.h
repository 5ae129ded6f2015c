// A stack to run a function on, and the switch between stacks: what stands for a thread in the
// simulation. Knows no time and no order.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace jitwg::simulation {

// Runs on the one real thread. A fiber that is destroyed before it ended takes nothing down: what
// is on its stack is gone as at a kill -9.
class Fiber {
 public:
  // `body` runs at the first Resume.
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // From the scheduler: runs the fiber until it yields or ends.
  void Resume();
  // From inside the fiber: back to whoever resumed it.
  void Yield();
  bool done() const { return done_; }

 private:
  struct Context;
  static void Enter(void* self);

  std::unique_ptr<std::function<void()>> body_;  // null once it has run
  std::unique_ptr<Context> context_;
  bool done_ = false;
};

}  // namespace jitwg::simulation
