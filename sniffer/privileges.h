// What the process gives up for good before it touches a key: core dumps, being traced, gaining
// privileges by exec.
#pragma once

#include "lib/base/result.h"

namespace jitwg::sniffer {

// RLIMIT_CORE 0, non-dumpable, no_new_privs. Errors: prctl(2), setrlimit(2).
Status HardenProcess();

}  // namespace jitwg::sniffer
