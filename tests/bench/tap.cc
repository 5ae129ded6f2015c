// What a capture costs a data packet that it does not want: WireGuard data through a veth pair,
// with no tap, with the one-line filter that one would write first, and with the sniffer's. In
// short slices in turn. Prints every slice as JSON; tap.py makes a table of them.
#include <pcap/pcap.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <vector>

#include "sniffer/capture/pcap_source.h"
#include "tests/bench/data_path.h"

namespace jitwg::bench {
namespace {

struct Options {
  std::string interface;
  DataPath::End gateway;
  DataPath::End client;
  std::uint16_t port = 51820;
  std::size_t size = 1420;
  std::uint64_t packets = 20'000;
  int rounds = 50;
  int cpu = 0;
};

// Something that listens in the gateway's namespace, which is this process's.
class Tap {
 public:
  virtual ~Tap() = default;
  // Packets that passed its filter until now.
  virtual std::uint64_t Passed() = 0;
};

class NoTap final : public Tap {
 public:
  std::uint64_t Passed() override { return 0; }
};

// As tcpdump would be started: `udp[8] = 1`, promiscuous, blocks once a second, whole packets.
class OneLine final : public Tap {
 public:
  explicit OneLine(const std::string& interface) {
    char message[PCAP_ERRBUF_SIZE] = "";
    pcap_.reset(::pcap_open_live(interface.c_str(), 262144, 1, 1000, message));
    if (pcap_ == nullptr) throw std::runtime_error(message);
    bpf_program program{};
    const bool is_set =
        ::pcap_compile(pcap_.get(), &program, "udp[8] = 1", 1, PCAP_NETMASK_UNKNOWN) == 0 &&
        ::pcap_setfilter(pcap_.get(), &program) == 0;
    ::pcap_freecode(&program);
    if (!is_set) throw std::runtime_error(::pcap_geterr(pcap_.get()));
  }
  std::uint64_t Passed() override {
    pcap_stat stat{};
    ::pcap_stats(pcap_.get(), &stat);
    return stat.ps_recv;
  }

 private:
  struct Close {
    void operator()(pcap_t* handle) const { ::pcap_close(handle); }
  };
  std::unique_ptr<pcap_t, Close> pcap_;
};

// The sniffer's own source with its own defaults. Nobody reads: nothing passes but the check.
class Ours final : public Tap {
 public:
  // No ports: it refuses everything.
  Ours(const std::string& interface, const std::vector<std::uint16_t>& ports) {
    auto source = sniffer::PcapSource::Open({.interface = interface});
    if (!source) throw std::runtime_error(source.error().message);
    source_ = std::move(*source);
    if (const Status status = source_->SetPorts(ports); !status) {
      throw std::runtime_error(status.error().message);
    }
  }
  std::uint64_t Passed() override { return source_->GetStats().received; }

 private:
  std::unique_ptr<sniffer::PcapSource> source_;
};

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Tap>()> open;
  // How many of one initiation each way it has to see.
  std::uint64_t incoming = 0;
  std::uint64_t outgoing = 0;
};

std::vector<Subject> Subjects(const Options& options) {
  std::vector<Subject> subjects = {{"none", [] { return std::make_unique<NoTap>(); }}};
  const std::uint64_t v4_only = options.gateway.address.find(':') == std::string::npos ? 1 : 0;
  for (const std::string& where : {std::string("any"), options.interface}) {
    const std::string label = where == "any" ? "any" : "one";
    subjects.push_back({"one_line_" + label, [where] { return std::make_unique<OneLine>(where); },
                        v4_only, v4_only});
    const std::vector<std::uint16_t> ports = {options.port};
    subjects.push_back(
        {"ours_" + label, [where, ports] { return std::make_unique<Ours>(where, ports); }, 1, 0});
    subjects.push_back({"nothing_" + label, [where] {
                          return std::make_unique<Ours>(where, std::vector<std::uint16_t>{});
                        }});
  }
  return subjects;
}

// One slice, and then the proof that the tap was there.
nlohmann::json Measure(const DataPath& path, Tap& tap, std::uint64_t packets,
                       std::uint64_t expected) {
  path.Send(packets / 20 + 1);  // neighbours, caches
  const std::uint64_t before = tap.Passed();
  const DataPath::Slice slice = path.Send(packets);
  const std::uint64_t data = tap.Passed() - before;
  if (!path.SendInitiation()) throw std::runtime_error("an initiation could not be sent");
  const std::uint64_t seen = tap.Passed() - before - data;
  if (data != 0 || seen != expected) {
    throw std::runtime_error("a tap saw " + std::to_string(data) + " data packets and " +
                             std::to_string(seen) + " of " + std::to_string(expected) +
                             " initiations");
  }
  return {{"sent", slice.sent},
          {"arrived", slice.arrived},
          {"wall_ns", slice.wall_ns},
          {"cpu_ns", slice.cpu_ns}};
}

nlohmann::json Run(const Options& options) {
  const auto in = DataPath::Open(options.client, options.gateway, options.port, options.size);
  const auto out = DataPath::Open(options.gateway, options.client, options.port, options.size);
  if (!in) throw std::runtime_error(in.error().message);
  if (!out) throw std::runtime_error(out.error().message);
  std::vector<Subject> subjects = Subjects(options);
  std::mt19937 random(1);
  nlohmann::json rounds = nlohmann::json::array();
  for (int round = 0; round < options.rounds; ++round) {
    nlohmann::json found;
    for (const Subject& subject : subjects) {
      const std::unique_ptr<Tap> tap = subject.open();
      found["incoming"][subject.name] = Measure(*in, *tap, options.packets, subject.incoming);
      found["outgoing"][subject.name] = Measure(*out, *tap, options.packets, subject.outgoing);
    }
    rounds.push_back(std::move(found));
    // Nobody is always the first, or always comes after the same one.
    std::shuffle(subjects.begin(), subjects.end(), random);
  }
  return rounds;
}

// One core, and ahead of all else on it: then the clock on the wall is that core's work. False when
// it may not be ahead.
bool TakeCore(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) throw std::runtime_error("no such processor");
  const sched_param first{1};
  return ::sched_setscheduler(0, SCHED_FIFO, &first) == 0;
}

void Declare(CLI::App& app, Options& options) {
  app.add_option("--interface", options.interface, "the gateway's end of the pair")->required();
  app.add_option("--gateway-netns", options.gateway.netns)->required();
  app.add_option("--gateway", options.gateway.address)->required();
  app.add_option("--client-netns", options.client.netns)->required();
  app.add_option("--client", options.client.address)->required();
  app.add_option("--port", options.port);
  app.add_option("--size", options.size, "bytes of UDP payload")->check(CLI::Range(148, 65000));
  app.add_option("--packets", options.packets, "in a slice")->check(CLI::Range(100, 1000000));
  app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 10000));
  app.add_option("--cpu", options.cpu, "the core that does it all");
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  jitwg::bench::Options options;
  CLI::App app("Times data packets past a tap");
  jitwg::bench::Declare(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    const bool is_ahead = jitwg::bench::TakeCore(options.cpu);
    std::cout << nlohmann::json{{"is_ahead", is_ahead}, {"rounds", jitwg::bench::Run(options)}}
              << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_tap: " << error.what() << '\n';
    return 1;
  }
}
