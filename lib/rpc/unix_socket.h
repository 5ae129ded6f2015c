// Addresses of the project's gRPC servers and the Unix socket's owner, group and mode.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::rpc {

// "unix:/absolute/path" or "/absolute/path" -> the path. kInvalidArgument for anything else, also
// for a path longer than sockaddr_un holds (107 bytes).
Result<std::string> ParseUnixAddress(std::string_view address);

struct SocketAccess {
  mode_t mode = 0660;
  std::string group;  // name or number; empty leaves the process's own
};

// "0660" -> the mode; kInvalidArgument unless 3 or 4 octal digits within 0777.
Result<mode_t> ParseMode(std::string_view text);

// kPermissionDenied when somebody else could put another socket into the place of `path`: anyone
// may write its directory (sticky or not: while we are not there, a stranger's socket could take
// our name), or a directory above it that is not sticky. A directory that is not there is fine.
// Who owns them is not looked at: below a sticky one, like /tmp, they are whoever's made them
// first.
Status CheckSocketDirectory(const std::string& path);

// Refuses when another process listens at `path` (kAlreadyExists) or it is no socket; removes a
// socket that a dead process left behind. Creates nothing.
Status ClaimSocketPath(const std::string& path);

// Sets group and mode of the bound socket. kNotFound: no such group.
Status ApplySocketAccess(const std::string& path, const SocketAccess& access);

}  // namespace jitwg::rpc
