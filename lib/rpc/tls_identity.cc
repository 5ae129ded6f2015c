#include "lib/rpc/tls_identity.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

#include "lib/base/key.h"

namespace jitwg::rpc {
namespace {

constexpr unsigned kRefreshSeconds = 1;
constexpr std::chrono::seconds kLook(1);

// A file in memory with the text and, as its time of change, the version: gRPC compares it before
// and after reading key and certificate, and reads again when it is another.
Result<int> MakeMemoryFile(const std::string& text, std::int64_t version) {
  const int file = ::memfd_create("jitwg-tls", MFD_CLOEXEC);
  if (file < 0) return ErrnoError("cannot keep a certificate in memory", errno);
  const timespec time{version, 0};
  const timespec times[2] = {time, time};
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (whole && ::fchmod(file, 0400) == 0 && ::futimens(file, times) == 0) return file;
  const int error = errno;
  ::close(file);
  return ErrnoError("cannot keep a certificate in memory", error);
}

}  // namespace

Status TlsIdentity::Published::Publish(const std::string& text, std::int64_t version) {
  const auto file = MakeMemoryFile(text, version);
  if (!file) return file.error();
  if (descriptor_ < 0) {
    descriptor_ = *file;
    return {};
  }
  const int replaced = ::dup3(*file, descriptor_, O_CLOEXEC);
  const int error = errno;
  ::close(*file);
  return replaced < 0 ? Status(ErrnoError("cannot replace a certificate", error)) : Status();
}

Status TlsIdentity::Publish(TlsMaterial material) {
  ++version_;
  Status published = authorities_.Publish(material.authorities, version_);
  if (published) published = identity_.Publish(material.identity, version_);
  WipeString(material.identity);
  return published;
}

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::Load(const TlsOptions& options) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity(options));
  identity->loaded_ = identity->seen_ = StampOf(options);
  auto material = ReadTlsFiles(options);
  if (!material) return material.error();
  identity->version_ = std::time(nullptr);
  if (Status published = identity->Publish(std::move(*material)); !published) {
    return published.error();
  }
  if (::access(identity->identity_.path().c_str(), R_OK) != 0) {
    return Error{ErrorCode::kUnavailable, "mutual TLS needs /proc: mount it for this process"};
  }
  const std::string own = identity->identity_.path();
  identity->provider_ = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      own, own, identity->authorities_.path(), kRefreshSeconds);
  identity->follower_ =
      std::jthread([raw = identity.get()](const std::stop_token& stop) { raw->Follow(stop); });
  return identity;
}

TlsIdentity::~TlsIdentity() { StopFollowing(); }

void TlsIdentity::StopFollowing() {
  follower_.request_stop();
  if (follower_.joinable()) follower_.join();
}

void TlsIdentity::Follow(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!never.wait_for(lock, stop, kLook, [&stop] { return stop.stop_requested(); })) {
    const std::string stamp = StampOf(options_);
    // Left alone since the last look: three files are not read between being written.
    const bool settled = std::exchange(seen_, stamp) == stamp;
    if (settled && stamp != loaded_) Reload();
  }
}

void TlsIdentity::Reload() {
  loaded_ = seen_;
  auto material = ReadTlsFiles(options_);
  const Status published = material ? Publish(std::move(*material)) : Status(material.error());
  if (published) {
    spdlog::info("tls_reloaded certificate={}", options_.certificate_file);
    return;
  }
  spdlog::error("tls_refused error=\"{}\" consequence=\"the certificate before stays in use\"",
                published.error().message);
}

}  // namespace jitwg::rpc
