#include "lib/rpc/tls_flags.h"

#include "lib/rpc/address.h"

namespace jitwg::rpc {
namespace {

constexpr const char* kGroup = "Mutual TLS, for TCP addresses";

}  // namespace

void AddTlsFiles(ConfigParser& parser, TlsOptions& options) {
  parser.Add("tls-ca", &options.ca_file, "who vouches for the other side; PEM")
      .ValueName("FILE")
      .Group(kGroup);
  parser.Add("tls-cert", &options.certificate_file, "own certificate with its chain; PEM")
      .ValueName("FILE")
      .Group(kGroup);
  parser
      .Add("tls-key", &options.key_file,
           "its private key; PEM, mode 0600. All three are read again when they change")
      .ValueName("FILE")
      .Group(kGroup);
}

void AddTlsClientNames(ConfigParser& parser, TlsOptions& options) {
  parser
      .Add("tls-client-name", &options.client_names,
           "who may call: a DNS or URI name of the caller's certificate; may be repeated")
      .ValueName("NAME")
      .Group(kGroup);
}

void AddTlsServerNames(ConfigParser& parser, TlsOptions& options) {
  parser
      .Add("tls-server-name", &options.server_names,
           "a name that the server's certificate must have, instead of the address's host; may be "
           "repeated")
      .ValueName("NAME")
      .Group(kGroup);
}

void RequireTls(ConfigParser& parser, const std::string& option, const std::string& address,
                const TlsOptions& options, TlsSide side) {
  const auto parsed = ParseAddress(address);
  if (!parsed || parsed->is_unix()) return;
  const std::string missing = MissingForTls(options, side);
  if (missing.empty()) return;
  parser.AddFault(option, "'" + address + "' is TCP, which needs mutual TLS: add " + missing +
                              ", or use a Unix socket");
}

}  // namespace jitwg::rpc
