// What a process that holds keys gives up for good before it touches one: core dumps, being traced,
// gaining privileges by exec.
#pragma once

#include "lib/base/result.h"

namespace jitwg {

// RLIMIT_CORE 0, non-dumpable, no_new_privs. Errors: prctl(2), setrlimit(2).
Status HardenProcess();

}  // namespace jitwg
