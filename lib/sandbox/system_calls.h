// A filter on the system calls of this process and of all it will start (seccomp). Everything that
// the programs and their libraries need is allowed; what only an intruder would want ends the
// process; the rest fails with EPERM and is told to the kernel's audit log.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace jitwg::sandbox {

enum class SystemCalls {
  kService,  // files, threads, TCP, UDP and Unix sockets
  kGateway,  // besides these: raw, packet and all netlink sockets
};

// Why no filter can be set in this build: sanitizers trace their own process. Empty: it can.
std::string WhyNotLimited();

// For good, and for threads made later. kUnavailable: this kernel, build or service manager has or
// lets have no such filters.
Status LimitSystemCalls(SystemCalls allowed);

}  // namespace jitwg::sandbox
