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
          {"arrived_share", throughput.arrived_share}};
}

nlohmann::json Shown(const CrowdOutcome& outcome) {
  return {{"connected", outcome.connected},
          {"finished", outcome.finished},
          {"answered", outcome.answered},
          {"sent_again", outcome.sent_again},
          {"connect_seconds", outcome.connect_seconds},
          {"datagram_seconds", outcome.datagram_seconds},
          {"gateway_sources", outcome.gateway_sources}};
}

nlohmann::json Run(const std::string& load, const LoadOptions& options) {
  if (load == "upload-ingress") return Shown(UploadThroughIngress(options));
  if (load == "upload-udp-relay") return Shown(UploadThroughUdpRelay(options));
  if (load == "upload-tcp-relay") return Shown(UploadThroughTcpRelay(options));
  if (load == "download-ingress") return Shown(DownloadThroughIngress(options));
  if (load == "download-relay") return Shown(DownloadThroughRelay(options));
  return Shown(Crowd(options));
}

}  // namespace

int main(int argc, char** argv) {
  std::string load;
  LoadOptions options;
  CLI::App app("WebSocket load");
  app.add_option("load", load)
      ->check(CLI::IsMember({"upload-ingress", "upload-udp-relay", "upload-tcp-relay",
                             "download-ingress", "download-relay", "crowd"}))
      ->required();
  app.add_option("--ca-file", options.ca_file)->required();
  app.add_option("--port", options.port)->required();
  app.add_option("--gateway-port", options.gateway_port)->required();
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
