// What one look-up among a million peers costs as the provisioner makes it (the registry behind its
// cache), through each registry alone, and by bare pipelined libpq in the same run. Prints a table,
// writes JSON, ends with `RESULT registry ...`; judges nothing.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "lib/http/http_server.h"
#include "lib/registry/factory.h"
#include "lib/registry/http_registry.h"
#include "peer-api/service.h"
#include "provisioner/cached_registry.h"
#include "provisioner/peer_cache_store.h"
#include "tests/bench/registry_subjects.h"

namespace jitwg::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::size_t rows = 1'000'000;
  std::size_t in_flight = 64;
  std::size_t slice = 5'000;  // look-ups
  int slices = 40;
  std::string json;
};

struct Row {
  std::string name;
  std::unique_ptr<Subject> subject;
  std::vector<double> cost_us = {};     // of each slice: its time by its look-ups
  std::vector<double> latency_us = {};  // of each look-up
};

double Percentile(std::vector<double> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * share);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// Keeps `in_flight` look-ups under way until `keys` are through.
class Slice {
 public:
  Slice(Row& row, const std::vector<PublicKey>& keys, std::size_t in_flight)
      : row_(row), keys_(keys), in_flight_(in_flight) {}

  // False when a peer was not found.
  bool Run() {
    const auto start = Clock::now();
    std::size_t started = 0;
    while (Ended() < keys_.size()) {
      while (started < keys_.size() && started - Ended() < in_flight_) Start(keys_[started++]);
      row_.subject->Wait();
      std::unique_lock lock(mutex_);
      // A quarter at a time: to wake for each one would measure the waking.
      const std::size_t next =
          std::min(keys_.size(), started < keys_.size() ? started - in_flight_ * 3 / 4 : started);
      // A subject without a thread of its own moves in Wait() only.
      progress_.wait_for(lock, std::chrono::microseconds(threaded_ ? 1'000'000 : 0),
                         [&] { return ended_ >= next; });
    }
    row_.cost_us.push_back(Microseconds(Clock::now() - start) / static_cast<double>(keys_.size()));
    return missing_ == 0;
  }
  void SetThreaded(bool threaded) { threaded_ = threaded; }

 private:
  std::size_t Ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  void Start(const PublicKey& key) {
    row_.subject->Start(key, [this, begun = Clock::now()](bool found) {
      const double latency = Microseconds(Clock::now() - begun);
      const std::lock_guard lock(mutex_);
      row_.latency_us.push_back(latency);
      missing_ += found ? 0 : 1;
      ++ended_;
      if (ended_ % std::max<std::size_t>(in_flight_ / 4, 1) == 0 || ended_ == keys_.size()) {
        progress_.notify_one();
      }
    });
  }

  Row& row_;
  const std::vector<PublicKey>& keys_;
  const std::size_t in_flight_;
  bool threaded_ = true;
  std::mutex mutex_;
  std::condition_variable progress_;
  std::size_t ended_ = 0;
  std::size_t missing_ = 0;
};

bool Measure(std::vector<Row>& rows, const Options& options) {
  std::minstd_rand random(1);
  std::uniform_int_distribution<std::size_t> any(0, options.rows - 1);
  std::vector<PublicKey> keys(options.slice);
  for (int i = -2; i < options.slices; ++i) {
    for (PublicKey& key : keys) key = KeyOf(any(random));
    // In turn, slice by slice: a processor's speed drifts by more than the difference.
    for (Row& row : rows) {
      Slice slice(row, keys, options.in_flight);
      slice.SetThreaded(row.name != "libpq");
      if (!slice.Run()) return false;
      if (i >= 0) continue;
      row.cost_us.clear();  // warming up
      row.latency_us.clear();
    }
  }
  return true;
}

// The median of the slices' ratios: each pair was measured at nearly the same time.
double Ratio(const Row& ours, const Row& bare) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.cost_us.size(); ++i) {
    ratios.push_back(ours.cost_us[i] / bare.cost_us[i]);
  }
  return Percentile(ratios, 0.5);
}

void Report(const std::vector<Row>& rows, const Options& options) {
  nlohmann::ordered_json json = {{"rows", options.rows}, {"in_flight", options.in_flight}};
  std::string result = "RESULT registry";
  const Row& bare = rows[1];
  fmt::print("{:<13}{:>12}{:>12}{:>12}{:>12}{:>10}\n", "registry", "look-ups/s", "us each",
             "p50 us", "p99 us", "ratio");
  for (const Row& row : rows) {
    const double cost = Percentile(row.cost_us, 0.5);
    const double p50 = Percentile(row.latency_us, 0.5);
    const double p99 = Percentile(row.latency_us, 0.99);
    const double ratio = Ratio(row, bare);
    fmt::print("{:<13}{:>12.0f}{:>12.2f}{:>12.0f}{:>12.0f}{:>10.2f}\n", row.name, 1e6 / cost, cost,
               p50, p99, ratio);
    json["registries"][row.name] = {{"per_second", 1e6 / cost},
                                    {"us_each", cost},
                                    {"latency_p50_us", p50},
                                    {"latency_p99_us", p99},
                                    {"ratio_to_libpq", ratio}};
  }
  json["ratio"] = Ratio(rows[0], bare);
  std::ofstream(options.json) << json.dump(2) << "\n";
  result += fmt::format(" ratio={:.2f}", Ratio(rows[0], bare));
  for (const Row& row : rows) {
    result += fmt::format(" {}_per_s={:.0f}", row.name, 1e6 / Percentile(row.cost_us, 0.5));
  }
  fmt::print("\n{}\n", result);
}

