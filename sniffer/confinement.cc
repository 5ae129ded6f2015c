#include "sniffer/confinement.h"

#include <filesystem>

#include "lib/rpc/address.h"
#include "lib/sandbox/start.h"
#include "lib/sandbox/user.h"

namespace jitwg::sniffer {
namespace {

// The group that may use the socket must get into its directory.
Status MakeDirectories(const SnifferOptions& options) {
  auto user = sandbox::FindUser(options.user);
  if (!user) return user.error();
  const auto listen = rpc::ParseAddress(options.listen);
  if (listen && listen->is_unix()) {
    const auto group = sandbox::FindGroup(options.socket_group);
    const sandbox::User owner{user->user, group ? *group : user->group};
    const auto directory = std::filesystem::path(listen->socket_path).parent_path();
    Status made = sandbox::MakeDirectoryFor(owner, directory.string(), 0750);
    if (!made) return made;
  }
  return sandbox::MakeDirectoryFor(*user, options.state_dir, 0700);
}

}  // namespace

sandbox::CapabilitySet NeededCapabilities(const SnifferOptions& options) {
  const bool queue_only = options.completion == "hold" && !options.outbound;
  return queue_only ? sandbox::kNetAdmin : sandbox::kNetAdmin | sandbox::kNetRaw;
}

Status Confine(const SnifferOptions& options) {
  const sandbox::CapabilitySet needed = NeededCapabilities(options);
  const auto effective = sandbox::EffectiveCapabilities();
  if (!effective) return effective.error();
  if (Status able = sandbox::CheckCapabilities(*effective, needed); !able) return able;
  if (!options.user.empty()) {
    if (Status made = MakeDirectories(options); !made) return made;
  }
  sandbox::Confinement confinement;
  confinement.capabilities = needed;
  confinement.user = options.user;
  confinement.group = options.socket_group;
  confinement.system_calls = sandbox::SystemCalls::kGateway;
  return sandbox::Begin(options.log, confinement);
}

}  // namespace jitwg::sniffer
