// The seam to a WireGuard implementation: the kernel over netlink, userspace over its UAPI socket,
// or the in-memory fake. Policy-free: what may be changed is the guard's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::sniffer {

// What identifies an interface and its key. Never printed, never sent.
struct DeviceInfo {
  std::string name;
  unsigned ifindex = 0;
  PrivateKey private_key;  // all zero: none is set
  PublicKey public_key;
  std::uint16_t listen_port = 0;
};

struct KernelPeer {
  PublicKey public_key;
  bool has_preshared_key = false;
  std::vector<IpPrefix> allowed_ips;
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;  // unset: never completed
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint16_t persistent_keepalive = 0;  // seconds, 0 = off
};

struct PeerDump {
  std::vector<KernelPeer> peers;
  bool interrupted =
      false;  // NLM_F_DUMP_INTR: a peer may be missing or stale; good enough for eviction
};

// One change of one peer.
struct PeerChange {
  enum class Kind : std::uint8_t {
    kCreate,  // add, or replace all settings of the peer
    kUpdate,  // only if it exists (WGPEER_F_UPDATE_ONLY): never brings a removed peer back
    kRemove,  // nothing when it is absent
  };
  Kind kind = Kind::kCreate;
  PublicKey public_key;
  std::optional<PresharedKey> preshared_key;  // kCreate/kUpdate: unset clears it
  std::vector<IpPrefix> allowed_ips;          // replaces all
  std::uint16_t persistent_keepalive = 0;     // seconds, 0 = off
  std::optional<Endpoint> endpoint;           // unset leaves it alone
  bool kick =
      false;  // with `endpoint`: one keepalive at once, which makes the implementation initiate
};

// What makes an interface answer: set together, so that it is never half a gateway.
struct DeviceSettings {
  PrivateKey private_key;
  std::uint16_t listen_port = 0;
};

// The interface that changes are for. An index is given out once in a network namespace, so with it
// a change cannot reach an interface that was made anew under the same name.
struct DeviceTarget {
  std::string name;
  unsigned ifindex = 0;  // 0: whichever has the name now
};

// One object serves all interfaces of its kind. Thread-safe. Blocking calls have a deadline of a
// few seconds.
class WireGuardDevice {
 public:
  virtual ~WireGuardDevice() = default;

  // "kernel", "userspace", "fake".
  virtual std::string_view backend() const = 0;

  // Key, port and index without reading the peers. kNotFound: no such interface; kInvalidArgument:
  // it is of another type; kPermissionDenied: CAP_NET_ADMIN is missing.
  virtual Result<DeviceInfo> GetDevice(const std::string& name) = 0;

  virtual Result<PeerDump> DumpPeers(const std::string& name) = 0;

  // Applies up to 256 changes, in order, in as few messages as possible. One Status for each. A
  // change that failed left nothing half-installed: a peer created without its addresses is removed
  // again. The outer error means that nothing was done at all (kNotFound: no interface, or not the
  // one with that index).
  virtual Result<std::vector<Status>> Apply(const DeviceTarget& target,
                                            std::span<const PeerChange> changes) = 0;

  // Sets key and port and leaves the peers alone (but a peer that has the interface's new key goes,
  // as in the kernel). Errors as GetDevice; kAlreadyExists: the port is taken.
  virtual Status Configure(const std::string& name, const DeviceSettings& settings) = 0;
};

}  // namespace jitwg::sniffer