std::unique_ptr<Subject> Open(const std::string& address, const SystemClock& clock) {
  auto registry = registry::MakeRegistry(address, clock);
  if (!registry) throw std::runtime_error(registry.error().message);
  return OfRegistry(std::move(*registry));
}

// The peer API on a database, and a gateway's way to it.
class PeerApi {
 public:
  PeerApi(const SystemClock& clock, const std::string& database, const std::string& folder)
      : registry_(std::move(*registry::MakeRegistry(database, clock))),
        control_(std::move(*registry::MakeControlPlane(database, clock))),
        service_(clock, *registry_, *control_,
                 std::move(*api::Tokens::Parse(std::string("gateway ") + kToken)), {}),
        token_file_(folder + "/token") {
    http::ServerOptions options;
    options.listen.address = *IpAddress::Parse("127.0.0.1");
    server_ = std::move(*http::HttpServer::Start(options, service_));
    std::ofstream(token_file_) << kToken;
  }
  ~PeerApi() { service_.Stop(); }

  std::unique_ptr<Subject> Connect() const {
    return OfRegistry(std::move(*registry::HttpRegistry::Open(
        {.base_url = "http://127.0.0.1:" + std::to_string(server_->port()),
         .ca_file = "",
         .token_file = token_file_})));
  }

 private:
  static constexpr const char* kToken = "a-token-of-this-run-alone";
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::ControlPlane> control_;
  api::Service service_;
  const std::string token_file_;
  std::unique_ptr<http::HttpServer> server_;
};

// What a provisioner asks: the registry, behind the gateway's cache on disk.
class Cached {
 public:
  Cached(const SystemClock& clock, const std::string& database, const std::string& folder)
      : registry_(std::move(*registry::MakeRegistry(database, clock))),
        store_(MakeFolder(folder), {}),
        cache_(*registry_, store_, clock) {}

  std::unique_ptr<Subject> Connect() const { return OfLent(cache_); }

 private:
  static const std::string& MakeFolder(const std::string& folder) {
    std::filesystem::create_directory(folder);
    return folder;
  }

  std::unique_ptr<registry::Registry> registry_;
  provisioner::PeerCacheStore store_;
  mutable provisioner::CachedRegistry cache_;
};

int Run(const Options& options) {
  const SystemClock clock;
  PostgresServer server;
  const std::string folder = std::filesystem::temp_directory_path() /
                             ("jitwg-bench-registry-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string database = server.NewDatabase();
  const auto start = Clock::now();
  LoadPostgres(server, database, options.rows);
  LoadSqlite(folder + "/r.db", options.rows);
  fmt::print("{} peers loaded in {:.0f} s; {} look-ups in flight\n\n", options.rows,
             Microseconds(Clock::now() - start) / 1e6, options.in_flight);
  // The peer API in this process, on the same database: HTTP over loopback is real.
  PeerApi api(clock, "postgres:" + server.SocketAddress(database), folder);
  // The first is what the ratio is about, the second what it is measured against.
  std::vector<Row> rows;
  const Cached cached(clock, "postgres:" + server.SocketAddress(database), folder + "/cache");
  rows.push_back({"provisioner", cached.Connect()});
  rows.push_back({"libpq", BareLibpq(server.SocketAddress(database))});
  rows.push_back({"postgres", Open("postgres:" + server.SocketAddress(database), clock)});
  rows.push_back({"sqlite", Open("sqlite:" + folder + "/r.db", clock)});
  rows.push_back({"http", api.Connect()});
  const bool measured = Measure(rows, options);
  rows.resize(measured ? rows.size() : 0);
  if (measured) Report(rows, options);
  rows.clear();
  std::filesystem::remove_all(folder);
  if (!measured) fmt::print(stderr, "bench_registry: a peer was not found: no result\n");
  return measured ? 0 : 1;
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  jitwg::bench::Options options;
  CLI::App app("Look-ups among many peers, through each registry and bare libpq");
  app.add_option("--json", options.json, "where the figures go")->required();
  app.add_option("--rows", options.rows, "peers in each registry")
      ->check(CLI::Range(1000, 10000000));
  app.add_option("--in-flight", options.in_flight, "look-ups at a time")
      ->check(CLI::Range(4, 1000));
  app.add_option("--slices", options.slices, "slices of each registry")
      ->check(CLI::Range(4, 10000));
  app.add_option("--slice", options.slice, "look-ups in a slice")->check(CLI::Range(100, 1000000));
  CLI11_PARSE(app, argc, argv);
  try {
    return jitwg::bench::Run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_registry: {}\n", error.what());
    return 1;
  }
}
