// How many callers a second the whole path admits: frame, proof, event over gRPC, look-up, policy,
// stamp on disk, installation over gRPC, journal, peer in. The sniffer's parts here, the real
// provisioner as a process; beside the crypto limit of the same run. Judges nothing.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/allocator.h"
#include "tests/bench/crowd.h"
#include "tests/bench/gateway_process.h"
#include "tests/bench/gateway_world.h"
#include "tests/bench/loaded_sniffer.h"

namespace jitwg::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string json;
  std::string provisioner;
  std::size_t clients = 20'000;
  std::size_t window = 256;
  std::vector<unsigned> workers = {1, 2, 4};
  std::vector<std::string> registries = {"sqlite", "postgres"};
  int rounds = 3;
};

struct Round {
  double per_second = 0;
  double limit = 0;      // measured right before and right after
  double crypto_us = 0;  // processor time of one unwrap, and of one admission here and there
  double sniffer_us = 0;
  double provisioner_us = 0;
  std::size_t late = 0;  // their packet had been let go when their peer came in
};

using Rounds = std::map<std::pair<std::string, unsigned>, std::vector<Round>>;

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Of(const std::vector<Round>& rounds, const std::function<double(const Round&)>& value) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(value(round));
  return Median(values);
}

// Keeps `window` callers on their way until the peers of all the crowd are in; the seconds that
// took. Whoever waited for more than two seconds would have to call again: Round::late.
double Admit(const Crowd& crowd, GatewayWorld& world, std::size_t window) {
  const MemoryDevice& device = world.sniffer().device();
  const auto begun = SteadyClock::now();
  const auto deadline = begun + std::chrono::seconds(120);
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    while (i >= device.peer_count() + window) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      if (SteadyClock::now() > deadline) throw std::runtime_error(world.Stuck());
    }
    world.sniffer().OnFrame(crowd.frame(i, 0));
  }
  while (device.peer_count() < crowd.size()) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (SteadyClock::now() > deadline) throw std::runtime_error(world.Stuck());
  }
  return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

Round MeasureOne(const Crowd& crowd, const Options& options, const std::string& registry,
                 unsigned workers) {
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  Round round;
  const CryptoSpeed before = CryptoLimit(crowd, processors, 0.7);
  {
    GatewayWorld world({options.provisioner, registry, workers, {}}, crowd);
    const double own = CpuSeconds(0);
    const double other = CpuSeconds(world.provisioner().pid());
    round.per_second = static_cast<double>(crowd.size()) / Admit(crowd, world, options.window);
    round.late = crowd.size() - world.completed();
    const double each = 1e6 / static_cast<double>(crowd.size());
    round.sniffer_us = (CpuSeconds(0) - own) * each;
    round.provisioner_us = (CpuSeconds(world.provisioner().pid()) - other) * each;
  }
  const CryptoSpeed after = CryptoLimit(crowd, processors, 0.7);
  round.limit = (before.per_second + after.per_second) / 2;
  round.crypto_us = (before.cpu_us + after.cpu_us) / 2;
  return round;
}

void Report(const Rounds& all, const Options& options) {
  fmt::print("\n{:<10}{:>8}{:>14}{:>16}{:>9}{:>12}{:>14}{:>18}{:>11}\n", "registry", "workers",
             "admitted/s", "crypto limit/s", "ratio", "crypto us", "sniffer us", "provisioner us",
             "CPU ratio");
  nlohmann::ordered_json json = {{"clients", options.clients}, {"window", options.window}};
  std::map<std::string, double> best;
  double best_cpu = 0;
  for (const auto& [which, rounds] : all) {
    const double ratio = Of(rounds, [](const Round& r) { return r.per_second / r.limit; });
    const double speed = Of(rounds, [](const Round& r) { return r.per_second; });
    const double limit = Of(rounds, [](const Round& r) { return r.limit; });
    const double sniffer = Of(rounds, [](const Round& r) { return r.sniffer_us; });
    const double other = Of(rounds, [](const Round& r) { return r.provisioner_us; });
    const double crypto = Of(rounds, [](const Round& r) { return r.crypto_us; });
    // Of the processors' time alone, whatever else ran: what PostgreSQL uses is not in it.
    const double cpu_ratio = crypto / (sniffer + other);
    best[which.first] = std::max(best[which.first], ratio);
    best_cpu = std::max(best_cpu, cpu_ratio);
    fmt::print("{:<10}{:>8}{:>14.0f}{:>16.0f}{:>9.3f}{:>12.0f}{:>14.0f}{:>18.0f}{:>11.3f}\n",
               which.first, which.second, speed, limit, ratio, crypto, sniffer, other, cpu_ratio);
    json["rows"].push_back({{"registry", which.first},
                            {"workers", which.second},
                            {"admitted_per_s", speed},
                            {"crypto_limit_per_s", limit},
                            {"ratio", ratio},
                            {"cpu_ratio", cpu_ratio},
                            {"crypto_us", crypto},
                            {"sniffer_us", sniffer},
                            {"provisioner_us", other}});
  }
  std::ofstream(options.json) << json.dump(2) << "\n";
  std::string result = "RESULT admit";
  double lowest = 1e9;
  for (const auto& [registry, ratio] : best) lowest = std::min(lowest, ratio);
  result += fmt::format(" limit_ratio={:.3f}", lowest);
  for (const auto& [registry, ratio] : best)
    result += fmt::format(" {}_ratio={:.3f}", registry, ratio);
  fmt::print("\n{} cpu_ratio={:.3f}\n", result, best_cpu);
}

void Run(const Options& options) {
  fmt::print("making {} clients\n", options.clients);
  const Crowd crowd(options.clients, 1);
  RegistriesOf registries(crowd, options.registries);
  Rounds all;
  for (int i = 0; i < options.rounds; ++i) {
    for (const std::string& registry : options.registries) {
      for (const unsigned workers : options.workers) {
        all[{registry, workers}].push_back(
            MeasureOne(crowd, options, registries.Address(registry), workers));
        const Round& round = all[{registry, workers}].back();
        fmt::print("  round {}: {} {} workers: {:.0f}/s, limit {:.0f}/s, late {}\n", i + 1,
                   registry, workers, round.per_second, round.limit, round.late);
        std::fflush(stdout);
      }
    }
  }
  Report(all, options);
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  jitwg::LimitArenas();  // as the daemons
  jitwg::bench::Options options;
  CLI::App app("Admissions a second of the whole path, beside the crypto limit of the same run");
  app.add_option("--json", options.json, "where the figures go")->required();
  app.add_option("--provisioner", options.provisioner, "the program")->required();
  app.add_option("--clients", options.clients, "callers in each round")
      ->check(CLI::Range(1000, 60000));
  app.add_option("--window", options.window, "callers on their way at a time")
      ->check(CLI::Range(1, 1000));
  app.add_option("--workers", options.workers, "of the sniffer")->delimiter(',');
  app.add_option("--registries", options.registries, "sqlite, postgres")->delimiter(',');
  app.add_option("--rounds", options.rounds, "of everything")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  try {
    jitwg::bench::Run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_admit: {}\n", error.what());
    return 1;
  }
}
