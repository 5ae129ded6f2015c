// All clients of a gateway come back at once, as after a fail-over: how long until all are in, who
// had to call again, what memory that took. Clients call again as WireGuard does. Judges nothing.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/allocator.h"
#include "tests/bench/crowd.h"
#include "tests/bench/gateway_process.h"
#include "tests/bench/gateway_world.h"

namespace jitwg::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// REKEY_TIMEOUT and its jitter (WireGuard paper 6.1).
constexpr double kAgain = 5.0;
constexpr double kJitter = 0.333;

struct Options {
  std::string json;
  std::string provisioner;
  std::string registry = "sqlite";
  std::vector<std::string> storms = {"10000/5", "10000/0", "100000/5"};
  unsigned workers = std::max(1U, std::thread::hardware_concurrency());
  std::size_t tries = 3;
};

struct Call {
  double at;  // seconds from the beginning
  std::size_t client;
  std::size_t attempt;
  bool operator>(const Call& other) const { return at > other.at; }
};

struct Outcome {
  std::size_t clients = 0;
  double within = 0;
  double limit = 0;    // of crypto, a second
  double seconds = 0;  // until all were in, or nobody called any more
  std::size_t in = 0;
  std::size_t called_again = 0;
  std::size_t most_calls = 0;
  std::size_t provisioner_kib = 0;
  std::size_t sniffer_growth_kib = 0;
  std::vector<std::pair<double, std::size_t>> curve;
  std::map<std::string, std::uint64_t> initiations;

  // What an ideal gateway takes: they come no faster than they come.
  double ideal() const { return std::max(within, static_cast<double>(clients) / limit); }
};

class Storm {
 public:
  Storm(const Crowd& crowd, GatewayWorld& world, double within) : crowd_(crowd), world_(world) {
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      calls_.push({within * static_cast<double>(i) / static_cast<double>(crowd.size()), i, 0});
    }
  }

  void Run(Outcome& outcome) {
    const auto begun = SteadyClock::now();
    const auto now = [begun] { return Seconds(SteadyClock::now() - begun).count(); };
    // Who called last is given as long as a client would wait.
    double last_call = 0;
    while (world_.completed() < crowd_.size() && now() < last_call + kAgain) {
      while (!calls_.empty() && calls_.top().at <= now()) {
        if (Make(calls_.top(), outcome)) last_call = now();
        calls_.pop();
      }
      if (outcome.curve.empty() || now() >= outcome.curve.back().first + 0.1) {
        outcome.curve.emplace_back(now(), world_.completed());
      }
      std::this_thread::sleep_for(std::chrono::microseconds(500));
      if (!calls_.empty()) last_call = std::max(last_call, calls_.top().at);
    }
    outcome.seconds = now();
    outcome.in = world_.completed();
    outcome.curve.emplace_back(outcome.seconds, outcome.in);
  }

 private:
  // False: nothing to do, the client is in.
  bool Make(const Call& call, Outcome& outcome) {
    if (world_.IsIn(call.client)) return false;
    if (call.attempt > 0) {
      outcome.called_again += call.attempt == 1 ? 1 : 0;
      // The peer is in, but its packet had been let go: WireGuard answers this one by itself.
      if (world_.sniffer().device().Has(crowd_.key(call.client))) world_.Completed(call.client);
    }
    outcome.most_calls = std::max(outcome.most_calls, call.attempt + 1);
    world_.sniffer().OnFrame(crowd_.frame(call.client, call.attempt));
    if (call.attempt + 1 < crowd_.tries()) {
      calls_.push({call.at + kAgain + jitter_(random_), call.client, call.attempt + 1});
    }
    return true;
  }

  const Crowd& crowd_;
  GatewayWorld& world_;
  std::priority_queue<Call, std::vector<Call>, std::greater<>> calls_;
  std::minstd_rand random_{1};
  std::uniform_real_distribution<double> jitter_{0, kJitter};
};

