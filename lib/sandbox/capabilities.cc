#include "lib/sandbox/capabilities.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace jitwg::sandbox {
namespace {

struct Sets {
  __user_cap_header_struct header{};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};

  Sets() { header.version = _LINUX_CAPABILITY_VERSION_3; }
  long Read() { return ::syscall(SYS_capget, &header, data.data()); }
  long Write() { return ::syscall(SYS_capset, &header, data.data()); }
};

}  // namespace

Result<CapabilitySet> EffectiveCapabilities() {
  Sets sets;
  if (sets.Read() != 0) return ErrnoError("cannot read this process's capabilities", errno);
  return CapabilitySet{sets.data[1].effective} << 32 | sets.data[0].effective;
}

Status CheckCapabilities(CapabilitySet effective, CapabilitySet needed) {
  std::string missing;
  for (const auto& [bit, name] :
       {std::pair{kNetAdmin, "CAP_NET_ADMIN"}, std::pair{kNetRaw, "CAP_NET_RAW"}}) {
    if ((needed & bit) == 0 || (effective & bit) != 0) continue;
    missing += missing.empty() ? name : std::string(" and ") + name;
  }
  if (missing.empty()) return {};
  return Error{
      ErrorCode::kPermissionDenied,
      missing +
          " missing: run as root, or grant it with systemd's AmbientCapabilities=, docker's "
          "--cap-add, or: setcap cap_net_admin,cap_net_raw+ep PROGRAM"};
}

Status LimitBoundingSet(CapabilitySet keep) {
  const auto effective = EffectiveCapabilities();
  if (!effective) return effective.error();
  if ((*effective & Bit(CAP_SETPCAP)) == 0) return {};
  // The kernel may know more capabilities than its headers here: it says where they end.
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability < 64 && (keep & Bit(capability)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return ErrnoError("cannot take a capability out of the bounding set", errno);
    }
  }
  return {};
}

Status KeepOnly(CapabilitySet keep) {
  Sets sets;
  if (sets.Read() != 0) return ErrnoError("cannot read this process's capabilities", errno);
  for (std::size_t i = 0; i < sets.data.size(); ++i) {
    const auto word = static_cast<std::uint32_t>(keep >> (32 * i));
    sets.data[i].permitted &= word;
    sets.data[i].effective = sets.data[i].permitted;
    sets.data[i].inheritable = 0;  // the kernel empties the ambient set with it
  }
  if (sets.Write() != 0) return ErrnoError("cannot give up capabilities", errno);
  return {};
}

}  // namespace jitwg::sandbox
