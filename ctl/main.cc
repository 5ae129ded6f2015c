// jitwgctl: the operator's hand. All it does is in ctl/cli.cc and the commands.
#include <exception>
#include <iostream>

#include "ctl/cli.h"
#include "lib/sandbox/process.h"

int main(int argc, char** argv) {
  try {
    // It reads private and preshared keys; they must reach no core dump.
    if (const jitwg::Status hardened = jitwg::HardenProcess(); !hardened) {
      std::cerr << "jitwgctl: " << hardened.error().message << "\n";
      return jitwg::ctl::kExitFailed;
    }
    return jitwg::ctl::Run(jitwg::ctl::Arguments(argv + 1, argv + argc), {std::cout, std::cerr});
  } catch (const std::exception& error) {
    std::cerr << "jitwgctl: internal error: " << error.what() << "\n";
    return jitwg::ctl::kExitFailed;
  }
}
