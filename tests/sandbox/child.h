// Runs a function in a child process, so that what it gives up is not lost for the other tests.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace jitwg::sandbox {

// The wait status; the function's result is the exit code.
inline int InChild(const std::function<int()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run());
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

inline bool EndedWith(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

}  // namespace jitwg::sandbox
