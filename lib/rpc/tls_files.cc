#include "lib/rpc/tls_files.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "lib/base/key.h"

namespace jitwg::rpc {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Status CheckKeyAccess(const std::string& path, const struct stat& facts) {
  const bool own = facts.st_uid == ::geteuid();
  if (!own && facts.st_uid != 0) {
    return Error{ErrorCode::kPermissionDenied,
                 "the TLS key " + path + " belongs to another user, who could change it; chown it"};
  }
  const mode_t forbidden = facts.st_uid == 0 ? 027 : 077;
  if ((facts.st_mode & forbidden) == 0) return {};
  return Error{ErrorCode::kPermissionDenied,
               "the TLS key " + path + " may be read or changed by others; chmod 0600 " + path +
                   ", and make a new one if somebody may have read it"};
}

Result<std::string> ReadFile(const std::string& path, bool key) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return ErrnoError("cannot open the TLS file " + path, errno);
  struct stat facts {};
  Status sound;
  if (::fstat(file, &facts) != 0) sound = ErrnoError("cannot look at " + path, errno);
  if (sound && !S_ISREG(facts.st_mode)) sound = InvalidArgument(path + " is no regular file");
  if (sound && key) sound = CheckKeyAccess(path, facts);
  std::string text;
  text.reserve(std::size_t{1} << 16);  // a larger key file does not exist: no copy is left behind
  std::array<char, 4096> buffer{};
  while (sound && text.size() <= kLargestFile) {
    const ssize_t length = ::read(file, buffer.data(), buffer.size());
    if (length < 0) sound = ErrnoError("cannot read " + path, errno);
    if (length <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  ::close(file);
  OPENSSL_cleanse(buffer.data(), buffer.size());
  if (sound && text.size() <= kLargestFile) return text;
  WipeString(text);
  if (!sound) return sound.error();
  return InvalidArgument(path + " is too large for a PEM file");
}

Bio Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Certificate FirstCertificate(const std::string& text) {
  const Bio bio = Reader(text);
  Certificate found(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  ERR_clear_error();
  return found;
}

// Without asking anybody for a passphrase.
Key PrivateKeyIn(const std::string& text) {
  const Bio bio = Reader(text);
  char none[] = "";
  Key found(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, none), &EVP_PKEY_free);
  ERR_clear_error();
  return found;
}

Status CheckTimes(const std::string& path, const X509* certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return InvalidArgument("the certificate in " + path + " has expired; put a new one there");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return InvalidArgument("the certificate in " + path +
                           " is not valid yet; is this machine's clock right?");
  }
  return {};
}

Status CheckPair(const TlsOptions& options, const std::string& chain, const std::string& key) {
  const Certificate own = FirstCertificate(chain);
  if (own == nullptr) return InvalidArgument(options.certificate_file + " holds no certificate");
  const Key secret = PrivateKeyIn(key);
  if (secret == nullptr) {
    return InvalidArgument(options.key_file +
                           " holds no private key in PEM (one with a passphrase cannot be used)");
  }
  const bool pair = X509_check_private_key(own.get(), secret.get()) == 1;
  ERR_clear_error();
  if (!pair) {
    return InvalidArgument("the key in " + options.key_file +
                           " is not that of the certificate in " + options.certificate_file);
  }
  return CheckTimes(options.certificate_file, own.get());
}

}  // namespace

Result<TlsMaterial> ReadTlsFiles(const TlsOptions& options) {
  auto authorities = ReadFile(options.ca_file, false);
  if (!authorities) return authorities.error();
  if (FirstCertificate(*authorities) == nullptr) {
    return InvalidArgument(options.ca_file + " holds no certificate");
  }
  auto chain = ReadFile(options.certificate_file, false);
  if (!chain) return chain.error();
  auto key = ReadFile(options.key_file, true);
  if (!key) return key.error();
  const Status sound = CheckPair(options, *chain, *key);
  TlsMaterial material;
  if (sound) {
    material.authorities = std::move(*authorities);
    material.identity.reserve(key->size() + chain->size() + 1);
    material.identity = *key;
    material.identity += "\n" + *chain;
  }
  WipeString(*key);
  if (!sound) return sound.error();
  return material;
}

std::string StampOf(const TlsOptions& options) {
  std::string stamp;
  for (const auto* path : {&options.ca_file, &options.certificate_file, &options.key_file}) {
    struct stat facts {};
    if (::stat(path->c_str(), &facts) != 0) {
      stamp += "absent;";
      continue;
    }
    stamp += std::to_string(facts.st_dev) + "," + std::to_string(facts.st_ino) + "," +
             std::to_string(facts.st_size) + "," + std::to_string(facts.st_ctim.tv_sec) + "," +
             std::to_string(facts.st_ctim.tv_nsec) + ";";
  }
  return stamp;
}

}  // namespace jitwg::rpc
