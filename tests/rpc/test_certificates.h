// Certificates in files, as a test needs them.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "lib/certificates/maker.h"
#include "lib/rpc/tls_options.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {

inline void WriteFile(const std::string& path, const std::string& text) {
  const std::string draft = path + ".draft";
  std::ofstream(draft) << text;
  ::chmod(draft.c_str(), 0600);
  std::filesystem::rename(draft, path);
}

class TestAuthority {
 public:
  TestAuthority() : pair_(certificates::MakeAuthority("test CA", {}).value()) {}

  const std::string& pem() const { return pair_.certificate; }

  certificates::KeyPair Leaf(const std::vector<std::string>& names,
                             const certificates::Validity& validity = {}) const {
    return certificates::MakeLeaf(pair_, {"test", names, true, validity}).value();
  }

  // Files NAME.pem, NAME.key and ca.pem in `dir`.
  TlsOptions Files(const TempDir& dir, const std::string& name,
                   const std::vector<std::string>& names) const {
    const auto leaf = Leaf(names);
    WriteFile(dir.File(name + ".pem"), leaf.certificate);
    WriteFile(dir.File(name + ".key"), leaf.key);
    WriteFile(dir.File(name + ".ca"), pem());
    TlsOptions options;
    options.ca_file = dir.File(name + ".ca");
    options.certificate_file = dir.File(name + ".pem");
    options.key_file = dir.File(name + ".key");
    return options;
  }

 private:
  certificates::KeyPair pair_;
};

inline certificates::Validity LongOver() {
  return {.starts_in = std::chrono::hours(-48), .ends_in = std::chrono::hours(-24)};
}

}  // namespace jitwg::rpc
