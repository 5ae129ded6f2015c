// From a registry's address to the registry. The only file that knows which kinds there are.
#pragma once

#include <memory>
#include <string>

#include "lib/base/clock.h"
#include "lib/registry/control_plane.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

// "sqlite:/var/lib/jitwg/registry.db", "postgresql://gateway@db/jitwg",
// "postgres:host=db dbname=jitwg user=gateway" or "https://api.example:8443", taken apart.
struct RegistryAddress {
  std::string kind;  // "sqlite", "postgres" or "http"
  std::string rest;  // an absolute path, what libpq is given (it may hold a password), or the URL
};

// What the peer API wants of a gateway, and who vouches for it; see HttpRegistryOptions.
struct HttpCredentials {
  std::string token_file;
  std::string ca_file;
};

// kInvalidArgument says which kinds there are; the message repeats nothing that may be a password.
// Opens nothing: for checking configuration.
Result<RegistryAddress> ParseRegistryAddress(std::string_view text);

// The address as it may be shown and logged: of a PostgreSQL one only the kind.
std::string ShownAddress(std::string_view text);

// Opens the registry; when `create`, one that is a file and absent is made. `clock` outlives it.
Result<std::unique_ptr<Registry>> MakeRegistry(const std::string& address, const Clock& clock,
                                               bool create = true,
                                               const HttpCredentials& http = {});

// Opens the same store for the peer API's calls; one that is a file and absent is made. Not over
// HTTP (kInvalidArgument). `clock` outlives it.
Result<std::unique_ptr<ControlPlane>> MakeControlPlane(const std::string& address,
                                                       const Clock& clock);

}  // namespace jitwg::registry
