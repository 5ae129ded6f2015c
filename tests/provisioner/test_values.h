// Values that the provisioner's tests share: keys, stamps, peers, events, a directory that goes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/registry/registry.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

inline PublicKey Key(std::uint16_t number) {
  PublicKey key;
  key.bytes.fill(0x11);
  key.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  key.bytes[1] = static_cast<std::uint8_t>(number & 0xff);
  return key;
}

inline Tai64n Stamp(std::int64_t seconds) { return Tai64n::FromUnix(1'700'000'000 + seconds, 0); }

// 10.x.y.1/32 of its own for each number.
inline registry::Peer MakePeer(std::uint16_t number) {
  registry::Peer peer;
  peer.public_key = Key(number);
  peer.name = "peer-" + std::to_string(number);
  peer.allowed_ips = {*IpPrefix::Parse("10." + std::to_string(number >> 8) + "." +
                                       std::to_string(number & 0xff) + ".1/32")};
  return peer;
}

inline HandshakeEvent MakeEvent(std::uint16_t number, std::int64_t seconds,
                                std::uint64_t initiation_id) {
  HandshakeEvent event;
  event.initiation_id = initiation_id;
  event.interface = "wg0";
  event.public_key = Key(number);
  event.timestamp = Stamp(seconds);
  event.source.port = 1234;
  return event;
}

inline PeerState OwnPeer(const registry::Peer& peer) {
  PeerState state;
  state.public_key = peer.public_key;
  state.own = true;
  state.allowed_ips = peer.allowed_ips;
  state.persistent_keepalive = peer.persistent_keepalive;
  state.has_preshared_key = peer.preshared_key.has_value();
  return state;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "jitwg-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace jitwg::provisioner
