// The first rungs that every daemon's main() climbs: log, what the process gives up for good,
// cryptography, signals. To be called while there is one thread and nothing is open yet.
#pragma once

#include <string>
#include <vector>

#include "lib/base/log.h"
#include "lib/base/result.h"
#include "lib/sandbox/capabilities.h"
#include "lib/sandbox/system_calls.h"

namespace jitwg::sandbox {

struct Confinement {
  CapabilitySet capabilities = 0;  // kept, of those that the process has
  std::string user;                // becomes this one; empty: stays who it is
  std::string group;               // may give files to this group besides its own; empty: none
  SystemCalls system_calls = SystemCalls::kService;
};

// In this order: log; groups and user; capabilities out of every set; no core dump, not dumpable,
// no_new_privs; libsodium; SIGINT, SIGTERM and SIGPIPE as BlockTerminationSignals leaves them; the
// filter of system calls. Where a kernel or build has no such filter, that is told in the log and
// the rest counts.
Status Begin(const LogOptions& log, const Confinement& confinement);

}  // namespace jitwg::sandbox
