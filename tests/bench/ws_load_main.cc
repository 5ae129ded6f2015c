// The load of the WebSocket benchmark as a program: runs one load, prints it as JSON.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/bench/ws_load.h"

namespace {

using namespace jitwg::bench;

nlohmann::json Shown(const Throughput& throughput) {
  return {{"megabytes_per_second", throughput.megabytes_per_second},
          {"megabytes", throughput.megabytes},
          {"arrived_share", throughput.arrived_share}};
}

nlohmann::json Shown(const CrowdOutcome& outcome) {
  return {{"connected", outcome.connected},
          {"established", outcome.established},
          {"finished", outcome.finished},
          {"initiations_again", outcome.initiations_again},
          {"pings_unanswered", outcome.pings_unanswered},
          {"sent", outcome.sent},
          {"received", outcome.received},
          {"not_understood", outcome.not_understood},
          {"connect_seconds", outcome.connect_seconds},
          {"handshake_seconds", outcome.handshake_seconds},
          {"datagram_seconds", outcome.datagram_seconds},
          {"handshake_p50_ms", outcome.handshake_p50_ms},
          {"handshake_p99_ms", outcome.handshake_p99_ms},
          {"ping_p50_ms", outcome.ping_p50_ms},
          {"ping_p99_ms", outcome.ping_p99_ms}};
}

nlohmann::json Run(const std::string& load, const LoadOptions& options) {
  if (load == "upload-ingress") return Shown(UploadThroughIngress(options));
  if (load == "upload-udp-relay") return Shown(UploadThroughUdpRelay(options));
  if (load == "upload-tcp-relay") return Shown(UploadThroughTcpRelay(options));
  if (load == "download-ingress") return Shown(DownloadThroughIngress(options));
  if (load == "download-relay") return Shown(DownloadThroughRelay(options));
  if (load == "crowd") return Shown(Crowd(options));
  RegisterCrowd(options);
  return {{"registered", options.clients}};
}

}  // namespace

int main(int argc, char** argv) {
  std::string load;
  LoadOptions options;
  CLI::App app("WebSocket load");
  app.add_option("load", load)
      ->check(CLI::IsMember({"upload-ingress", "upload-udp-relay", "upload-tcp-relay",
                             "download-ingress", "download-relay", "crowd", "register"}))
      ->required();
  app.add_option("--ca-file", options.ca_file);
  app.add_option("--port", options.port);
  app.add_option("--gateway-port", options.gateway_port);
  app.add_flag("--segmented-sink", options.segmented_sink);
  app.add_option("--gateway-key", options.gateway_key);
  app.add_option("--registry", options.registry);
  app.add_option("--datagram", options.datagram);
  app.add_option("--megabytes", options.megabytes);
  app.add_option("--clients", options.clients);
  app.add_option("--datagrams-each", options.datagrams_each);
  CLI11_PARSE(app, argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::cout << Run(load, options).dump() << "\n";
  return 0;
}
