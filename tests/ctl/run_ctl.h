// Runs jitwgctl in this process, as a user would type it.
#pragma once

#include <sstream>
#include <string>

#include "ctl/cli.h"

namespace jitwg::ctl {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

inline Outcome RunCtl(const Arguments& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = Run(arguments, {out, err});
  return {code, out.str(), err.str()};
}

}  // namespace jitwg::ctl
