// The one place where an errno of a WireGuard back end becomes a project error with a message that
// says how to mend it.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace jitwg::sniffer {

// The interface is not the one that a change was for. Always kNotFound.
Error DeviceGoneError(const std::string& name);

// What a change or a query of interface `name` failed with. ENODEV -> kNotFound, EOPNOTSUPP ->
// kInvalidArgument (another type of interface), EPERM -> kPermissionDenied naming CAP_NET_ADMIN,
// EAGAIN -> kDeadlineExceeded (a receive that timed out), EINVAL/ERANGE/EMSGSIZE ->
// kInvalidArgument; the rest as ErrnoError does.
Error DeviceError(const std::string& name, int errno_value);

// True for the errors that concern the interface or the connection to it and not one of the peers
// in a message.
bool ConcernsWholeDevice(int errno_value);

// 1..15 characters, no '/', no white space, not "." or "..", as the kernel demands of an interface
// (dev_valid_name). kInvalidArgument otherwise.
Status CheckInterfaceName(const std::string& name);

}  // namespace jitwg::sniffer
