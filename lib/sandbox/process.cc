#include "lib/sandbox/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>

#include "lib/sandbox/sanitizers.h"

namespace jitwg {
namespace {

// LeakSanitizer looks at its own process from a child that traces it, when the process ends: after
// what atexit() was told last. Until then such a build is as closed as any other.
Status OpenForLeakSanitizer() {
  if constexpr (kLeaksAreLookedFor) {
    const int failed = std::atexit([] { ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); });
    if (failed != 0) return ErrnoError("cannot prepare the look for leaks", ENOMEM);
  }
  return {};
}

}  // namespace

Status HardenProcess() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return ErrnoError("cannot forbid core dumps", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return ErrnoError("cannot make the process non-dumpable", errno);
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoError("cannot set no_new_privs", errno);
  }
  return OpenForLeakSanitizer();
}

}  // namespace jitwg
