// jitwgctl: the operator's hand. All it does is in ctl/cli.cc and the commands.
#include <exception>
#include <iostream>

#include "ctl/cli.h"

int main(int argc, char** argv) {
  try {
    return jitwg::ctl::Run(jitwg::ctl::Arguments(argv + 1, argv + argc), {std::cout, std::cerr});
  } catch (const std::exception& error) {
    std::cerr << "jitwgctl: internal error: " << error.what() << "\n";
    return jitwg::ctl::kExitFailed;
  }
}
