// Points in time as people's JSON has them: RFC 3339.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace jitwg::api {

// "2027-01-01T00:00:00Z", with an offset instead of Z, with a fraction of up to 9 digits (kept to
// the microsecond); years 1970..2261. kInvalidArgument otherwise.
Result<WallTime> ParseTime(std::string_view text);

// In UTC; a fraction of six digits when there is one.
std::string FormatTime(WallTime time);

}  // namespace jitwg::api
