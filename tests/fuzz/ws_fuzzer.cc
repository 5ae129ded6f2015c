// Any bytes as an open WebSocket's stream, either end, either variant: no crash, no datagram out of
// bounds, and the same outcome however the stream is cut. Also as what one end is told to send:
// the other end receives just that. The first byte picks which of the two, role and variant, the
// second where it is cut.
#include <algorithm>
#include <vector>

#include "lib/ws/tunnel.h"
#include "tests/fuzz/input.h"

namespace {

using jitwg::test::Input;
using jitwg::test::Require;
using jitwg::ws::Fault;
using jitwg::ws::Role;
using jitwg::ws::Tunnel;
using jitwg::ws::Variant;

class HashingSink : public jitwg::ws::DatagramSink {
 public:
  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    Require(!datagram.empty() && datagram.size() <= jitwg::ws::kMaxDatagram);
    for (const std::uint8_t byte : datagram) Mix(byte);
    Mix(256);
    ++datagrams;
  }
  void OnKeepalive() override { Mix(257); }
  std::size_t datagrams = 0;
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

jitwg::ws::MaskKey AMask() { return {0x37, 0xfa, 0x21, 0x3d}; }

// Tells `tunnel` what to send; what the other end must make of it goes into `expected`.
void Send(Input& input, Tunnel& tunnel, jitwg::ws::OutputBuffer& out, HashingSink& expected) {
  const std::uint8_t what = input.Byte();
  if (what % 8 == 7) return tunnel.AppendPing(out);
  if (what % 8 == 6) {
    tunnel.AppendKeepalive(out);
    return expected.OnKeepalive();
  }
  const std::size_t size = std::size_t{what} * (what % 8 == 5 ? 36 : 1) + 1;
  std::vector<std::uint8_t> datagram(size, what);
  const auto head = input.Bytes(std::min<std::size_t>(size, what % 16));
  std::copy(head.begin(), head.end(), datagram.begin());
  tunnel.AppendDatagram(datagram, out);
  expected.OnDatagram(datagram);
}

constexpr std::size_t kMostSent = 10000;

void Talk(Role role, Variant variant, std::span<const std::uint8_t> script, std::size_t piece) {
  const Role other = role == Role::kClient ? Role::kServer : Role::kClient;
  Tunnel sender(role, variant, role == Role::kClient ? AMask : nullptr);
  Tunnel receiver(other, variant, other == Role::kClient ? AMask : nullptr);
  HashingSink received;
  HashingSink expected;
  HashingSink none;
  jitwg::ws::OutputBuffer out;
  for (Input input(script); !input.empty() && out.size() < kMostSent;) {
    Send(input, sender, out, expected);
  }
  sender.AppendClose(jitwg::ws::CloseCode::kGoingAway, out);
  std::vector<std::uint8_t> bytes(out.pending().begin(), out.pending().end());
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    Require(receiver.Receive(std::span(bytes).subspan(at, size), received) == Fault::kNone);
  }
  Require(received.hash == expected.hash && received.datagrams == expected.datagrams);
  Require(receiver.peer_closed() && receiver.peer_code() == 1001);
  jitwg::ws::OutputBuffer answer;
  receiver.AppendPong(answer);
  receiver.AppendCloseReply(answer);
  bytes.assign(answer.pending().begin(), answer.pending().end());
  Require(sender.Receive(bytes, none) == Fault::kNone && sender.peer_closed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::kClient : Role::kServer;
  const Variant variant = (data[0] & 2) != 0 ? Variant::kDatagrams : Variant::kRecords;
  const std::size_t piece = std::size_t{1} + data[1];
  const std::vector<std::uint8_t> bytes(data + 2, data + size);
  if ((data[0] & 4) != 0) {
    Talk(role, variant, bytes, piece);
    return 0;
  }
  const Outcome whole = Run(role, variant, bytes, std::max<std::size_t>(bytes.size(), 1));
  Require(whole == Run(role, variant, bytes, piece));
  Require(whole == Run(role, variant, bytes, 1));
  return 0;
}
