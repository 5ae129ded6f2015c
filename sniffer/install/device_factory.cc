// See device_factory.h.
#include "sniffer/install/device_factory.h"

#include "sniffer/install/netlink_device.h"

namespace jitwg::sniffer {

Result<Backend> ParseBackend(std::string_view text) {
  if (text == "auto") return Backend::kAuto;
  if (text == "kernel") return Backend::kKernel;
  if (text == "userspace") return Backend::kUserspace;
  return Error{ErrorCode::kInvalidArgument, "backend '" + std::string(text.substr(0, 60)) +
                                                "' is none of auto, kernel, userspace"};
}

std::unique_ptr<WireGuardDevice> MakeDevice(const std::string& name, Backend backend,
                                            const std::string& uapi_directory) {
  auto userspace = std::make_unique<UapiDevice>(uapi_directory);
  if (backend == Backend::kUserspace) return userspace;
  if (backend == Backend::kAuto && userspace->IsAlive(name)) return userspace;
  return std::make_unique<NetlinkDevice>();
}

}  // namespace jitwg::sniffer
