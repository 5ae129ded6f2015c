#include "lib/base/allocator.h"

#include <malloc.h>

namespace jitwg {

void LimitArenas() {
#ifdef M_ARENA_MAX
  static_cast<void>(::mallopt(M_ARENA_MAX, kArenas));
#endif
}

}  // namespace jitwg
