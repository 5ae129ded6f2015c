#include "lib/registry/factory.h"

#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"

namespace jitwg::registry {

Result<RegistryAddress> ParseRegistryAddress(std::string_view text) {
  const auto colon = text.find(':');
  const RegistryAddress address{
      std::string(text.substr(0, colon)),
      colon == std::string_view::npos ? "" : std::string(text.substr(colon + 1))};
  const std::string shown = "'" + std::string(text.substr(0, 100)) + "'";
  if (colon == std::string_view::npos || address.kind != "sqlite") {
    return Error{ErrorCode::kInvalidArgument,
                 shown + " is no registry; the kinds there are: sqlite:/absolute/path"};
  }
  if (address.rest.empty() || address.rest.front() != '/' || address.rest.back() == '/') {
    return Error{ErrorCode::kInvalidArgument,
                 shown +
                     " names no file; write sqlite: and an absolute path, like "
                     "sqlite:/var/lib/jitwg/registry.db"};
  }
  return address;
}

Result<std::unique_ptr<Registry>> MakeRegistry(const std::string& address, const Clock& clock,
                                               bool create) {
  const auto parsed = ParseRegistryAddress(address);
  if (!parsed) return parsed.error();
  SqliteOptions options;
  options.create = create;
  auto opened = SqliteRegistry::Open(parsed->rest, clock, options);
  if (!opened) return opened.error();
  return std::unique_ptr<Registry>(std::move(*opened));
}

Result<std::unique_ptr<ControlPlane>> MakeControlPlane(const std::string& address,
                                                       const Clock& clock) {
  const auto parsed = ParseRegistryAddress(address);
  if (!parsed) return parsed.error();
  auto opened = SqliteControlPlane::Open(parsed->rest, clock);
  if (!opened) return opened.error();
  return std::unique_ptr<ControlPlane>(std::move(*opened));
}

}  // namespace jitwg::registry
