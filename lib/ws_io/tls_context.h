// OpenSSL's settings for one side of many connections: TLS 1.2 and later, as little memory for each
// idle connection as OpenSSL allows.
#pragma once

#include <memory>
#include <string>

#include "lib/base/result.h"

struct ssl_ctx_st;

namespace jitwg::ws {

// Copies share one context. Thread-safe once made.
class TlsContext {
 public:
  // PEM files: the certificate with its chain, and its private key. Errors: a file cannot be read,
  // is no PEM, or the two do not belong together.
  static Result<TlsContext> ForServer(const std::string& certificate_file,
                                      const std::string& key_file);
  // Verifies servers by the PEM file `ca_file`, or by the system's authorities when that is empty.
  static Result<TlsContext> ForClient(const std::string& ca_file);

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  explicit TlsContext(ssl_ctx_st* context);
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace jitwg::ws
