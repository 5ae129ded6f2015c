#include "lib/rpc/tls_credentials.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <utility>

#include "lib/rpc/tls_names.h"

namespace jitwg::rpc {
namespace {

std::vector<std::string> Texts(const std::vector<grpc::string_ref>& references) {
  std::vector<std::string> texts;
  texts.reserve(references.size());
  for (const auto& reference : references) texts.emplace_back(reference.data(), reference.size());
  return texts;
}

// Asked at each call of every service, health and reflection among them, before it begins.
class CallerNames final : public grpc::AuthMetadataProcessor {
 public:
  explicit CallerNames(std::vector<std::string> allowed) : allowed_(std::move(allowed)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata&, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    if (context == nullptr || !context->IsPeerAuthenticated()) {
      return {grpc::StatusCode::UNAUTHENTICATED, "a client certificate is needed (--tls-cert)"};
    }
    const CertificateNames names{Texts(context->FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)),
                                 Texts(context->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)),
                                 {}};
    if (IsNamedAny(names, allowed_)) return grpc::Status::OK;
    return {grpc::StatusCode::PERMISSION_DENIED,
            "this server's --tls-client-name allows no name of the caller's certificate, which is "
            "for " +
                Describe(names)};
  }

 private:
  const std::vector<std::string> allowed_;
};

class ServerNames final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit ServerNames(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    const CertificateNames names{Texts(request->dns_names()), Texts(request->uri_names()),
                                 Texts(request->ip_names())};
    if (IsNamedAny(names, wanted_)) return true;
    std::string wanted;
    for (const std::string& name : wanted_) wanted += (wanted.empty() ? "" : " or ") + name;
    *status = {grpc::StatusCode::UNAUTHENTICATED, "the server's certificate is for " +
                                                      Describe(names) + ", not for " + wanted +
                                                      "; is --tls-server-name right?"};
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::vector<std::string> wanted_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const TlsIdentity& identity,
                                                           std::vector<std::string> client_names) {
  grpc::experimental::TlsServerCredentialsOptions options(identity.provider());
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<CallerNames>(std::move(client_names)));
  return credentials;
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials(
    const TlsIdentity& identity, const std::vector<std::string>& server_names) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(identity.provider());
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // ours are compared with the certificate itself
#ifdef __clang_analyzer__
  (void)server_names;  // it would take for lost what gRPC keeps
#else
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<ServerNames>(server_names));
#endif
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace jitwg::rpc
