#include "ctl/command.h"

#include <future>
#include <ostream>

#include "lib/registry/factory.h"
#include "lib/rpc/address.h"
#include "lib/rpc/tls_flags.h"

namespace jitwg::ctl {
namespace {

Status CheckRegistry(const std::string& text) {
  const auto address = registry::ParseRegistryAddress(text);
  if (!address) return address.error();
  return {};
}

}  // namespace

void AddCommon(ConfigParser& parser, CommonOptions& options) {
  constexpr const char* kGroup = "Where to look";
  parser.Add("sniffer", &options.sniffer, "the sniffer: unix:PATH or HOST:PORT")
      .Check(rpc::CheckAddress)
      .ValueName("ADDRESS")
      .Group(kGroup);
  parser.Add("admin", &options.admin, "the provisioner: unix:PATH or HOST:PORT")
      .Check(rpc::CheckAddress)
      .ValueName("ADDRESS")
      .Group(kGroup);
  rpc::AddTlsFiles(parser, options.tls);
  rpc::AddTlsServerNames(parser, options.tls);
  parser.Add("registry", &options.registry, "the registry of peers")
      .Check(CheckRegistry)
      .ValueName("ADDRESS")
      .Group(kGroup);
  parser
      .Add("registry-token-file", &options.registry_http.token_file,
           "the token for a registry over https://")
      .ValueName("FILE")
      .Group(kGroup);
  parser
      .Add("registry-ca-file", &options.registry_http.ca_file,
           "who vouches for a registry over https://; the system's authorities by default")
      .ValueName("FILE")
      .Group(kGroup);
  parser.Add("json", &options.json, "print JSON instead of text").Group("Output");
}

std::optional<PublicKey> ParseKeyArgument(ConfigParser& parser, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto key = ParsePublicKey(text);
  if (key) return *key;
  parser.AddFault("key", key.error().message);
  return std::nullopt;
}

int Fail(Io io, const Error& error) {
  io.out.flush();
  io.err << "jitwgctl: " << error.message << "\n";
  switch (error.code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return kExitUnreachable;
    default:
      return kExitFailed;
  }
}

Result<std::unique_ptr<registry::Registry>> OpenRegistry(const CommonOptions& options, Io io) {
  static const SystemClock clock;
  auto opened = registry::MakeRegistry(options.registry, clock, false, options.registry_http);
  if (opened || opened.error().code != ErrorCode::kNotFound) return opened;
  opened = registry::MakeRegistry(options.registry, clock, true, options.registry_http);
  if (opened)
    io.err << "jitwgctl: made a new registry, " << registry::ShownAddress(options.registry) << "\n";
  return opened;
}

Result<std::optional<registry::Peer>> FindPeer(registry::Registry& registry, const PublicKey& key) {
  // Shared: the registry's thread may still be inside set_value when the answer is read.
  const auto answer = std::make_shared<std::promise<Result<std::optional<registry::Peer>>>>();
  auto future = answer->get_future();
  registry.Find(key, kCallTimeout, [answer](Result<std::optional<registry::Peer>> found) {
    answer->set_value(std::move(found));
  });
  return future.get();
}

}  // namespace jitwg::ctl
