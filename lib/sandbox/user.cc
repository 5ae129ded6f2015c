#include "lib/sandbox/user.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "lib/sandbox/capabilities.h"

namespace jitwg::sandbox {
namespace {

std::optional<unsigned> Number(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<User> FindUser(const std::string& name) {
  if (const auto number = Number(name)) return User{*number, *number};
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry != nullptr) return User{entry->pw_uid, entry->pw_gid};
  return Error{ErrorCode::kNotFound,
               "there is no user '" + name + "'; make it (useradd --system) or name another"};
}

Result<gid_t> FindGroup(const std::string& name) {
  if (const auto number = Number(name)) return gid_t{*number};
  const group* entry = ::getgrnam(name.c_str());
  if (entry != nullptr) return entry->gr_gid;
  return Error{ErrorCode::kNotFound, "there is no group '" + name + "'; make it or name another"};
}

Status SetGroups(const std::vector<gid_t>& groups) {
  const auto effective = EffectiveCapabilities();
  if (!effective) return effective.error();
  if ((*effective & Bit(CAP_SETGID)) == 0) return {};
  if (::setgroups(groups.size(), groups.data()) == 0) return {};
  return ErrnoError("cannot set this process's groups", errno);
}

Status Become(const User& user) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return ErrnoError("cannot keep capabilities as another user", errno);
  }
  if (::setresgid(user.group, user.group, user.group) == 0 &&
      ::setresuid(user.user, user.user, user.user) == 0) {
    return {};
  }
  return ErrnoError("cannot become another user (start as root, or without --user)", errno);
}

Status MakeDirectoryFor(const User& user, const std::string& path, mode_t mode) {
  if (std::filesystem::path(path).has_parent_path()) {
    std::error_code ignored;  // what is missing shows in the next step
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  }
  if (::mkdir(path.c_str(), 0700) != 0) {
    return errno == EEXIST ? Status() : ErrnoError("cannot make the directory " + path, errno);
  }
  if (::chown(path.c_str(), user.user, user.group) == 0 && ::chmod(path.c_str(), mode) == 0) {
    return {};
  }
  return ErrnoError("cannot give the directory " + path + " to its user", errno);
}

}  // namespace jitwg::sandbox
