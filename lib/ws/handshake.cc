#include "lib/ws/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "lib/base/config_values.h"

namespace jitwg::ws {
namespace {

// RFC 6455, section 1.3.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyLength = 24;

std::string Base64(std::span<const std::uint8_t> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// 16 bytes in base64: 22 characters and two '='.
bool IsKey(std::string_view key) {
  if (key.size() != kKeyLength || key.substr(22) != "==") return false;
  std::array<unsigned char, 18> bytes;
  return EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(key.data()),
                         static_cast<int>(key.size())) == 18;
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

// The first fault of the request, as a status; 101 when there is none.
int StatusOf(const HttpHead& head, std::string_view path) {
  if (head.third.substr(0, 5) != "HTTP/") return 400;
  if (head.third != "HTTP/1.1") return 505;
  if (head.first != "GET") return 405;
  if (head.second.substr(0, head.second.find('?')) != path) return 404;
  if (!head.Only("Host")) return 400;
  if (head.Has("Content-Length") || head.Has("Transfer-Encoding")) return 400;
  if (!head.HasWord("Upgrade", "websocket") || !head.HasWord("Connection", "upgrade")) return 426;
  if (head.Only("Sec-WebSocket-Version") != "13") return 426;
  const auto key = head.Only("Sec-WebSocket-Key");
  return key && IsKey(*key) ? 101 : 400;
}

std::string SwitchingProtocols(std::string_view key, Variant variant) {
  std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text += "Sec-WebSocket-Accept: " + AcceptKey(key) + "\r\n";
  if (variant == Variant::kDatagrams) {
    text += "Sec-WebSocket-Protocol: " + std::string(kSubprotocol) + "\r\n";
  }
  return text + "\r\n";
}

Error Unexpected(const std::string& what) { return {ErrorCode::kUnavailable, what}; }

}  // namespace

std::string AcceptKey(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return Base64(digest);
}

UpgradeAnswer AnswerUpgrade(const HttpHead& head, std::string_view path) {
  UpgradeAnswer answer;
  answer.status = StatusOf(head, path);
  if (answer.status != 101) {
    answer.response = RefusalResponse(answer.status);
    return answer;
  }
  if (head.HasWord("Sec-WebSocket-Protocol", kSubprotocol)) answer.variant = Variant::kDatagrams;
  answer.response = SwitchingProtocols(*head.Only("Sec-WebSocket-Key"), answer.variant);
  return answer;
}

UpgradeAnswer AnswerUpgrade(std::string_view head, std::string_view path) {
  const auto parsed = ParseHead(head);
  if (!parsed) return {400, Variant::kRecords, RefusalResponse(400)};
  return AnswerUpgrade(*parsed, path);
}

std::string RefusalResponse(int status) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(ReasonOf(status)) +
                     "\r\nConnection: close\r\nContent-Length: 0\r\n";
  if (status == 405) text += "Allow: GET\r\n";
  if (status == 426) text += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  return text + "\r\n";
}

std::string UpgradeRequest(std::string_view host, std::string_view path, std::string_view key,
                           Variant variant) {
  std::string text =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: " +
      std::string(key) + "\r\n";
  if (variant == Variant::kDatagrams) {
    text += "Sec-WebSocket-Protocol: " + std::string(kSubprotocol) + "\r\n";
  }
  return text + "\r\n";
}

Status CheckUpgradeResponse(std::string_view head, std::string_view key, Variant variant) {
  const auto parsed = ParseHead(head);
  if (!parsed) return Unexpected("the server answers with what is no HTTP");
  if (parsed->second != "101") {
    return Unexpected("the server refuses the upgrade to WebSocket: " + Quoted(parsed->first) +
                      " " + Quoted(parsed->second) + " " + Quoted(parsed->third));
  }
  if (parsed->Only("Sec-WebSocket-Accept") != AcceptKey(key) ||
      !parsed->HasWord("Upgrade", "websocket") || !parsed->HasWord("Connection", "upgrade")) {
    return Unexpected("the server's upgrade answers another request; a proxy may be in between");
  }
  const bool taken = parsed->Only("Sec-WebSocket-Protocol") == kSubprotocol;
  if (variant == Variant::kDatagrams && !taken) {
    return Unexpected("the server does not speak " + std::string(kSubprotocol) +
                      "; --deployed speaks the older protocol");
  }
  if (parsed->Has("Sec-WebSocket-Extensions") ||
      (variant == Variant::kRecords && parsed->Has("Sec-WebSocket-Protocol"))) {
    return Unexpected("the server agrees to what was not offered");
  }
  return {};
}

}  // namespace jitwg::ws
