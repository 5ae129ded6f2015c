// What the ingress has counted, under the names that docs/metrics.md explains. Counts nothing
// itself.
#pragma once

#include <cstddef>

#include "lib/metrics/exposition.h"
#include "ws-ingress/counters.h"
#include "ws-ingress/settings.h"

namespace jitwg::ingress {

void CollectMetrics(const Settings& settings, const Counters& counters, std::size_t open,
                    metrics::Exposition& out);

}  // namespace jitwg::ingress
