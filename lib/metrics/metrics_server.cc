#include "lib/metrics/metrics_server.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "lib/base/config_values.h"
#include "lib/http/problem.h"

namespace jitwg::metrics {
namespace {

constexpr const char* kListen = "metrics-listen";
constexpr const char* kAllowRemote = "metrics-allow-remote";

Error NoAddress(std::string_view text) {
  return Error{ErrorCode::kInvalidArgument,
               Quoted(text) + " is no address and port like 127.0.0.1:9586 or [::1]:9586"};
}

Result<Endpoint> ParseListen(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return NoAddress(text);
  std::string_view host = text.substr(0, colon);
  const auto port = ParseNumber(text.substr(colon + 1), 0, 65535);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::Parse(host);
  if (!port || !address || address->is_v4() == bracketed) return NoAddress(text);
  return Endpoint{*address, static_cast<std::uint16_t>(*port), 0};
}

std::string_view PathOf(std::string_view target) { return target.substr(0, target.find('?')); }

// "127.0.0.1:9586", "[::1]", "localhost:1": names that nobody else can point here.
bool NamesThisHost(std::string_view host) {
  if (host.empty()) return true;  // no browser
  if (host.front() == '[') return IpAddress::Parse(host.substr(1, host.find(']') - 1)).has_value();
  const std::string_view name = host.substr(0, host.find(':'));
  return name == "localhost" || IpAddress::Parse(name).has_value();
}

http::Response Plain(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

// A scrape comes every few seconds from one or two places, a page from a handful.
http::ServerOptions ServerOptionsFor(const Endpoint& listen) {
  http::ServerOptions options;
  options.listen = listen;
  options.threads = 4;
  options.max_queued = 16;
  options.limits.max_body = 0;
  options.limits.max_header = 8 << 10;
  options.limits.header_timeout = std::chrono::seconds(5);
  options.limits.body_timeout = std::chrono::seconds(1);
  options.limits.response_timeout = std::chrono::seconds(10);
  return options;
}

}  // namespace

bool IsLoopback(const IpAddress& address) {
  static const IpPrefix v4 = *IpPrefix::Parse("127.0.0.0/8");
  static const IpPrefix v6 = *IpPrefix::Parse("::1/128");
  return v4.Contains(address) || v6.Contains(address);
}

void AddMetricsOptions(ConfigParser& parser, MetricsOptions& options, const std::string& group) {
  parser
      .AddParsed(kListen, &options.listen, ParseListen,
                 "serve numbers for Prometheus there, at /metrics; without it no port is opened")
      .ValueName("ADDRESS:PORT")
      .Group(group);
  parser
      .Add(kAllowRemote, &options.allow_remote,
           "admits that whoever reaches --metrics-listen over the network may read what is there, "
           "and that it is not encrypted")
      .Group(group);
}

void CheckMetricsOptions(ConfigParser& parser, const MetricsOptions& options) {
  if (!options.listen || options.allow_remote || IsLoopback(options.listen->address)) return;
  parser.AddFault(kListen,
                  "is not a loopback address: others may read the numbers there. Give "
                  "--metrics-allow-remote as well if they may, or listen on 127.0.0.1");
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::Start(const MetricsOptions& options,
                                                            Served served) {
  if (!options.listen) return std::unique_ptr<MetricsServer>();
  std::unique_ptr<MetricsServer> metrics(new MetricsServer(std::move(served)));
  auto server = http::HttpServer::Start(ServerOptionsFor(*options.listen), *metrics);
  if (!server) {
    return Error{server.error().code, "--metrics-listen: " + server.error().message};
  }
  metrics->listen_ = *options.listen;
  metrics->listen_.port = (*server)->port();
  metrics->server_ = std::move(*server);
  spdlog::info("metrics_started listen={}", metrics->listen_.ToString());
  return metrics;
}

MetricsServer::~MetricsServer() = default;

Endpoint MetricsServer::listening() const { return listen_; }

std::optional<http::Response> MetricsServer::Refuse(const http::RequestHead& head) {
  const std::string_view path = PathOf(head.target);
  const bool page = served_.pages.contains(path);
  if (!page && path != "/metrics") return Plain(404, "There is /metrics here.\n");
  if (head.method != "GET") {
    auto refused = Plain(405, "Nothing here can be changed: GET it.\n");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  if (page && !NamesThisHost(head.host)) {
    return Plain(421, "Call this host by its address, or localhost.\n");
  }
  return std::nullopt;
}

http::Response MetricsServer::Handle(const http::Request& request) {
  if (const auto page = served_.pages.find(PathOf(request.head.target));
      page != served_.pages.end()) {
    return page->second();
  }
  Exposition out;
  served_.metrics(out);
  return {200, "text/plain; version=0.0.4; charset=utf-8", out.Text()};
}

}  // namespace jitwg::metrics
