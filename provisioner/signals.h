// Waits for the signal that ends the program.
#pragma once

#include <csignal>

namespace jitwg::provisioner {

// Blocks SIGTERM and SIGINT for this thread and those it starts later; call it before any thread
// is. SIGPIPE is ignored.
class TerminationSignals {
 public:
  TerminationSignals();
  // Blocks until one of them comes; returns its number.
  int Wait() const;

 private:
  sigset_t set_{};
};

}  // namespace jitwg::provisioner
