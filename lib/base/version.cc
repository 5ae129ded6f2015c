#include "lib/base/version.h"

namespace jitwg {

std::string_view Version() { return JITWG_VERSION; }

}  // namespace jitwg
