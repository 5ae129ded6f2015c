// Finds out by trying in which way packets can be given to this machine's kernel again.
#pragma once

#include <memory>
#include <string>

#include "sniffer/completion/packet_injector.h"

namespace jitwg::sniffer {

struct InjectorWish {
  std::string kind;  // "auto", "mirred", "raw"
  std::string state_dir;
};

// nullptr: none works. `problem` then says why; also when `auto` had to take the lesser one.
std::unique_ptr<PacketInjector> MakeInjector(const InjectorWish& wish, std::string& problem);

}  // namespace jitwg::sniffer
