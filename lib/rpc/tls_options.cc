#include "lib/rpc/tls_options.h"

#include <utility>

namespace jitwg::rpc {

std::string MissingForTls(const TlsOptions& options, TlsSide side) {
  std::string missing;
  const bool nobody = side == TlsSide::kServer && options.client_names.empty();
  for (const auto& [lacks, flag] :
       {std::pair{options.ca_file.empty(), "--tls-ca"},
        std::pair{options.certificate_file.empty(), "--tls-cert"},
        std::pair{options.key_file.empty(), "--tls-key"}, std::pair{nobody, "--tls-client-name"}}) {
    if (lacks) missing += (missing.empty() ? "" : ", ") + std::string(flag);
  }
  return missing;
}

}  // namespace jitwg::rpc
