// How fast an initiation is refused, named and proved, beside the raw X25519 that no implementation
// can avoid. Prints a table, then one line `RESULT unwrap ...`; judges nothing.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/noise/initiation.h"
#include "tests/support/initiator.h"

namespace jitwg {
namespace {

using test::InitiationPacket;

constexpr std::size_t kPackets = 64;

// Different packets in turn, so that nothing is measured that a real stream would not give.
struct Setup {
  Setup() {
    test::Initiator initiator(2, responder.public_key());
    for (std::size_t i = 0; i < kPackets; ++i) {
      valid[i] = initiator.Initiate(Tai64n::FromUnix(1'700'000'000, 0));
      garbage[i] = test::GarbageInitiation(i);
    }
  }
  PrivateKey key = test::KeyFromSeed(1);
  noise::Responder responder{key};
  std::array<InitiationPacket, kPackets> valid;
  std::array<InitiationPacket, kPackets> garbage;
};

const Setup& TheSetup() {
  static const Setup setup;
  return setup;
}

// Calls `step` with each packet in turn; a step that says false spoils the benchmark.
template <class Step>
void ForEachPacket(benchmark::State& state, const std::array<InitiationPacket, kPackets>& packets,
                   Step step) {
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    if (!step(packets[next++ % kPackets])) {
      state.SkipWithError("the step did not do what is measured");
      return;
    }
  }
}

void Mac1Reject(benchmark::State& state) {
  const auto& responder = TheSetup().responder;
  ForEachPacket(state, TheSetup().garbage,
                [&](const auto& packet) { return !responder.CheckMac1(packet); });
}

void Identity(benchmark::State& state) {
  const auto& responder = TheSetup().responder;
  ForEachPacket(state, TheSetup().valid, [&](const auto& packet) {
    return responder.OpenStaticUnauthenticated(packet).has_value();
  });
}

// The very call that lib/noise makes, on the very same points.
bool DoRawX25519(const InitiationPacket& packet) {
  std::array<std::uint8_t, 32> shared;
  const int rc =
      crypto_scalarmult_curve25519(shared.data(), TheSetup().key.bytes().data(), packet.data() + 8);
  benchmark::DoNotOptimize(shared);
  return rc == 0;
}

bool DoUnwrap(const InitiationPacket& packet) {
  return TheSetup().responder.ConsumeInitiation(packet).has_value();
}

void AuthenticatedUnwrap(benchmark::State& state) {
  ForEachPacket(state, TheSetup().valid, DoUnwrap);
}

void RawX25519(benchmark::State& state) { ForEachPacket(state, TheSetup().valid, DoRawX25519); }

double ThreadCpuNanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// How much of an authenticated unwrap, which does two X25519, is raw X25519. A processor's speed
// drifts by more than the rest costs, so the two are timed in turn, in slices of about a
// millisecond, and the median of the slices' ratios is the share.
void X25519Share(benchmark::State& state) {
  const auto& packets = TheSetup().valid;
  std::vector<double> ratios;
  for ([[maybe_unused]] auto _ : state) {
    const double start = ThreadCpuNanoseconds();
    for (std::size_t i = 0; i < 16; ++i) DoRawX25519(packets[i]);
    const double middle = ThreadCpuNanoseconds();
    for (std::size_t i = 0; i < 8; ++i) DoUnwrap(packets[i]);
    ratios.push_back((middle - start) / (ThreadCpuNanoseconds() - middle));
  }
  std::nth_element(ratios.begin(), ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2),
                   ratios.end());
  state.counters["x25519_share"] = ratios[ratios.size() / 2];
}

// Remembers whether all that was asked for was measured.
class WatchfulReporter final : public benchmark::ConsoleReporter {
 public:
  WatchfulReporter() : ConsoleReporter(OO_Tabular) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      failed_ = failed_ || run.error_occurred;
      if (run.aggregate_name == "median") ++medians_;
    }
    ConsoleReporter::ReportRuns(runs);
  }

  bool failed() const { return failed_ || medians_ != 5; }

 private:
  int medians_ = 0;
  bool failed_ = false;
};

std::string Hex(std::span<const std::uint8_t> bytes) {
  return fmt::format("{:02x}\n", fmt::join(bytes, ""));
}

// The packets that are measured, for other programs: the responder's private key, which is a
// test's, the initiator's public key, and the initiations.
int WritePackets(const char* name) {
  std::ofstream file(name);
  file << Hex(TheSetup().key.bytes()) << Hex(test::Initiator(2, PublicKey{}).public_key().bytes);
  for (const InitiationPacket& packet : TheSetup().valid) file << Hex(packet);
  return file.flush() ? 0 : 1;
}

// Flags given on the command line come later and so win over these.
int Run(int argc, char** argv) {
  std::vector<std::string> flags = {
      argv[0], "--benchmark_repetitions=5", "--benchmark_min_time=0.04",
      "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true"};
  flags.insert(flags.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (auto& flag : flags) pointers.push_back(flag.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  benchmark::RegisterBenchmark("mac1_reject", Mac1Reject);
  benchmark::RegisterBenchmark("identity", Identity);
  benchmark::RegisterBenchmark("authenticated_unwrap", AuthenticatedUnwrap);
  benchmark::RegisterBenchmark("raw_x25519", RawX25519);
  benchmark::RegisterBenchmark("x25519_share", X25519Share)->MinTime(0.2);
  WatchfulReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (reporter.failed()) {
    std::fputs("a benchmark failed or was left out: no result\n", stderr);
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace jitwg

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--write-packets") {
    return jitwg::WritePackets(argv[2]);
  }
  return jitwg::Run(argc, argv);
}
