// Any bytes as an open WebSocket's stream, either end, either variant: no crash, no datagram out of
// bounds, and the same outcome however the stream is cut. The first byte picks role and variant,
// the second where it is cut.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "lib/ws/tunnel.h"

namespace {

using jitwg::ws::Fault;
using jitwg::ws::Role;
using jitwg::ws::Tunnel;
using jitwg::ws::Variant;

void Require(bool condition) {
  if (!condition) std::abort();
}

class HashingSink : public jitwg::ws::DatagramSink {
 public:
  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    Require(!datagram.empty() && datagram.size() <= jitwg::ws::kMaxDatagram);
    for (const std::uint8_t byte : datagram) Mix(byte);
    Mix(256);
  }
  void OnKeepalive() override { Mix(257); }
  std::uint64_t hash = 14695981039346656037U;

 private:
  void Mix(std::uint64_t value) { hash = (hash ^ value) * 1099511628211U; }
};

struct Outcome {
  Fault fault = Fault::kNone;
  std::uint64_t hash = 0;
  bool closed = false;
  std::uint64_t signs_of_life = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome Run(Role role, Variant variant, std::vector<std::uint8_t> bytes, std::size_t piece) {
  Tunnel tunnel(role, variant);
  HashingSink sink;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && outcome.fault == Fault::kNone; at += piece) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    outcome.fault = tunnel.Receive(std::span(bytes).subspan(at, size), sink);
  }
  outcome.hash = sink.hash;
  outcome.closed = tunnel.peer_closed();
  outcome.signs_of_life = tunnel.signs_of_life();
  if (role == Role::kServer) {
    jitwg::ws::OutputBuffer out;
    tunnel.AppendPong(out);
    tunnel.AppendCloseReply(out);
    Require(out.size() <= 2 + 125 + 4);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::kClient : Role::kServer;
  const Variant variant = (data[0] & 2) != 0 ? Variant::kDatagrams : Variant::kRecords;
  const std::vector<std::uint8_t> bytes(data + 2, data + size);
  const Outcome whole = Run(role, variant, bytes, std::max<std::size_t>(bytes.size(), 1));
  Require(whole == Run(role, variant, bytes, std::size_t{1} + data[1]));
  Require(whole == Run(role, variant, bytes, 1));
  return 0;
}
