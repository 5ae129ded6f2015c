// How many connections there may be, in all and from one source.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "ws-ingress/source.h"

namespace jitwg::ingress {

// Thread-safe; outlives its slots.
class ConnectionLimits {
 public:
  // A place that is given back when it goes.
  class Slot {
   public:
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&&) = delete;
    ~Slot();

   private:
    friend class ConnectionLimits;
    Slot(ConnectionLimits* limits, std::optional<SourceNetwork> source)
        : limits_(limits), source_(source) {}
    ConnectionLimits* limits_;
    std::optional<SourceNetwork> source_;  // nullopt: one of all
  };

  ConnectionLimits(std::size_t total, std::size_t per_source)
      : total_(total), per_source_(per_source) {}

  // nullopt: none is left.
  std::optional<Slot> TakeAny();
  std::optional<Slot> TakeFrom(const SourceNetwork& source);

  std::size_t open() const;

 private:
  void GiveBack(const std::optional<SourceNetwork>& source);

  const std::size_t total_;
  const std::size_t per_source_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  // Bounded by the number of connections, for each source has one at least.
  std::unordered_map<SourceNetwork, std::size_t, SourceNetworkHash> sources_;
};

}  // namespace jitwg::ingress
