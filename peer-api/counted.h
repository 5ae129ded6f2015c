// An application whose answers are counted on their way out, and given names for Prometheus. It
// changes none of them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/base/histogram.h"
#include "lib/http/application.h"
#include "lib/metrics/exposition.h"
#include "lib/registry/registry.h"

namespace jitwg::api {

// Thread-safe.
class Counted final : public http::Application {
 public:
  // `inner` outlives it.
  explicit Counted(http::Application& inner) : inner_(inner) {}

  std::optional<http::Response> Refuse(const http::RequestHead& head) override;
  http::Response Handle(const http::Request& request) override;

  void Collect(registry::Registry& registry, metrics::Exposition& out) const;

 private:
  // By the status's hundreds; [0] takes what is no status.
  static constexpr std::size_t kClasses = 6;

  void Count(int status);

  http::Application& inner_;
  std::array<std::atomic<std::uint64_t>, kClasses> classes_{};
  std::atomic<std::uint64_t> rate_limited_{0};
  std::atomic<std::uint64_t> unauthorized_{0};
  LatencyHistogram times_;  // of calls that wait for nobody
};

}  // namespace jitwg::api
