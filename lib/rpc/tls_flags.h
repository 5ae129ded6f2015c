// The options for mutual TLS as every program has them, and the refusal of TCP without.
#pragma once

#include <string>

#include "lib/base/config.h"
#include "lib/rpc/tls_options.h"

namespace jitwg::rpc {

// --tls-ca, --tls-cert, --tls-key; for a server --tls-client-name, for a client --tls-server-name.
void AddTlsFiles(ConfigParser& parser, TlsOptions& options);
void AddTlsClientNames(ConfigParser& parser, TlsOptions& options);
void AddTlsServerNames(ConfigParser& parser, TlsOptions& options);

// After Parse: a fault of `option` when `address` is TCP and something is missing for mutual TLS.
void RequireTls(ConfigParser& parser, const std::string& option, const std::string& address,
                const TlsOptions& options, TlsSide side);

}  // namespace jitwg::rpc
