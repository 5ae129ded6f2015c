// Changing from root to a user of the process's own, once, at the start.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::sandbox {

struct User {
  uid_t user = 0;
  gid_t group = 0;
};

// By name or number; a number needs no entry in the user database and is its own group. kNotFound.
Result<User> FindUser(const std::string& name);
// By name or number. kNotFound.
Result<gid_t> FindGroup(const std::string& name);

// The supplementary groups become `groups`. Does nothing without CAP_SETGID.
Status SetGroups(const std::vector<gid_t>& groups);

// Real, effective and saved ids; capabilities stay permitted (to be cut down by KeepOnly).
// kPermissionDenied: only root can become another.
Status Become(const User& user);

// Makes the directory, and those above it, when it is not there, and gives a new one to the user
// with `mode`. One that is there stays as it is.
Status MakeDirectoryFor(const User& user, const std::string& path, mode_t mode);

}  // namespace jitwg::sandbox
