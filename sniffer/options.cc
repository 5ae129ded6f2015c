#include "sniffer/options.h"

#include <algorithm>
#include <set>

#include "lib/base/config.h"
#include "lib/rpc/address.h"
#include "lib/rpc/tls_flags.h"

namespace jitwg::sniffer {
namespace {

constexpr const char* kExamples =
    "  jitwg-sniffer --interface wg0 --allow wg0=10.8.0.0/16 --allow wg0=fd08::/64\n"
    "      serves wg0; peers may get addresses of these prefixes alone\n"
    "  jitwg-sniffer --interface wg0,wg1 --allow wg0=10.8.0.0/16,wg1=10.9.0.0/16 --capture eth0\n"
    "      two interfaces, watching eth0 only\n"
    "  jitwg-sniffer --config /etc/jitwg/sniffer.toml --check-config\n"
    "      says every fault of the configuration, and ends";

void AddHold(ConfigParser& parser, SnifferOptions& options) {
  parser
      .Add("hold-time", &options.hold_time,
           "completion hold: how long a packet waits for its peer at most")
      .Range(std::chrono::milliseconds(10), std::chrono::seconds(2))
      .Group("WireGuard");
  parser
      .Add("hold-packets", &options.hold_packets,
           "completion hold or reinject: packets kept for their peers at once; the oldest goes "
           "first")
      .Range(16, 65536)
      .Group("WireGuard");
  parser
      .Add("hold-queue", &options.hold_queue,
           "completion hold: number of the kernel's packet queue; 0 takes a free one")
      .Range(0, 65535)
      .Group("WireGuard");
}

void AddInterfaces(ConfigParser& parser, SnifferOptions& options) {
  parser.Add("interface", &options.interfaces, "WireGuard interface to serve; may be repeated")
      .Required()
      .Check(CheckInterfaceName)
      .Group("WireGuard");
  parser
      .AddParsed("allow", &options.allow, ParseInterfacePrefix,
                 "INTERFACE=PREFIX that its peers' addresses must lie in; may be repeated")
      .ValueName("IFACE=PREFIX")
      .Required()
      .Group("WireGuard");
  parser.Add("backend", &options.backend, "how WireGuard is spoken to")
      .OneOf({"auto", "kernel", "userspace"})
      .Group("WireGuard");
  parser.Add("max-peers", &options.max_peers, "installed peers per interface at most")
      .Range(1, 1000000)
      .Group("WireGuard");
  parser.Add("completion", &options.completion, "how a handshake is finished after the install")
      .OneOf({"auto", "hold", "reinject", "initiate", "retry"})
      .Group("WireGuard");
  parser.Add("reinject", &options.reinject, "how a packet is given to the kernel again")
      .OneOf({"auto", "mirred", "raw"})
      .Group("WireGuard");
  AddHold(parser, options);
  parser.Add("poll-interval", &options.poll_interval, "how often keys and ports are read again")
      .Range(std::chrono::milliseconds(100), std::chrono::minutes(10))
      .Group("WireGuard");
}

void AddCapture(ConfigParser& parser, SnifferOptions& options) {
  parser.Add("capture", &options.capture, "network interface to watch, or any; may be repeated")
      .Check(CheckInterfaceName)
      .Group("Capture");
  parser.Add("capture-buffer", &options.capture_buffer_kib, "kernel ring per capture, in KiB")
      .Range(256, 1048576)
      .ValueName("KIB")
      .Group("Capture");
  parser
      .Add("source-rate", &options.source_rate,
           "initiations per second of one IPv4 /32 or IPv6 /64")
      .Range(1, 1000000)
      .Group("Capture");
  parser.Add("source-burst", &options.source_burst, "and so many at once")
      .Range(1, 1000000)
      .Group("Capture");
  parser.Add("global-rate", &options.global_rate, "initiations per second of all sources together")
      .Range(1, 10000000)
      .Group("Capture");
  parser.Add("global-burst", &options.global_burst, "and so many at once")
      .Range(1, 10000000)
      .Group("Capture");
  parser
      .Add("workers", &options.workers,
           "threads that unwrap handshakes; 0: one for each processor, 8 at most")
      .Range(0, 64)
      .Group("Capture");
}

void AddOutbound(ConfigParser& parser, SnifferOptions& options) {
  parser
      .Add(
          "outbound", &options.outbound,
          "watch what this host sends into the interfaces, and bring in the registered peer that a "
          "packet is for; costs something for each packet")
      .Group("Outbound");
  parser
      .Add("outbound-rate", &options.outbound_rate,
           "destinations asked for each second, of all interfaces together")
      .Range(1, 10000)
      .Group("Outbound");
}

void AddServer(ConfigParser& parser, SnifferOptions& options) {
  parser
      .Add("listen", &options.listen,
           "where the provisioner finds the sniffer: unix:PATH, or HOST:PORT with mutual TLS")
      .Check(rpc::CheckAddress)
      .ValueName("ADDRESS")
      .Group("Server");
  rpc::AddTlsFiles(parser, options.tls);
  rpc::AddTlsClientNames(parser, options.tls);
  parser.Add("socket-mode", &options.socket_mode, "the socket's file mode").Group("Server");
  parser.Add("socket-group", &options.socket_group, "the socket's group; empty: the process's own")
      .Group("Server");
  parser
      .Add("state-dir", &options.state_dir, "where the list of installed peers outlives a restart")
      .Group("Server");
  parser
      .Add("user", &options.user,
           "started as root: the user to become, keeping the two capabilities; empty: stays root")
      .Group("Server");
  parser.Add("log-level", &options.log.level, "least important lines to write")
      .OneOf({"trace", "debug", "info", "warn", "error", "off"})
      .Group("Log");
  parser.Add("log-json", &options.log.json, "write JSON lines").Group("Log");
}

std::string HasNoAllow(const std::string& interface) {
  return "'" + interface + "' has no --allow; add --allow " + interface +
         "=PREFIX for the addresses its peers may have";
}

// Faults that no option has alone.
void CrossCheck(ConfigParser& parser, const SnifferOptions& options) {
  const std::set<std::string> served(options.interfaces.begin(), options.interfaces.end());
  std::set<std::string> allowed;
  for (const InterfacePrefix& allow : options.allow) {
    allowed.insert(allow.interface);
    if (served.count(allow.interface) == 0 && !served.empty()) {
      parser.AddFault("allow", "'" + allow.interface + "=" + allow.prefix.ToString() +
                                   "' names no --interface; add --interface " + allow.interface);
    }
  }
  for (const std::string& name : served) {
    if (allowed.count(name) == 0 && !allowed.empty()) {
      parser.AddFault("interface", HasNoAllow(name));
    }
  }
  if (served.size() != options.interfaces.size()) {
    parser.AddFault("interface", "the same interface is named twice");
  }
}

}  // namespace

unsigned WorkersFor(std::uint32_t option, unsigned processors) {
  constexpr unsigned kMostByItself = 8;
  return option != 0 ? option : std::clamp(processors, 1U, kMostByItself);
}

std::optional<int> ParseOptions(int argc, const char* const* argv, SnifferOptions& options,
                                std::ostream& out, std::ostream& err) {
  ConfigParser parser("jitwg-sniffer",
                      "Captures WireGuard handshake initiations, proves who calls, and installs "
                      "the peers it is told to.");
  AddInterfaces(parser, options);
  AddCapture(parser, options);
  AddOutbound(parser, options);
  AddServer(parser, options);
  metrics::AddMetricsOptions(parser, options.metrics, "Server");
  // Of `jitwgctl gateway`, which makes the interfaces out of the same file.
  parser.PassOver({"address", "listen-port", "private-key-file", "mtu", "userspace-program"});
  parser.Examples(kExamples);
  parser.Parse(argc, argv);
  CrossCheck(parser, options);
  rpc::RequireTls(parser, "listen", options.listen, options.tls, rpc::TlsSide::kServer);
  metrics::CheckMetricsOptions(parser, options.metrics);
  return parser.Finish(out, err);
}

}  // namespace jitwg::sniffer
