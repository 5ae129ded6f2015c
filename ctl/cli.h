// The command line of jitwgctl: finds the command and runs it. In a library so that tests use it as
// a user does.
#pragma once

#include "ctl/command.h"

namespace jitwg::ctl {

// `arguments` without the program's name. Returns the exit code.
int Run(const Arguments& arguments, Io io);

// All commands, "status" or "peer add", in the order of the help.
std::vector<std::string> CommandNames();

}  // namespace jitwg::ctl
