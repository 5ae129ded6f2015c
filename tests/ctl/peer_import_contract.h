// `peer import` as an operator types it, on a registry of each kind.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lib/base/key.h"
#include "tests/ctl/run_ctl.h"

namespace jitwg::ctl {

// The parameter makes a new, empty registry and returns its address; a file belongs into the folder
// that it is given.
class PeerImport : public testing::TestWithParam<std::string (*)(const std::string& folder)> {
 protected:
  PeerImport() {
    std::string pattern = testing::TempDir() + "jitwg-import-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    registry_ = GetParam()(folder_);
  }
  ~PeerImport() override { std::filesystem::remove_all(folder_); }

  static std::string NewKey() { return DerivePublicKey(GeneratePrivateKey()).ToBase64(); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Outcome Ctl(Arguments arguments) const {
    arguments.insert(arguments.begin(), {"--registry", registry_});
    return RunCtl(arguments);
  }
  // How many lines `peer list` prints as JSON: one a peer.
  long Stored() const {
    const std::string listed = Ctl({"--json", "peer", "list"}).out;
    return std::count(listed.begin(), listed.end(), '\n');
  }

  std::string folder_;
  std::string registry_;
};

}  // namespace jitwg::ctl
