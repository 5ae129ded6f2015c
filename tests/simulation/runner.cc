#include "tests/simulation/runner.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include "lib/base/sodium.h"
#include "tests/simulation/schedule.h"

namespace jitwg::simulation {
namespace {

constexpr std::uint64_t kBatch = 200;
// Of real time: far more than any schedule takes.
constexpr unsigned kLongestSchedule = 120;

// What a batch's process leaves for who started it.
struct Shared {
  std::uint64_t seed;
  std::uint64_t schedules;
  std::uint64_t steps;
  std::uint64_t switches;
  bool failed;
  char violation[512];
};

Shared& Page() {
  static auto* page = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (page == MAP_FAILED) std::abort();
  return *page;
}

void Fail(const std::string& violation) {
  Page().failed = true;
  std::snprintf(Page().violation, sizeof(Page().violation), "%s", violation.c_str());
}

bool show_log = false;

// The daemons' log: read by nobody but this, which looks for what must not be in it.
class NoSecrets final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  NoSecrets() {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      secrets_.push_back(SecretToBase64(test::KeyFromSeed(seed + 1)));     // of clients
      secrets_.push_back(SecretToBase64(test::KeyFromSeed(1000 + seed)));  // of interfaces
      secrets_.push_back(SecretToBase64(test::KeyFromSeed(500 + seed)));   // shared ones
    }
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    const std::string_view text(line.payload.data(), line.payload.size());
    if (show_log)
      std::printf("             log: %.*s\n", static_cast<int>(text.size()), text.data());
    for (const std::string& secret : secrets_) {
      if (text.find(secret) != std::string_view::npos) Fail("1: a secret is in the log");
    }
  }
  void flush_() override {}

 private:
  std::vector<std::string> secrets_;
};

[[noreturn]] void RunBatch(std::uint64_t first, std::uint64_t count, Sabotage sabotage) {
  for (std::uint64_t seed = first; seed < first + count && !Page().failed; ++seed) {
    Page().seed = seed;
    alarm(kLongestSchedule);
    const Outcome outcome = RunSchedule(seed, sabotage, /*verbose=*/false);
    Page().schedules += 1;
    Page().steps += outcome.steps;
    Page().switches += outcome.switches;
    if (!outcome.violation.empty()) Fail(outcome.violation);
  }
  _exit(EXIT_SUCCESS);
}

std::string Ending(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "endless: no time goes by";
  if (WIFSIGNALED(status)) return std::string("crash: ") + strsignal(WTERMSIG(status));
  return "crash: exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Tally RunSchedules(std::uint64_t first, std::uint64_t count, Sabotage sabotage, bool progress) {
  Page() = {};
  for (std::uint64_t done = 0; done < count && !Page().failed; done += kBatch) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) std::abort();
    if (child == 0) RunBatch(first + done, std::min(kBatch, count - done), sabotage);
    int status = 0;
    if (waitpid(child, &status, 0) != child) std::abort();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) Fail(Ending(status));
    if (progress && (done / kBatch) % 25 == 24) {
      std::fprintf(stderr, "%llu schedules\n", static_cast<unsigned long long>(Page().schedules));
    }
  }
  const Shared& page = Page();
  return {page.schedules, page.steps, page.switches, page.failed, page.seed, page.violation};
}

void ShowLog() { show_log = true; }

void Prepare() {
  InitSodium();
  auto logger = std::make_shared<spdlog::logger>("simulation", std::make_shared<NoSecrets>());
  logger->set_level(spdlog::level::info);
  spdlog::set_default_logger(logger);
  // Without interruptions, which a library's first use must not meet.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    if (Setup::FromSeed(seed, Sabotage::kNone).preempt > 0) continue;
    static_cast<void>(RunSchedule(seed, Sabotage::kNone, /*verbose=*/false));
  }
}

}  // namespace jitwg::simulation
