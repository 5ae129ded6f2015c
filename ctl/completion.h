// What a shell offers for the word that is being typed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/command.h"

namespace jitwg::ctl {

// A command's --help, as it would be printed; the empty name's is the program's own.
using HelpOf = std::function<std::string(std::string_view command)>;

// Candidates for the last of `words` (which may be empty) behind "jitwgctl", sorted, with the
// letters that are there already in front. None where a file or any text may stand. `commands`: all
// names, one word or two.
std::vector<std::string> Complete(const Arguments& words, const std::vector<std::string>& commands,
                                  const HelpOf& help_of);

}  // namespace jitwg::ctl
