#include "ctl/gateway/key_file.h"

#include <fcntl.h>
#include <sodium/utils.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace jitwg::ctl {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Status CheckOwnerAndMode(const std::string& path, int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return ErrnoError("cannot look at key file " + path, errno);
  if (!S_ISREG(facts.st_mode)) return InvalidArgument("key file " + path + " is no regular file");
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
    return Error{ErrorCode::kPermissionDenied,
                 "key file " + path + " belongs to another user, who could change it; chown it"};
  }
  if ((facts.st_mode & 077) != 0) {
    return Error{ErrorCode::kPermissionDenied,
                 "key file " + path + " may be read by others than its owner; chmod 0600 " + path +
                     ", and make a new key if somebody may have read it"};
  }
  return {};
}

Status WriteKey(int descriptor, const PrivateKey& key) {
  std::string text = SecretToBase64(key) + "\n";
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const int error = errno;
  const bool whole = written == static_cast<ssize_t>(text.size());
  WipeString(text);
  if (written < 0) return ErrnoError("cannot write a key file", error);
  if (!whole || ::fsync(descriptor) != 0) return ErrnoError("cannot write a key file", ENOSPC);
  return {};
}

Status SyncFolder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0 && ::fsync(directory.get()) == 0) return {};
  return ErrnoError("cannot bring key file " + path + " to the disk", errno);
}

// The key is complete under another name before it gets its own: nobody ever sees half of it, and
// one that is there already is not replaced (EEXIST).
Status MakeFile(const std::string& path, const PrivateKey& key) {
  std::string other_name = path + ".XXXXXX";
  const Descriptor file(::mkostemp(other_name.data(), O_CLOEXEC));
  if (file.get() < 0) {
    return ErrnoError("cannot make key file " + path + " (does its folder exist?)", errno);
  }
  Status status = WriteKey(file.get(), key);
  if (status && ::link(other_name.c_str(), path.c_str()) != 0) {
    status = ErrnoError("cannot make key file " + path, errno);
  }
  ::unlink(other_name.c_str());
  return status ? SyncFolder(path) : status;
}

}  // namespace

Result<PrivateKey> ReadKeyFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ELOOP) {
    return InvalidArgument("key file " + path + " is a symbolic link; name the file itself");
  }
  if (file.get() < 0) return ErrnoError("cannot open key file " + path, errno);
  if (const Status sound = CheckOwnerAndMode(path, file.get()); !sound) return sound.error();
  std::array<char, 128> buffer{};
  const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
  if (length < 0) return ErrnoError("cannot read key file " + path, errno);
  auto key = ParseSecretKey({buffer.data(), static_cast<std::size_t>(length)});
  sodium_memzero(buffer.data(), buffer.size());
  if (!key || key->IsZero()) {
    return InvalidArgument("key file " + path + " holds no key; one line of `wg genkey`, or " +
                           "nothing at all at this path, and a key is made");
  }
  return key;
}

Result<KeptKey> ReadOrMakeKeyFile(const std::string& path) {
  auto read = ReadKeyFile(path);
  if (read) return KeptKey{std::move(*read), false};
  if (read.error().code != ErrorCode::kNotFound) return read.error();
  PrivateKey key = GeneratePrivateKey();
  const Status made = MakeFile(path, key);
  if (made) return KeptKey{std::move(key), true};
  if (made.error().code != ErrorCode::kAlreadyExists) return made.error();
  // Somebody was quicker.
  read = ReadKeyFile(path);
  if (!read) return read.error();
  return KeptKey{std::move(*read), false};
}

}  // namespace jitwg::ctl
