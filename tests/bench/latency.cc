// From a caller's frame to the installed peer, one caller at a time, stage by stage; in turns with
// the floor: an empty hop through a gRPC stream, a bare look-up, an empty call. Judges nothing.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "lib/base/allocator.h"
#include "lib/registry/factory.h"
#include "lib/rpc/channel.h"
#include "provisioner/grpc_sniffer_link.h"
#include "provisioner/provisioner.h"
#include "tests/bench/crowd.h"
#include "tests/bench/floor.h"
#include "tests/bench/gateway_world.h"
#include "tests/bench/loaded_sniffer.h"
#include "tests/bench/stamped.h"

namespace jitwg::bench {
namespace {

struct Options {
  std::string json;
  std::size_t clients = 3000;
  std::vector<std::string> registries = {"sqlite", "postgres"};
};

struct Span {
  const char* name;
  Stage from;
  Stage to;
};
constexpr std::array<Span, 8> kSpans = {{{"proof", Stage::kCaptured, Stage::kProved},
                                         {"stream hop", Stage::kProved, Stage::kHeard},
                                         {"replay check", Stage::kHeard, Stage::kAsked},
                                         {"look up", Stage::kAsked, Stage::kFound},
                                         {"policy, stamp", Stage::kFound, Stage::kSent},
                                         {"call", Stage::kSent, Stage::kArrived},
                                         {"peer in", Stage::kArrived, Stage::kInstalled},
                                         {"answer", Stage::kInstalled, Stage::kAnswered}}};

using Microseconds = std::vector<double>;
double InMicroseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

double Percentile(Microseconds values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * share);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

struct Figures {
  std::array<Microseconds, kSpans.size()> stages;
  Microseconds installed;  // from the frame to the peer being in
  Microseconds unproved;   // the same without the proof, which the floor has not either
  Microseconds answered;   // to the provisioner knowing
  Microseconds hop, look_up, call, floor;
};

// Sniffer and provisioner in one process, so that one clock times both; between them the same
// socket as ever.
class Gateway {
 public:
  explicit Gateway(const std::string& address)
      : sniffer_(SnifferOptions()),
        registry_(Must(registry::MakeRegistry(address, clock_))),
        stamped_registry_(*registry_, stamps_),
        channel_(Must(rpc::MakeChannel(sniffer_.address()))),
        grpc_link_(channel_),
        link_(grpc_link_, stamps_, [this] { Answered(); }),
        replay_(Must(provisioner::ReplayMemory::Open(folder_.Make("provisioner")))),
        provisioner_(clock_, link_, stamped_registry_, *replay_, {}) {
    sniffer_.device().SetHooks([this] { stamps_.Note(Stage::kArrived); },
                               [this] { stamps_.Note(Stage::kInstalled); });
    provisioner_.Start();
    while (!sniffer_.IsWatched()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  ~Gateway() { provisioner_.Stop(); }

  const std::string& folder() const { return folder_.path(); }

  // One caller, to the end. False: nothing came of it.
  bool Admit(const InitiationFrame& frame) {
    std::unique_lock lock(mutex_);
    answered_ = false;
    stamps_.Note(Stage::kCaptured);
    sniffer_.OnFrame(frame);
    return changed_.wait_for(lock, std::chrono::seconds(5), [this] { return answered_; });
  }
  const Stamps& stamps() const { return stamps_; }

 private:
  template <class T>
  static T Must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }
  LoadedSnifferOptions SnifferOptions() {
    LoadedSnifferOptions options;
    options.folder = folder_.Make("sniffer");
    options.proved = [this](const sniffer::HandshakeEvent&) { stamps_.Note(Stage::kProved); };
    LogTo(options.folder + "/log");
    return options;
  }
  void Answered() {
    const std::lock_guard lock(mutex_);
    answered_ = true;
    changed_.notify_all();
  }

  const SystemClock clock_;
  Folder folder_;
  Stamps stamps_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answered_ = false;
  LoadedSniffer sniffer_;
  std::unique_ptr<registry::Registry> registry_;
  StampedRegistry stamped_registry_;
  std::shared_ptr<grpc::Channel> channel_;
  provisioner::GrpcSnifferLink grpc_link_;
  StampedLink link_;
  std::unique_ptr<provisioner::ReplayMemory> replay_;
  provisioner::Provisioner provisioner_;
};

void Note(const Stamps& stamps, Figures& figures) {
  for (std::size_t i = 0; i < kSpans.size(); ++i) {
    figures.stages[i].push_back(InMicroseconds(stamps.Between(kSpans[i].from, kSpans[i].to)));
  }
  const auto total = [&](Stage from, Stage to) { return InMicroseconds(stamps.Between(from, to)); };
  figures.installed.push_back(total(Stage::kCaptured, Stage::kInstalled));
  figures.unproved.push_back(total(Stage::kProved, Stage::kInstalled));
  figures.answered.push_back(total(Stage::kCaptured, Stage::kAnswered));
}

Figures Measure(const Crowd& crowd, const std::string& address, BareLookUp bare) {
  Gateway gateway(address);
  Floor floor(gateway.folder(), std::move(bare));
  Figures figures;
  constexpr std::size_t kWarmUp = 200;
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    if (!gateway.Admit(crowd.frame(i, 0))) throw std::runtime_error("a client does not get in");
    const Stamps& stamps = gateway.stamps();
    const FloorTimes times = floor.Measure(crowd.key(i));
    if (i < kWarmUp) continue;
    Note(stamps, figures);
    figures.hop.push_back(InMicroseconds(times.hop));
    figures.look_up.push_back(InMicroseconds(times.look_up));
    figures.call.push_back(InMicroseconds(times.call));
    figures.floor.push_back(InMicroseconds(times.all));
  }
  return figures;
}

nlohmann::ordered_json Show(const char* name, const Microseconds& values) {
  const double p50 = Percentile(values, 0.5);
  const double p99 = Percentile(values, 0.99);
  fmt::print("{:<28}{:>10.0f}{:>10.0f}\n", name, p50, p99);
  return {{"stage", name}, {"p50_us", p50}, {"p99_us", p99}};
}

nlohmann::ordered_json Report(const std::string& registry, const Figures& figures) {
  fmt::print("\n{:<28}{:>10}{:>10}\n", registry, "p50 us", "p99 us");
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < kSpans.size(); ++i) {
    json["stages"].push_back(Show(kSpans[i].name, figures.stages[i]));
  }
  json["installed"] = Show("packet to installed", figures.installed);
  json["unproved"] = Show("  without the proof", figures.unproved);
  json["answered"] = Show("packet to answered", figures.answered);
  json["floor"] = Show("floor", figures.floor);
  json["floor_stages"] = {Show("  empty stream hop", figures.hop),
                          Show("  bare look-up", figures.look_up),
                          Show("  empty call", figures.call)};
  const double floor = Percentile(figures.floor, 0.5);
  json["ratio"] = Percentile(figures.installed, 0.5) / floor;
  json["answered_ratio"] = Percentile(figures.answered, 0.5) / floor;
  fmt::print("{:<28}{:>10.2f}\n", "installed / floor", json["ratio"].get<double>());
  fmt::print("{:<28}{:>10.2f}\n", "answered / floor", json["answered_ratio"].get<double>());
  return json;
}

void Run(const Options& options) {
  const Crowd crowd(options.clients, 1);
  RegistriesOf registries(crowd, options.registries);
  nlohmann::ordered_json json = {{"clients", options.clients}};
  std::string result = "RESULT latency";
  for (const std::string& registry : options.registries) {
    const std::string& address = registries.Address(registry);
    const std::string rest = address.substr(address.find(':') + 1);
    const Figures figures =
        Measure(crowd, address, registry == "sqlite" ? BareSqlite(rest) : BarePostgres(rest));
    const nlohmann::ordered_json row = Report(registry, figures);
    json["registries"][registry] = row;
    result +=
        fmt::format(" {}_p50_us={:.0f} {}_ratio={:.2f} {}_answered_ratio={:.2f}", registry,
                    row["installed"]["p50_us"].get<double>(), registry, row["ratio"].get<double>(),
                    registry, row["answered_ratio"].get<double>());
  }
  std::ofstream(options.json) << json.dump(2) << "\n";
  fmt::print("\n{}\n", result);
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  jitwg::LimitArenas();  // as the daemons
  jitwg::bench::Options options;
  CLI::App app("From a frame to the installed peer by stage, beside the floor of the same run");
  app.add_option("--json", options.json, "where the figures go")->required();
  app.add_option("--clients", options.clients, "callers, one after the other")
      ->check(CLI::Range(500, 60000));
  app.add_option("--registries", options.registries, "sqlite, postgres")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  try {
    jitwg::bench::Run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_latency: {}\n", error.what());
    return 1;
  }
}
