// Decisions and evictions as one line each.
#pragma once

#include <string>

#include "jitwg/v1/admin.pb.h"

namespace jitwg::ctl {

std::string DecisionText(const v1::Decision& decision);
std::string EvictionText(const v1::Eviction& eviction);

}  // namespace jitwg::ctl
