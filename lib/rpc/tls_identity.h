// Key, certificate and authorities for gRPC, kept up to date: the files are read again when they
// change, and what is no good is refused while the one before stays in use. gRPC reads copies in
// memory of this process, never the files themselves, so it never meets half of a change.
#pragma once

#include <grpcpp/security/tls_certificate_provider.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "lib/base/result.h"
#include "lib/rpc/tls_files.h"

namespace jitwg::rpc {

class TlsIdentity {
 public:
  // Errors: those of ReadTlsFiles; kUnavailable without /proc. Starts a thread that looks at the
  // files each second; a change reaches new connections within about three.
  static Result<std::shared_ptr<TlsIdentity>> Load(const TlsOptions& options);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // What is in use stays so. Waits for a look that is under way.
  void StopFollowing();

  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider() const {
    return provider_;
  }

 private:
  // A text under a path that always leads to the whole of the newest one. Never closed: gRPC reads
  // the path as long as any connection made with it lives, and the number must not become another
  // file's. So a process should make no more than a few identities.
  class Published {
   public:
    Status Publish(const std::string& text, std::int64_t version);
    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

   private:
    int descriptor_ = -1;
  };

  explicit TlsIdentity(TlsOptions options) : options_(std::move(options)) {}
  Status Publish(TlsMaterial material);
  void Follow(const std::stop_token& stop);
  void Reload();

  const TlsOptions options_;
  Published authorities_;
  Published identity_;
  std::int64_t version_ = 0;
  std::string loaded_;  // stamps
  std::string seen_;
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
  std::jthread follower_;
};

}  // namespace jitwg::rpc
