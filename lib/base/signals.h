// The signals that end a daemon, waited for on its main thread.
#pragma once

#include <csignal>

namespace jitwg {

// Blocks SIGINT and SIGTERM in this thread and in all that it will start, and ignores SIGPIPE.
// Before the first thread.
void BlockTerminationSignals();

// Waits for SIGINT or SIGTERM and returns it.
int WaitForTerminationSignal();

}  // namespace jitwg
