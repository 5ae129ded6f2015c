// See capabilities.h.
#include "sniffer/install/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace jitwg::sniffer {

Status CheckCapabilities(std::uint64_t effective) {
  std::string missing;
  for (const auto& [bit, name] :
       {std::pair{CAP_NET_ADMIN, "CAP_NET_ADMIN"}, std::pair{CAP_NET_RAW, "CAP_NET_RAW"}}) {
    if ((effective >> bit & 1) != 0) continue;
    missing += missing.empty() ? name : std::string(" and ") + name;
  }
  if (missing.empty()) return {};
  return Error{
      ErrorCode::kPermissionDenied,
      missing +
          " missing: run as root, or grant it with systemd's AmbientCapabilities=, docker's "
          "--cap-add, or: setcap cap_net_admin,cap_net_raw+ep PROGRAM"};
}

Status RequireCapabilities() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) {
    return ErrnoError("cannot read this process's capabilities", errno);
  }
  return CheckCapabilities(std::uint64_t{data[1].effective} << 32 | data[0].effective);
}

}  // namespace jitwg::sniffer
