#include "lib/ws_io/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace jitwg::ws {
namespace {

// The newest of OpenSSL's complaints; the queue is empty afterwards.
std::string Reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? "unknown reason" : text;
}

Error Refused(const std::string& what) { return InvalidArgument(what + ": " + Reason()); }

}  // namespace

TlsContext::TlsContext(ssl_ctx_st* context) : context_(context, &SSL_CTX_free) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

Result<TlsContext> TlsContext::ForServer(const std::string& certificate_file,
                                         const std::string& key_file) {
  ERR_clear_error();
  SSL_CTX* const raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return Refused("cannot set up TLS");
  TlsContext context(raw);
  // Sessions are long here and seldom resumed: tickets do without memory of ours.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // One system call for each TLS record instead of two. The buffer is no larger for it, and empty
  // ones are still given back.
  SSL_CTX_set_read_ahead(raw, 1);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    return Refused("cannot use the certificate in " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Refused("cannot use the private key in " + key_file + " with the certificate in " +
                   certificate_file);
  }
  return context;
}

Result<TlsContext> TlsContext::ForClient(const std::string& ca_file) {
  ERR_clear_error();
  SSL_CTX* const raw = SSL_CTX_new(TLS_client_method());
  if (raw == nullptr) return Refused("cannot set up TLS");
  TlsContext context(raw);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(raw)
                                     : SSL_CTX_load_verify_locations(raw, ca_file.c_str(), nullptr);
  if (loaded == 1) return context;
  return Refused("cannot use the authorities in " +
                 (ca_file.empty() ? std::string("the system's store") : ca_file));
}

}  // namespace jitwg::ws
