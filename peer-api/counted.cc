#include "peer-api/counted.h"

#include <chrono>
#include <string_view>

namespace jitwg::api {
namespace {

constexpr std::array<std::string_view, 6> kClassNames{"", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr int kUnauthorized = 401;
constexpr int kTooManyRequests = 429;
// Waits for a change, for as long as the caller likes.
constexpr std::string_view kLongPoll = "/internal/v1/changes";

}  // namespace

void Counted::Count(int status) {
  const int hundreds = status / 100;
  const bool known = hundreds > 0 && hundreds < static_cast<int>(kClasses);
  classes_[static_cast<std::size_t>(known ? hundreds : 0)].fetch_add(1, std::memory_order_relaxed);
  if (status == kUnauthorized) unauthorized_.fetch_add(1, std::memory_order_relaxed);
  if (status == kTooManyRequests) rate_limited_.fetch_add(1, std::memory_order_relaxed);
}

std::optional<http::Response> Counted::Refuse(const http::RequestHead& head) {
  auto refused = inner_.Refuse(head);
  if (refused) Count(refused->status);
  return refused;
}

http::Response Counted::Handle(const http::Request& request) {
  const auto begun = std::chrono::steady_clock::now();
  http::Response response = inner_.Handle(request);
  if (!request.head.target.starts_with(kLongPoll)) {
    times_.Observe(std::chrono::steady_clock::now() - begun);
  }
  Count(response.status);
  return response;
}

void Counted::Collect(registry::Registry& registry, metrics::Exposition& out) const {
  metrics::AddProcess(out, "peer-api");
  for (std::size_t i = 2; i < kClasses; ++i) {
    out.Counter("jitwg_peer_api_responses_total", "Answers, by the class of their status.",
                {{"status", kClassNames[i]}}, classes_[i].load());
  }
  const char* const refused = "jitwg_peer_api_callers_refused_total";
  const char* const refused_help = "Answers of the class 4xx that were about the caller.";
  out.Counter(refused, refused_help, {{"reason", "token"}}, unauthorized_.load());
  out.Counter(refused, refused_help, {{"reason", "rate_limit"}}, rate_limited_.load());
  out.Histogram("jitwg_peer_api_request_seconds",
                "Time to answer one call, but for those that wait for changes.", {}, times_);
  out.Gauge("jitwg_peer_api_registry_healthy", "1: calls reach the registry.", {},
            registry.Health() ? 1 : 0);
}

}  // namespace jitwg::api
