#include "peer-api/chaos.h"

#include <charconv>

#include "lib/base/config_values.h"
#include "peer-api/message.h"

namespace jitwg::api {
namespace {

constexpr std::chrono::milliseconds kHang = std::chrono::minutes(1);

Status Read(std::string_view name, std::string_view text, ChaosPlan& plan) {
  if (name == "delay") {
    const auto delay = ParseDuration(text);
    if (!delay) return delay.error();
    plan.delay = *delay;
    return {};
  }
  if (name == "seed") {
    const auto seed = ParseNumber(text, 0, INT64_MAX);
    if (!seed) return seed.error();
    plan.seed = static_cast<std::uint64_t>(*seed);
    return {};
  }
  double* const share = name == "fail"      ? &plan.fail
                        : name == "hang"    ? &plan.hang
                        : name == "garbage" ? &plan.garbage
                                            : nullptr;
  const char* const end = text.data() + text.size();
  double value = -1;
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (share == nullptr || fault != std::errc() || stopped != end || !(value >= 0 && value <= 1)) {
    return Error{ErrorCode::kInvalidArgument,
                 "write delay=200ms, seed=7, or fail, hang and garbage with a share from 0 to 1"};
  }
  *share = value;
  return {};
}

}  // namespace

Result<ChaosPlan> ParseChaos(const std::vector<std::string>& items) {
  ChaosPlan plan;
  for (const std::string& item : items) {
    const auto equals = item.find('=');
    const std::string_view view(item);
    const auto value = equals == std::string::npos ? std::string_view() : view.substr(equals + 1);
    if (auto read = Read(view.substr(0, equals), value, plan); !read) {
      return Error{ErrorCode::kInvalidArgument, Quoted(item) + ": " + read.error().message};
    }
  }
  if (plan.fail + plan.hang + plan.garbage > 1) {
    return Error{ErrorCode::kInvalidArgument, "fail, hang and garbage are more than 1 together"};
  }
  return plan;
}

Chaos::Chaos(std::optional<ChaosPlan> plan) : plan_(plan), random_(plan ? plan->seed : 0) {}

std::optional<Response> Chaos::Strike() {
  if (!plan_) return std::nullopt;
  double die = 0;
  {
    const std::lock_guard lock(mutex_);
    die = std::uniform_real_distribution<double>(0, 1)(random_);
  }
  Wait(plan_->delay);
  if (die < plan_->fail) return Problem(503, ErrorCode::kUnavailable, "failed on purpose");
  die -= plan_->fail;
  if (die < plan_->hang) {
    Wait(kHang);
    return Problem(503, ErrorCode::kUnavailable, "hung on purpose");
  }
  die -= plan_->hang;
  if (die < plan_->garbage)
    return Response(200, "application/json", R"({"public_key": [}{ "nonse)");
  return std::nullopt;
}

void Chaos::Wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, time, [this] { return stopped_; });
}

void Chaos::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
}

}  // namespace jitwg::api
