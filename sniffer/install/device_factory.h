// Picks the implementation that serves an interface.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "sniffer/install/uapi_device.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

enum class Backend : std::uint8_t { kAuto, kKernel, kUserspace };

// "auto", "kernel" or "userspace"; kInvalidArgument names them otherwise.
Result<Backend> ParseBackend(std::string_view text);

// kAuto, as wg(8) does it: userspace when somebody listens at the UAPI socket of `name`, else the
// kernel. Whether the interface exists is not checked: GetDevice tells. Never null.
std::unique_ptr<WireGuardDevice> MakeDevice(
    const std::string& name, Backend backend,
    const std::string& uapi_directory = std::string(kUapiDirectory));

}  // namespace jitwg::sniffer
