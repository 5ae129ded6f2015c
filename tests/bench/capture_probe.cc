// Captures on one interface with the real source and decoder for a while and says what that cost:
// for choosing how the kernel hands packets over. Prints one JSON object.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include "sniffer/capture/datagram.h"
#include "sniffer/capture/pcap_source.h"

namespace {

using namespace jitwg;  // NOLINT: a program of one file

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Tally {
  std::uint64_t packets = 0;
  std::uint64_t datagrams = 0;
  std::vector<std::int64_t> delays_us;  // from the kernel's stamp to the handler

  void Take(const sniffer::CapturedPacket& packet) {
    ++packets;
    const auto datagram = sniffer::DecodeDatagram(
        packet.bytes, {.link_type = packet.link_type, .wire_length = packet.wire_length});
    if (datagram && datagram->payload.size() == 148) ++datagrams;
    const auto delay = std::chrono::system_clock::now() - packet.timestamp;
    if (delays_us.size() < delays_us.capacity()) {
      delays_us.push_back(std::chrono::duration_cast<std::chrono::microseconds>(delay).count());
    }
  }
  std::int64_t DelayAt(double share) {
    if (delays_us.empty()) return -1;
    std::sort(delays_us.begin(), delays_us.end());
    return delays_us[static_cast<std::size_t>(share * static_cast<double>(delays_us.size() - 1))];
  }
};

}  // namespace

int main(int argc, char** argv) {
  sniffer::PcapOptions options;
  std::uint16_t port = 51820;
  int seconds = 10;
  int block_ms = 0;
  CLI::App app("Measures the capture of initiations on an interface");
  app.add_option("--interface", options.interface)->required();
  app.add_option("--port", port);
  app.add_option("--seconds", seconds)->check(CLI::Range(1, 600));
  app.add_option("--block-ms", block_ms, "0: immediate mode")->check(CLI::Range(0, 1000));
  app.add_option("--ring-bytes", options.ring_bytes);
  CLI11_PARSE(app, argc, argv);
  options.block_timeout = std::chrono::milliseconds(block_ms);
  const auto source = sniffer::PcapSource::Open(options);
  const Status ready = source ? (*source)->SetPorts(std::vector{port}) : Status(source.error());
  if (!ready) {
    std::cerr << "capture_probe: " << ready.error().message << '\n';
    return 1;
  }
  std::cerr << "ready\n";
  Tally tally;
  tally.delays_us.reserve(2'000'000);
  const double before = CpuSeconds();
  std::stop_source stop;
  const std::jthread timer([&stop, seconds] {
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    stop.request_stop();
  });
  const Status ran = (*source)->Run(
      [&](const sniffer::CapturedPacket& packet) { tally.Take(packet); }, stop.get_token());
  const auto stats = (*source)->GetStats();
  std::cout << "{\"handled\":" << tally.packets << ",\"datagrams\":" << tally.datagrams
            << ",\"received\":" << stats.received
            << ",\"kernel_dropped\":" << stats.dropped_by_kernel
            << ",\"cpu_seconds\":" << CpuSeconds() - before
            << ",\"delay_us_p50\":" << tally.DelayAt(0.5)
            << ",\"delay_us_p99\":" << tally.DelayAt(0.99) << "}\n";
  return ran ? 0 : 1;
}
