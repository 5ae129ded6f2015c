// The command line of jitwgctl: finds the command and runs it. In a library so that tests use it as
// a user does.
#pragma once

#include "ctl/command.h"

namespace jitwg::ctl {

// `arguments` without the program's name. Returns the exit code.
int Run(const Arguments& arguments, Io io);

}  // namespace jitwg::ctl