Outcome Measure(const Options& options, std::size_t clients, double within) {
  const Crowd crowd(clients, options.tries);
  const RegistriesOf registries(crowd, {options.registry});
  Outcome outcome;
  outcome.clients = clients;
  outcome.within = within;
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  outcome.limit = CryptoLimit(crowd, processors, 1).per_second / 2;
  {
    GatewayWorld world(
        {options.provisioner, registries.Address(options.registry), options.workers, {}}, crowd);
    Storm storm(crowd, world, within);
    const std::size_t before = StatusKib(0, "VmRSS");
    storm.Run(outcome);
    const std::size_t after = StatusKib(0, "VmRSS");
    outcome.sniffer_growth_kib = after > before ? after - before : 0;
    outcome.provisioner_kib = StatusKib(world.provisioner().pid(), "VmHWM");
    for (std::size_t i = 0; i < sniffer::kInitiationResults; ++i) {
      const auto result = static_cast<sniffer::InitiationResult>(i);
      const std::uint64_t count = world.sniffer().statistics().Get(result);
      if (count > 0) outcome.initiations[std::string(ToString(result))] = count;
    }
  }
  outcome.limit += CryptoLimit(crowd, processors, 1).per_second / 2;
  return outcome;
}

nlohmann::ordered_json ToJson(const Outcome& o) {
  return {{"clients", o.clients},
          {"within_s", o.within},
          {"crypto_limit_per_s", o.limit},
          {"ideal_s", o.ideal()},
          {"seconds", o.seconds},
          {"ratio", o.seconds / o.ideal()},
          {"in", o.in},
          {"called_again", o.called_again},
          {"most_calls", o.most_calls},
          {"provisioner_peak_kib", o.provisioner_kib},
          {"sniffer_growth_kib", o.sniffer_growth_kib},
          {"initiations", o.initiations},
          {"curve", o.curve}};
}

void Show(const Outcome& o) {
  fmt::print("{:>8}{:>9.1f}{:>10.0f}{:>9.2f}{:>9.2f}{:>8.2f}{:>9}{:>9}{:>7}{:>13.1f}{:>14.1f}\n",
             o.clients, o.within, o.limit, o.ideal(), o.seconds, o.seconds / o.ideal(), o.in,
             o.called_again, o.most_calls, static_cast<double>(o.provisioner_kib) / 1024,
             static_cast<double>(o.sniffer_growth_kib) / 1024);
  fmt::print("        ");
  for (const auto& [name, count] : o.initiations) fmt::print(" {}={}", name, count);
  fmt::print("\n");
  std::fflush(stdout);
}

void Run(const Options& options) {
  fmt::print("{:>8}{:>9}{:>10}{:>9}{:>9}{:>8}{:>9}{:>9}{:>7}{:>13}{:>14}\n", "clients", "within s",
             "limit/s", "ideal s", "took s", "ratio", "in", "again", "calls", "provis. MiB",
             "sniffer +MiB");
  nlohmann::ordered_json json = {{"registry", options.registry}, {"workers", options.workers}};
  std::string result = "RESULT storm";
  for (const std::string& storm : options.storms) {
    const auto slash = storm.find('/');
    const std::size_t clients = std::stoul(storm.substr(0, slash));
    const double within = std::stod(storm.substr(slash + 1));
    const Outcome outcome = Measure(options, clients, within);
    Show(outcome);
    json["storms"].push_back(ToJson(outcome));
    const std::string name = fmt::format("{}_in_{:g}s", clients, within);
    result += fmt::format(" {}_ratio={:.2f} {}_again={} {}_most_calls={} {}_left_out={}", name,
                          outcome.seconds / outcome.ideal(), name, outcome.called_again, name,
                          outcome.most_calls, name, outcome.clients - outcome.in);
  }
  std::ofstream(options.json) << json.dump(2) << "\n";
  fmt::print("\n{}\n", result);
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  jitwg::LimitArenas();  // as the daemons
  jitwg::bench::Options options;
  CLI::App app("Clients that come back all at once: until all are in, who called again, memory");
  app.add_option("--json", options.json, "where the figures go")->required();
  app.add_option("--provisioner", options.provisioner, "the program")->required();
  app.add_option("--registry", options.registry, "sqlite or postgres");
  app.add_option("--storms", options.storms, "CLIENTS/SECONDS each")->delimiter(',');
  app.add_option("--workers", options.workers, "of the sniffer")->check(CLI::Range(1, 64));
  app.add_option("--tries", options.tries, "of a client at most")->check(CLI::Range(1, 10));
  CLI11_PARSE(app, argc, argv);
  try {
    jitwg::bench::Run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_storm: {}\n", error.what());
    return 1;
  }
}
