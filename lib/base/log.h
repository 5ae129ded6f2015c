// Logging set-up: spdlog to stderr, one line per event, `event key=value`; JSON lines on request.
// Callers use spdlog's free functions. Nothing that a stranger's packet can trigger may be logged,
// nor any secret.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace jitwg {

struct LogOptions {
  std::string level = "info";  // trace, debug, info, warn, error
  bool json = false;
};

// Sets spdlog's default logger. kInvalidArgument names the levels when `level` is none of them.
Status InitLogging(const LogOptions& options);

}  // namespace jitwg
