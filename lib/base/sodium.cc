#include "lib/base/sodium.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>

namespace jitwg {

void InitSodium() {
  static const bool ready = sodium_init() >= 0;
  if (ready) return;
  std::fputs("libsodium cannot start: check that /dev/urandom is readable\n", stderr);
  std::abort();
}

}  // namespace jitwg
