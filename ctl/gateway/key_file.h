// The file that keeps an interface's private key: read with suspicion, made once, never replaced.
#pragma once

#include <string>

#include "lib/base/key.h"
#include "lib/base/result.h"

namespace jitwg::ctl {

// The key in wg(8)'s form. kNotFound: there is no such file; kPermissionDenied: others than its
// owner may read or write it, or its owner is neither this user nor root; kInvalidArgument: no
// regular file, or no key in it. A symbolic link is not followed.
Result<PrivateKey> ReadKeyFile(const std::string& path);

struct KeptKey {
  PrivateKey key;
  bool made = false;
};

// The same, but an absent file is made with a new key, mode 0600, on the disk before this returns.
// Two callers at once get the same key. The folder must be there.
Result<KeptKey> ReadOrMakeKeyFile(const std::string& path);

}  // namespace jitwg::ctl
