// Answers of uapi_message.h.
#include <charconv>
#include <utility>

#include "sniffer/install/limits.h"
#include "sniffer/install/uapi_message.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kMaxLine = 4096;
// What system_clock can hold in nanoseconds.
constexpr std::uint64_t kLatestSecond = 9'000'000'000;

Error DamagedAnswer() {
  return {ErrorCode::kDataLoss,
          "a damaged answer of the userspace WireGuard: is its socket another program's?"};
}

template <class T>
bool ParseNumber(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

Status Expect(bool good) { return good ? Status() : Status(DamagedAnswer()); }

}  // namespace

std::optional<Endpoint> ParseUapiEndpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Endpoint endpoint;
  if (!ParseNumber(text.substr(colon + 1), endpoint.port)) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (const auto zone = host.find('%'); bracketed && zone != std::string_view::npos) {
    if (!ParseNumber(host.substr(zone + 1), endpoint.scope_id)) endpoint.scope_id = 0;
    host = host.substr(0, zone);
  }
  const auto address = IpAddress::Parse(host);
  if (!address || address->is_v4() == bracketed) return std::nullopt;
  endpoint.address = *address;
  return endpoint;
}

std::optional<int> ParseSetAnswer(std::string_view answer) {
  constexpr std::string_view kErrno = "errno=";
  if (answer.substr(0, kErrno.size()) != kErrno) return std::nullopt;
  answer.remove_prefix(kErrno.size());
  const auto end = answer.find('\n');
  int value = 0;
  if (end == std::string_view::npos || !ParseNumber(answer.substr(0, end), value)) {
    return std::nullopt;
  }
  if (value < -4095 || value > 4095) return std::nullopt;
  // wireguard-go answers with negative numbers, others with positive ones.
  return value < 0 ? -value : value;
}

UapiParser::~UapiParser() { WipeString(pending_); }

Result<bool> UapiParser::Feed(std::string_view piece) {
  while (!done_) {
    const auto end = piece.find('\n');
    if (pending_.size() + std::min(end, piece.size()) > kMaxLine) return DamagedAnswer();
    if (end == std::string_view::npos) {
      // Enough at once, so that growing leaves no copy of a key in the heap.
      pending_.reserve(kMaxLine);
      pending_ += piece;
      return false;
    }
    pending_.reserve(kMaxLine);
    pending_ += piece.substr(0, end);
    piece.remove_prefix(end + 1);
    const Status parsed = Line(pending_);
    WipeString(pending_);
    if (!parsed) return parsed.error();
  }
  return true;
}

Status UapiParser::Line(std::string_view line) {
  if (line.empty()) {
    done_ = true;
    return {};
  }
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return DamagedAnswer();
  const std::string_view key = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (key == "errno") {
    int number = 0;
    if (!ParseNumber(value, number) || number < -4095 || number > 4095) return DamagedAnswer();
    errno_value_ = number < 0 ? -number : number;
    return {};
  }
  if (key == "public_key") return BeginPeer(value);
  return in_peer_ ? PeerLine(key, value) : DeviceLine(key, value);
}

Status UapiParser::DeviceLine(std::string_view key, std::string_view value) {
  if (key == "listen_port") return Expect(ParseNumber(value, device_.listen_port));
  if (key != "private_key") return {};
  if (!FromHex(value, device_.private_key.mutable_bytes())) return DamagedAnswer();
  if (!device_.private_key.IsZero()) device_.public_key = DerivePublicKey(device_.private_key);
  return {};
}

Status UapiParser::BeginPeer(std::string_view hex) {
  if (!want_peers_) {
    done_ = true;
    return {};
  }
  if (dump_.peers.size() >= kMaxPeersInDump) {
    return Error{ErrorCode::kResourceExhausted, "the interface has more peers than jitwg can hold"};
  }
  KernelPeer peer;
  if (!FromHex(hex, peer.public_key.bytes)) return DamagedAnswer();
  dump_.peers.push_back(std::move(peer));
  in_peer_ = true;
  handshake_seconds_ = 0;
  return {};
}

Status UapiParser::AddAllowedIp(std::string_view text) {
  if (++allowed_ips_ > kMaxAllowedIpsInDump) {
    return Error{ErrorCode::kResourceExhausted, "the interface has more peers than jitwg can hold"};
  }
  const auto prefix = IpPrefix::Parse(text);
  if (!prefix) return DamagedAnswer();
  dump_.peers.back().allowed_ips.push_back(*prefix);
  return {};
}

Status UapiParser::PeerLine(std::string_view key, std::string_view value) {
  KernelPeer& peer = dump_.peers.back();
  if (key == "preshared_key") {
    PresharedKey secret;
    if (!FromHex(value, secret.mutable_bytes())) return DamagedAnswer();
    peer.has_preshared_key = !secret.IsZero();
    return {};
  }
  if (key == "endpoint") {
    peer.endpoint = ParseUapiEndpoint(value);
    return Expect(peer.endpoint.has_value());
  }
  if (key == "allowed_ip") return AddAllowedIp(value);
  if (key == "rx_bytes") return Expect(ParseNumber(value, peer.rx_bytes));
  if (key == "tx_bytes") return Expect(ParseNumber(value, peer.tx_bytes));
  if (key == "persistent_keepalive_interval") {
    return Expect(ParseNumber(value, peer.persistent_keepalive));
  }
  if (key == "last_handshake_time_sec") {
    if (!ParseNumber(value, handshake_seconds_)) return DamagedAnswer();
    handshake_seconds_ = std::min(handshake_seconds_, kLatestSecond);
    if (handshake_seconds_ == 0) return {};
    peer.last_handshake = WallTime(std::chrono::seconds(handshake_seconds_));
    return {};
  }
  if (key != "last_handshake_time_nsec") return {};
  std::uint64_t nanoseconds = 0;
  if (!ParseNumber(value, nanoseconds) || nanoseconds > 999'999'999) return DamagedAnswer();
  if (handshake_seconds_ == 0 && nanoseconds == 0) return {};
  peer.last_handshake = WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::seconds(handshake_seconds_) + std::chrono::nanoseconds(nanoseconds)));
  return {};
}

}  // namespace jitwg::sniffer
