// Any bytes as the head of an upgrade, both ends: no crash, every view inside the head, an answer
// that is HTTP, and no client that is a trusted proxy. Also as a URL: what a client asks for there
// is what the server's end takes.
#include <string_view>

#include "lib/ws/handshake.h"
#include "lib/ws/url.h"
#include "tests/fuzz/input.h"
#include "ws-ingress/source.h"

namespace {

using namespace jitwg::ws;
using jitwg::IpAddress;
using jitwg::IpPrefix;
using jitwg::test::Require;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

bool Inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void CheckForwarded(std::string_view forwarded_for) {
  static const std::vector<IpPrefix> trusted = {*IpPrefix::Parse("10.0.0.0/8"),
                                                *IpPrefix::Parse("fd00::/8")};
  const auto client = jitwg::ingress::ForwardedClient(forwarded_for, trusted);
  if (!client) return;
  Require(!jitwg::ingress::IsWithin(*client, trusted));
  const jitwg::ingress::SourceNetwork network(*client);
  for (const char* text : {"127.64.0.0/10", "192.0.2.0/24", "fd01::/48", "fd02::/56"}) {
    const IpPrefix prefix = *IpPrefix::Parse(text);
    Require(bool{jitwg::ingress::CheckSourcePrefix(prefix)});
    const IpAddress stand_in = jitwg::ingress::AddressFor(network, prefix);
    Require(prefix.Contains(stand_in) && stand_in != prefix.address());
  }
  const auto own = *IpPrefix::Make(*client, client->is_v4() ? 25 : 57);
  Require(!jitwg::ingress::CheckSourcePrefix(own));
}

void CheckHead(std::string_view head) {
  const auto parsed = ParseHead(head);
  if (!parsed) return;
  Require(parsed->fields.size() <= kMaxHeaderFields);
  for (const HeaderField& field : parsed->fields) {
    Require(!field.name.empty() && Inside(field.name, head) && Inside(field.value, head));
  }
  CheckForwarded(parsed->Joined("X-Forwarded-For"));
}

void CheckAnswer(std::string_view head) {
  const UpgradeAnswer answer = AnswerUpgrade(head, "/");
  Require(answer.response.substr(0, 9) == "HTTP/1.1 " && answer.response.ends_with("\r\n\r\n"));
  Require(ParseHead(answer.response).has_value());
  Require(answer.response == RefusalResponse(answer.status) || answer.status == 101);
}

void CheckUrl(std::string_view text) {
  const auto url = ParseUrl(text);
  if (!url) return;
  Require(!url->host.empty() && url->path.front() == '/');
  const std::string path = url->path.substr(0, url->path.find('?'));
  for (const Variant variant : {Variant::kRecords, Variant::kDatagrams}) {
    const std::string request = UpgradeRequest(url->HostHeader(), url->path, kKey, variant);
    const UpgradeAnswer answer = AnswerUpgrade(request, path);
    Require(answer.status == 101 && answer.variant == variant);
    Require(bool{CheckUpgradeResponse(answer.response, kKey, variant)});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view head = text.substr(0, FindHeadEnd(text).value_or(size));
  CheckHead(head);
  CheckAnswer(head);
  static_cast<void>(CheckUpgradeResponse(head, kKey, Variant::kDatagrams));
  static_cast<void>(CheckUpgradeResponse(head, kKey, Variant::kRecords));
  // What the ingress refuses by itself: a head that does not come, is too long, or one too many.
  if (size > 0 && size % 64 == 0) {
    for (const int status : {408, 431, 503})
      Require(ParseHead(RefusalResponse(status)).has_value());
  }
  CheckUrl(text);
  CheckForwarded(text);
  return 0;
}
