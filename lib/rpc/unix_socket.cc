#include "lib/rpc/unix_socket.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace jitwg::rpc {
namespace {

// Whether a process accepts connections at `path`.
Result<bool> SomebodyListens(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return ErrnoError("cannot create a Unix socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int connect_errno = errno;
  ::close(fd);
  if (rc == 0 || connect_errno == EAGAIN) return true;
  if (connect_errno == ECONNREFUSED || connect_errno == ENOENT) return false;
  return ErrnoError("cannot tell whether " + path + " is in use", connect_errno);
}

std::optional<gid_t> FindGroup(const std::string& name) {
  gid_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return number;
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

Error OpenToAnyone(const std::string& directory, const std::string& path) {
  return {ErrorCode::kPermissionDenied, "anyone may write the directory " + directory +
                                            ", and so put another socket in the place of " + path +
                                            "; chmod o-w " + directory +
                                            ", or choose another directory"};
}

}  // namespace

Result<std::string> ParseUnixAddress(std::string_view address) {
  constexpr std::string_view kScheme = "unix:";
  std::string_view path = address;
  if (path.substr(0, kScheme.size()) == kScheme) path.remove_prefix(kScheme.size());
  while (path.substr(0, 2) == "//") path.remove_prefix(1);
  if (path.empty() || path.front() != '/' || path.size() >= sizeof(sockaddr_un::sun_path) ||
      path.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(address.substr(0, 120)) +
                     "' is no socket address; write it like unix:/run/jitwg/sniffer.sock, at most "
                     "107 bytes of path"};
  }
  return std::string(path);
}

Result<mode_t> ParseMode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || text.size() < 3 ||
      text.size() > 4 || mode > 0777) {
    return Error{ErrorCode::kInvalidArgument, "'" + std::string(text.substr(0, 20)) +
                                                  "' is no file mode; write it in octal like 0660"};
  }
  return static_cast<mode_t>(mode);
}

Status CheckSocketDirectory(const std::string& path) {
  bool innermost = true;
  for (auto end = path.rfind('/'); end != std::string::npos; innermost = false) {
    const std::string directory = end == 0 ? "/" : path.substr(0, end);
    struct stat facts {};
    // Through links: what counts is who may change the place where the socket really is.
    const bool found = ::stat(directory.c_str(), &facts) == 0;
    const bool writable = found && (facts.st_mode & S_IWOTH) != 0;
    if (writable && (innermost || (facts.st_mode & S_ISVTX) == 0)) {
      return OpenToAnyone(directory, path);
    }
    if (end == 0) break;
    end = path.rfind('/', end - 1);
  }
  return {};
}

Status ClaimSocketPath(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return ErrnoError("cannot look at the socket path " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{ErrorCode::kAlreadyExists,
                 path + " exists and is no socket; remove it or choose another path"};
  }
  const auto in_use = SomebodyListens(path);
  if (!in_use) return in_use.error();
  if (*in_use) {
    return Error{ErrorCode::kAlreadyExists,
                 "another process listens on " + path + "; stop it or choose another path"};
  }
  if (::unlink(path.c_str()) != 0) {
    return ErrnoError("cannot remove the left-over socket " + path, errno);
  }
  return {};
}

Status ApplySocketAccess(const std::string& path, const SocketAccess& access) {
  if (!access.group.empty()) {
    const auto group = FindGroup(access.group);
    if (!group) {
      return Error{ErrorCode::kNotFound, "there is no group '" + access.group +
                                             "'; create it or set another socket group"};
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
      return ErrnoError("cannot give " + path + " to group " + access.group, errno);
    }
  }
  if (::chmod(path.c_str(), access.mode) != 0) {
    return ErrnoError("cannot set the mode of " + path, errno);
  }
  return {};
}

}  // namespace jitwg::rpc
