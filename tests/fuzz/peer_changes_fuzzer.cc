// Changes of peers, built from the input, as the installer writes them to the kernel and to a
// userspace WireGuard: what its own readers make of that is what was wanted.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "sniffer/install/uapi_message.h"
#include "sniffer/install/wg_message.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg;
using namespace jitwg::sniffer;
using jitwg::test::Input;
using jitwg::test::Require;

constexpr std::uint32_t kSequence = 42;
constexpr std::size_t kMostPeers = 16;
constexpr std::size_t kMostPrefixes = 8;

PeerChange TakeChange(Input& input, std::uint8_t number) {
  PeerChange change;
  const std::uint8_t shape = input.Byte();
  change.kind = static_cast<PeerChange::Kind>(input.Byte() % 3);
  change.kick = (shape & 1) != 0;
  change.public_key.bytes = input.Key();
  // Neighbours of one key would be taken for one peer.
  change.public_key.bytes[0] = number;
  if ((shape & 2) != 0) change.preshared_key = PresharedKey::CopyOf(input.Key());
  change.persistent_keepalive = static_cast<std::uint16_t>(input.Number(2));
  if ((shape & 4) != 0) {
    change.endpoint = Endpoint{input.Address(), static_cast<std::uint16_t>(input.Number(2)), 0};
    if (!change.endpoint->address.is_v4()) change.endpoint->scope_id = input.Byte();
  }
  for (std::size_t left = shape >> 4 & (kMostPrefixes - 1); left > 0; --left) {
    const IpAddress address = input.Address();
    change.allowed_ips.push_back(
        *IpPrefix::Make(address, input.Byte() % (address.bit_length() + 1)));
  }
  return change;
}

std::vector<PeerChange> TakeChanges(Input& input) {
  std::vector<PeerChange> changes;
  while (!input.empty() && changes.size() < kMostPeers) {
    changes.push_back(TakeChange(input, static_cast<std::uint8_t>(changes.size())));
  }
  return changes;
}

// What a reader must make of one change: a removal names its key alone; a kick begins with a
// keepalive of one second, and its end is an entry of its own for a userspace WireGuard.
void CheckPeer(const KernelPeer& peer, const PeerChange& change) {
  Require(peer.public_key == change.public_key);
  if (change.kind == PeerChange::Kind::kRemove) {
    return Require(!peer.has_preshared_key && !peer.endpoint && peer.allowed_ips.empty());
  }
  const bool secret = change.preshared_key && !change.preshared_key->IsZero();
  Require(peer.has_preshared_key == secret);
  Require(peer.persistent_keepalive == (change.kick ? 1 : change.persistent_keepalive));
  Require(peer.endpoint == change.endpoint);
  Require(peer.allowed_ips == change.allowed_ips);
}

void CheckSame(const std::vector<KernelPeer>& peers, const std::vector<PeerChange>& changes,
               bool kicks_end_apart) {
  auto peer = peers.begin();
  for (const PeerChange& change : changes) {
    Require(peer != peers.end());
    CheckPeer(*peer++, change);
    if (!kicks_end_apart || !change.kick || change.kind == PeerChange::Kind::kRemove) continue;
    Require(peer != peers.end() && peer->public_key == change.public_key);
    Require(peer->persistent_keepalive == change.persistent_keepalive && !peer->endpoint);
    ++peer;
  }
  Require(peer == peers.end());
}

void Kernel(const std::vector<PeerChange>& changes, std::span<std::uint8_t> buffer) {
  Require(FittingChanges(changes) == changes.size());
  const WgRequest request{.family = 30, .sequence = kSequence, .interface = "wg0", .ifindex = 0};
  const auto size = EncodeSetDevice(request, changes, buffer);
  Require(bool{size});
  DumpParser parser(kSequence);
  const auto step = parser.Feed(buffer.first(*size));
  Require(step && *step == DumpParser::Step::kMore);
  Require(parser.TakeDevice().name == "wg0");
  CheckSame(parser.TakeDump().peers, changes, false);
}

// More than one message takes are put into as many as it needs.
void KernelInPieces(const std::vector<PeerChange>& changes, std::size_t times,
                    std::span<std::uint8_t> buffer) {
  std::vector<PeerChange> many;
  for (std::size_t i = 0; i < times; ++i) {
    PeerChange copy;
    copy.public_key = changes[0].public_key;
    copy.allowed_ips = changes[0].allowed_ips;
    copy.kick = changes[0].kick;
    many.push_back(std::move(copy));
  }
  const WgRequest request{.family = 30, .sequence = kSequence, .interface = "", .ifindex = 7};
  for (std::span<const PeerChange> left = many; !left.empty();) {
    const std::size_t count = FittingChanges(left);
    Require(count > 0 && count <= left.size());
    Require(bool{EncodeSetDevice(request, left.first(count), buffer)});
    left = left.subspan(count);
  }
}

void Userspace(const std::vector<PeerChange>& changes, std::size_t cut) {
  SecretText text(SetCapacity(changes));
  Require(bool{FormatSet(changes, text)});
  const std::string_view whole = text.view();
  UapiParser parser;
  const auto first = parser.Feed(whole.substr(0, cut % (whole.size() + 1)));
  Require(bool{first});
  if (!*first) Require(parser.Feed(whole.substr(cut % (whole.size() + 1))).value());
  CheckSame(parser.TakeDump().peers, changes, true);
  SecretText small(cut % whole.size());
  Require(!FormatSet(changes, small));
}

// Key and port of the interface, both ways, and the two requests that only ask.
void Device(Input& input, std::span<std::uint8_t> buffer) {
  DeviceSettings settings;
  settings.private_key = PrivateKey::CopyOf(input.Key());
  settings.listen_port = static_cast<std::uint16_t>(input.Number(2));
  const WgRequest request{.family = 30, .sequence = kSequence, .interface = "wg0", .ifindex = 0};
  const auto size = EncodeConfigureDevice(request, settings, buffer);
  DumpParser kernel(kSequence);
  Require(size && kernel.Feed(buffer.first(*size)));
  const DeviceInfo seen = kernel.TakeDevice();
  Require(seen.private_key == settings.private_key && seen.listen_port == settings.listen_port);
  SecretText text(kConfigureCapacity);
  Require(bool{FormatConfigure(settings, text)});
  UapiParser userspace;
  Require(userspace.Feed(text.view()).value());
  const DeviceInfo again = userspace.TakeDevice();
  Require(again.private_key == settings.private_key && again.listen_port == settings.listen_port);
  Require(bool{EncodeGetDevice(request, buffer)} && bool{EncodeGetFamily(kSequence, buffer)});
  Require(!EncodeGetDevice(request, buffer.first(16)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alignas(4) static std::array<std::uint8_t, kSetMessageSize> buffer;
  Input input(std::span(data, size));
  const auto cut = static_cast<std::size_t>(input.Number(2));
  // Deriving a public key is slow: not for each input.
  if (cut % 64 == 1) Device(input, buffer);
  const std::vector<PeerChange> changes = TakeChanges(input);
  Kernel(changes, buffer);
  if (cut % 256 == 2 && !changes.empty()) KernelInPieces(changes, 200 + size, buffer);
  Userspace(changes, cut);
  return 0;
}
