// What the provisioner's parts have counted, under the names that docs/metrics.md explains. Counts
// nothing itself.
#pragma once

#include <string>

#include "lib/metrics/exposition.h"
#include "provisioner/cached_registry.h"
#include "provisioner/peer_cache_store.h"
#include "provisioner/provisioner.h"

namespace jitwg::provisioner {

// What is looked at; all of it outlives whoever looks. The cache's parts are null without a cache.
struct Observed {
  Provisioner& provisioner;
  registry::Registry& registry;
  std::string registry_kind;  // "sqlite", "postgresql", "http"
  const CachedRegistry* cache = nullptr;
  PeerCacheStore* cache_store = nullptr;
};

// Thread-safe.
void CollectMetrics(const Observed& observed, metrics::Exposition& out);

}  // namespace jitwg::provisioner
