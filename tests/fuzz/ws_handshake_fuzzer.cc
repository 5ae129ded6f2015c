// Any bytes as the head of an upgrade, both ends: no crash, every view inside the head, and an
// answer that is HTTP. Also as a URL.
#include <cstdlib>
#include <string_view>

#include "lib/ws/handshake.h"
#include "lib/ws/url.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitwg::ws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view head = text.substr(0, FindHeadEnd(text).value_or(size));
  if (const auto parsed = ParseHead(head)) {
    Require(parsed->fields.size() <= kMaxHeaderFields);
    for (const HeaderField& field : parsed->fields) {
      Require(!field.name.empty() && Inside(field.name, head) && Inside(field.value, head));
    }
    parsed->Joined("X-Forwarded-For");
  }
  const UpgradeAnswer answer = AnswerUpgrade(head, "/");
  Require(answer.response.substr(0, 9) == "HTTP/1.1 " && answer.response.ends_with("\r\n\r\n"));
  if (answer.status == 101) Require(ParseHead(answer.response).has_value());
  static_cast<void>(CheckUpgradeResponse(head, "dGhlIHNhbXBsZSBub25jZQ==", Variant::kDatagrams));
  if (const auto url = ParseUrl(text)) Require(!url->host.empty() && url->path.front() == '/');
  return 0;
}
