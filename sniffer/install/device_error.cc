// See device_error.h.
#include "sniffer/install/device_error.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>

namespace jitwg::sniffer {

Error DeviceGoneError(const std::string& name) {
  return {ErrorCode::kNotFound,
          "interface '" + name + "' was removed or made anew meanwhile: nothing was changed"};
}

Error DeviceError(const std::string& name, int errno_value) {
  switch (errno_value) {
    case ENODEV:
      return {ErrorCode::kNotFound, "no interface '" + name + "': create it (ip link add " + name +
                                        " type wireguard) or correct the name"};
    case EOPNOTSUPP:
      return {ErrorCode::kInvalidArgument,
              "interface '" + name + "' is not a WireGuard interface: name one of type wireguard"};
    case EPERM:
    case EACCES:
      return {
          ErrorCode::kPermissionDenied,
          "not allowed to configure '" + name +
              "': grant CAP_NET_ADMIN (run as root, setcap, or AmbientCapabilities= in systemd)"};
    case EAGAIN:
    case ETIMEDOUT:
      return {ErrorCode::kDeadlineExceeded,
              "no answer about interface '" + name + "' in time: try again"};
    case EINVAL:
    case ERANGE:
    case EMSGSIZE:
      return {ErrorCode::kInvalidArgument,
              ErrnoError("interface '" + name + "' rejected the settings", errno_value).message};
    default:
      return ErrnoError("interface '" + name + "'", errno_value);
  }
}

bool ConcernsWholeDevice(int errno_value) {
  switch (errno_value) {
    case ENODEV:
    case ENOENT:
    case EOPNOTSUPP:
    case EPERM:
    case EACCES:
    case EAGAIN:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

Status CheckInterfaceName(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c > ' ' && c != '/' && c != ':' && c != 0x7f;
  });
  if (plain && !name.empty() && name.size() < IFNAMSIZ && name != "." && name != "..") return {};
  return Error{ErrorCode::kInvalidArgument,
               "an interface name has 1 to 15 characters without blanks, '/' or ':', such as wg0"};
}

}  // namespace jitwg::sniffer
