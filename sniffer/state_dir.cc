#include "sniffer/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace jitwg::sniffer {

Result<StateDir> StateDir::Open(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  const std::string whole = error ? path : std::filesystem::canonical(path, error).string();
  if (error) {
    return Error{ErrorCode::kPermissionDenied,
                 "cannot create the state directory " + path + ": " + error.message()};
  }
  ::chmod(whole.c_str(), 0700);
  const int folder = ::open(whole.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return ErrnoError("cannot open the state directory " + whole, errno);
  StateDir opened(whole, folder);
  if (::flock(folder, LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno != EWOULDBLOCK) return ErrnoError("cannot lock " + whole, errno);
  return Error{ErrorCode::kAlreadyExists,
               "the state directory " + whole +
                   " is in use by another sniffer: stop it or give each its own --state-dir"};
}

StateDir::StateDir(StateDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDir::~StateDir() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace jitwg::sniffer
