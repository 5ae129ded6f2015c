// The version of this build, as `--version` and the status calls tell it.
#pragma once

#include <string_view>

namespace jitwg {

// "0.1.0"
std::string_view Version();

}  // namespace jitwg
