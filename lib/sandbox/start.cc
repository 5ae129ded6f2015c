#include "lib/sandbox/start.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "lib/base/signals.h"
#include "lib/base/sodium.h"
#include "lib/sandbox/process.h"
#include "lib/sandbox/user.h"

namespace jitwg::sandbox {
namespace {

// The group has to be had before: giving a file to a group of one's own needs no capability.
Status TakeGroups(const Confinement& confinement) {
  std::vector<gid_t> groups;
  if (!confinement.group.empty()) {
    const auto group = FindGroup(confinement.group);
    // Nobody by that name: the socket's part says so, better.
    if (group) groups.push_back(*group);
  }
  if (groups.empty() && confinement.user.empty()) return {};
  return SetGroups(groups);
}

Status ChangeUser(const std::string& name) {
  if (name.empty()) return {};
  const auto user = FindUser(name);
  if (!user) return user.error();
  return Become(*user);
}

Status LimitCalls(SystemCalls allowed) {
  Status limited = LimitSystemCalls(allowed);
  if (limited || limited.error().code != ErrorCode::kUnavailable) return limited;
  spdlog::warn("system_calls_not_limited why=\"{}\"", limited.error().message);
  return {};
}

}  // namespace

Status Begin(const LogOptions& log, const Confinement& confinement) {
  if (Status logging = InitLogging(log); !logging) return logging;
  if (Status taken = TakeGroups(confinement); !taken) return taken;
  if (Status limited = LimitBoundingSet(confinement.capabilities); !limited) return limited;
  if (Status changed = ChangeUser(confinement.user); !changed) return changed;
  if (Status kept = KeepOnly(confinement.capabilities); !kept) return kept;
  // After the ids: changing them makes a process dumpable again.
  if (Status hardened = HardenProcess(); !hardened) return hardened;
  InitSodium();
  BlockTerminationSignals();
  return LimitCalls(confinement.system_calls);
}

}  // namespace jitwg::sandbox
