#include "lib/certificates/maker.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "lib/base/config_values.h"
#include "lib/base/net.h"

namespace jitwg::certificates {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

struct Authority {
  Certificate certificate{nullptr, &X509_free};
  Key key{nullptr, &EVP_PKEY_free};
};

Error Failed(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return {ErrorCode::kInternal, what + (reason == nullptr ? "" : std::string(": ") + reason)};
}

std::string Contents(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<KeyPair> ToPem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_text(BIO_new(BIO_s_mem()), &BIO_free);
  // A secure one is wiped when it goes.
  const Bio key_text(BIO_new(BIO_s_secmem()), &BIO_free);
  const bool written = PEM_write_bio_X509(certificate_text.get(), certificate) == 1 &&
                       PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0,
                                                     nullptr, nullptr) == 1;
  if (!written) return Failed("cannot write a certificate as PEM");
  return KeyPair{Contents(certificate_text), Contents(key_text)};
}

Result<Authority> FromPem(const KeyPair& pair) {
  const Bio certificate_text(
      BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size())),
      &BIO_free);
  const Bio key_text(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())),
                     &BIO_free);
  char none[] = "";
  Authority authority;
  authority.certificate.reset(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  authority.key.reset(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, none));
  const bool fits = authority.certificate != nullptr && authority.key != nullptr &&
                    X509_check_ca(authority.certificate.get()) == 1 &&
                    X509_check_private_key(authority.certificate.get(), authority.key.get()) == 1;
  ERR_clear_error();
  if (fits) return authority;
  return InvalidArgument("that is no certificate authority with its key");
}

bool AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// OpenSSL reads names out of a text in which a comma ends one.
Result<std::string> NamesText(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool plain =
        !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
          return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                 std::string_view("._-:/@%~?=+").find(c) != std::string_view::npos;
        });
    if (!plain) {
      return InvalidArgument(Quoted(name) +
                             " is no name for a certificate; give a DNS name, an IP address or a "
                             "URI");
    }
    const bool uri = name.find("://") != std::string::npos;
    const bool address = IpAddress::Parse(name).has_value();
    text += (text.empty() ? "" : ",") + std::string(uri ? "URI:" : address ? "IP:" : "DNS:") + name;
  }
  return text;
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, not zero
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

// Unsigned, without extensions.
Result<Certificate> Begin(const std::string& common_name, const Validity& validity, EVP_PKEY* key) {
  Certificate certificate(X509_new(), &X509_free);
  X509* raw = certificate.get();
  const auto* name = reinterpret_cast<const unsigned char*>(common_name.c_str());
  const bool made =
      raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1 && SetSerial(raw) &&
      X509_gmtime_adj(X509_getm_notBefore(raw), validity.starts_in.count()) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(raw), validity.ends_in.count()) != nullptr &&
      X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8, name, -1, -1,
                                 0) == 1 &&
      X509_set_pubkey(raw, key) == 1;
  if (!made) return Failed("cannot make the certificate of " + Quoted(common_name));
  return certificate;
}

}  // namespace

Result<KeyPair> MakeAuthority(const std::string& common_name, const Validity& validity) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (key == nullptr) return Failed("cannot make a key");
  auto certificate = Begin(common_name, validity, key.get());
  if (!certificate) return certificate.error();
  X509* raw = certificate->get();
  const bool made = X509_set_issuer_name(raw, X509_get_subject_name(raw)) == 1 &&
                    AddExtension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    AddExtension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    AddExtension(raw, raw, NID_subject_key_identifier, "hash") &&
                    X509_sign(raw, key.get(), EVP_sha256()) != 0;
  if (!made) return Failed("cannot make a certificate authority");
  return ToPem(raw, key.get());
}

Result<KeyPair> MakeLeaf(const KeyPair& authority, const LeafRequest& request) {
  const auto issuer = FromPem(authority);
  if (!issuer) return issuer.error();
  const auto names = NamesText(request.names);
  if (!names) return names.error();
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (key == nullptr) return Failed("cannot make a key");
  auto certificate = Begin(request.common_name, request.validity, key.get());
  if (!certificate) return certificate.error();
  X509* raw = certificate->get();
  X509* signer = issuer->certificate.get();
  const bool made = X509_set_issuer_name(raw, X509_get_subject_name(signer)) == 1 &&
                    AddExtension(raw, signer, NID_basic_constraints, "critical,CA:FALSE") &&
                    AddExtension(raw, signer, NID_key_usage, "critical,digitalSignature") &&
                    AddExtension(raw, signer, NID_ext_key_usage,
                                 request.server ? "serverAuth,clientAuth" : "clientAuth") &&
                    AddExtension(raw, signer, NID_subject_key_identifier, "hash") &&
                    AddExtension(raw, signer, NID_authority_key_identifier, "keyid") &&
                    (names->empty() || AddExtension(raw, signer, NID_subject_alt_name, *names)) &&
                    X509_sign(raw, issuer->key.get(), EVP_sha256()) != 0;
  if (!made) return Failed("cannot make the certificate of " + Quoted(request.common_name));
  return ToPem(raw, key.get());
}

}  // namespace jitwg::certificates
