#include "ws-ingress/certificates.h"

#include <sys/stat.h>

#include <utility>

namespace jitwg::ingress {
namespace {

void AppendStamp(const std::string& path, std::string& stamp) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    stamp += "absent;";
    return;
  }
  for (const auto number :
       {static_cast<long long>(status.st_dev), static_cast<long long>(status.st_ino),
        static_cast<long long>(status.st_size), static_cast<long long>(status.st_ctim.tv_sec),
        static_cast<long long>(status.st_ctim.tv_nsec)}) {
    stamp += std::to_string(number) + ";";
  }
}

}  // namespace

Certificates::Certificates(std::string certificate_file, std::string key_file,
                           ws::TlsContext context)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      context_(std::move(context)) {}

Result<Certificates> Certificates::Load(const std::string& certificate_file,
                                        const std::string& key_file) {
  std::string stamp;
  AppendStamp(certificate_file, stamp);
  AppendStamp(key_file, stamp);
  auto context = ws::TlsContext::ForServer(certificate_file, key_file);
  if (!context) return context.error();
  Certificates certificates(certificate_file, key_file, std::move(*context));
  certificates.loaded_ = certificates.seen_ = stamp;
  return certificates;
}

ws::TlsContext Certificates::Current() const {
  const std::lock_guard lock(*mutex_);
  return context_;
}

Certificates::Stamp Certificates::ReadStamp() const {
  Stamp stamp;
  AppendStamp(certificate_file_, stamp);
  AppendStamp(key_file_, stamp);
  return stamp;
}

Result<bool> Certificates::ReloadIfChanged() {
  const Stamp stamp = ReadStamp();
  const bool settled = std::exchange(seen_, stamp) == stamp;
  if (!settled || stamp == loaded_) return false;
  loaded_ = stamp;
  auto context = ws::TlsContext::ForServer(certificate_file_, key_file_);
  if (!context) return context.error();
  const std::lock_guard lock(*mutex_);
  context_ = std::move(*context);
  return true;
}

}  // namespace jitwg::ingress
