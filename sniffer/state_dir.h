// The folder in which one sniffer keeps what outlives it, locked against others: helper interface
// and packet-filter table are named after it, and what a crash left is found by that name.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace jitwg::sniffer {

class StateDir {
 public:
  // Makes it, with mode 0700, when it is absent. kAlreadyExists: another sniffer uses it;
  // kPermissionDenied.
  static Result<StateDir> Open(const std::string& path);
  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&&) = delete;
  ~StateDir();

  // Absolute and without detours, however it was written.
  const std::string& path() const { return path_; }

 private:
  StateDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
};

}  // namespace jitwg::sniffer
