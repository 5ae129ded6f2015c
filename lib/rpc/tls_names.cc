#include "lib/rpc/tls_names.h"

#include <algorithm>
#include <cctype>

#include "lib/base/config_values.h"
#include "lib/base/net.h"

namespace jitwg::rpc {
namespace {

constexpr std::size_t kMostShown = 4;

bool SameDnsName(const std::string& a, const std::string& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

bool SameAddress(const std::string& text, const IpAddress& address) {
  const auto parsed = IpAddress::Parse(text);
  return parsed && *parsed == address;
}

}  // namespace

bool IsNamed(const CertificateNames& names, const std::string& wanted) {
  const auto any = [](const std::vector<std::string>& list, auto matches) {
    return std::any_of(list.begin(), list.end(), matches);
  };
  if (wanted.find("://") != std::string::npos) {
    return any(names.uris, [&](const std::string& uri) { return uri == wanted; });
  }
  if (const auto address = IpAddress::Parse(wanted)) {
    return any(names.addresses,
               [&](const std::string& text) { return SameAddress(text, *address); });
  }
  return !wanted.empty() &&
         any(names.dns, [&](const std::string& name) { return SameDnsName(name, wanted); });
}

bool IsNamedAny(const CertificateNames& names, const std::vector<std::string>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& name) { return IsNamed(names, name); });
}

std::string Describe(const CertificateNames& names) {
  std::string text;
  std::size_t shown = 0;
  for (const auto* list : {&names.dns, &names.uris, &names.addresses}) {
    for (const std::string& name : *list) {
      if (shown++ == kMostShown) return text + ", ...";
      text += (text.empty() ? "" : ", ") + Quoted(name);
    }
  }
  return text.empty() ? "nobody" : text;
}

}  // namespace jitwg::rpc
