// Makes a certificate authority and certificates under it: P-256, X.509 version 3, PEM. Holds no
// state and writes no file.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::certificates {

// Both in PEM; whoever holds the key wipes it (WipeString).
struct KeyPair {
  std::string certificate;
  std::string key;
};

// From now on, unless `starts_in` says otherwise; negative times make certificates that are over.
struct Validity {
  std::chrono::seconds starts_in{-300};  // other machines' clocks may be a little behind
  std::chrono::seconds ends_in{std::chrono::hours(24 * 365)};
};

struct LeafRequest {
  std::string common_name;         // for people; nothing looks at it
  std::vector<std::string> names;  // DNS names, IP addresses, URIs (with "://")
  bool server = true;              // may be what is called, besides calling
  Validity validity;
};

// An authority that may sign leaves and nothing else.
Result<KeyPair> MakeAuthority(const std::string& common_name, const Validity& validity);

// kInvalidArgument: a name that no certificate can carry, or `authority` is none.
Result<KeyPair> MakeLeaf(const KeyPair& authority, const LeafRequest& request);

}  // namespace jitwg::certificates
