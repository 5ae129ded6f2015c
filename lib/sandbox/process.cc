#include "lib/sandbox/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

namespace jitwg {

Status HardenProcess() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return ErrnoError("cannot forbid core dumps", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return ErrnoError("cannot make the process non-dumpable", errno);
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoError("cannot set no_new_privs", errno);
  }
  return {};
}

}  // namespace jitwg
