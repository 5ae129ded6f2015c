// The provisioner's one way to the sniffer: its events, and changes of its interfaces' peers. One
// real implementation (gRPC) and a fake with state for tests.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

inline constexpr std::size_t kMaxInstallBatch = 64;
inline constexpr std::size_t kMaxRemoveBatch = 100;

// Told by Watch, one call at a time, on a thread of the link. Must not block for long: events wait
// meanwhile.
class SnifferListener {
 public:
  virtual ~SnifferListener() = default;
  // The stream is alive (its first message came). `instance` differs from the last one when the
  // sniffer was restarted.
  virtual void OnConnected(std::uint64_t instance) = 0;
  // What came together, oldest first; never empty.
  virtual void OnEvents(const std::vector<HandshakeEvent>& events) = 0;
  virtual void OnDemand(const OutboundDemand& demand) = 0;
  // So many events were lost before the next one.
  virtual void OnDropped(std::uint64_t count) = 0;
  // The stream is lost, or could not be had; the link tries again by itself.
  virtual void OnDisconnected(const Error& why) = 0;
};

// Thread-safe. Every call has a deadline. Errors: kUnavailable, kDeadlineExceeded, kAborted (stop
// was requested), or what the sniffer answered.
class SnifferLink {
 public:
  using InstallCallback = std::function<void(Result<std::vector<PeerResult>>)>;

  virtual ~SnifferLink() = default;

  // Streams events to `listener`, connecting again after a loss, until `stop`. Blocks.
  virtual void Watch(SnifferListener& listener, const std::stop_token& stop) = 0;

  // Installs or updates at most kMaxInstallBatch peers; one result each, in order. `done` is
  // called exactly once, on a thread of the link, and must not block.
  virtual void Install(const std::string& interface, std::vector<PeerSpec> peers,
                       Completion completion, InstallCallback done) = 0;

  // Removes at most kMaxRemoveBatch peers; one result each, in order. Blocks.
  virtual Result<std::vector<PeerResult>> Remove(const std::string& interface,
                                                 const std::vector<PublicKey>& keys,
                                                 const std::stop_token& stop) = 0;

  // The peers that jitwg installed. Blocks.
  virtual Result<PeerList> List(const std::string& interface, const std::stop_token& stop) = 0;

  // All interfaces that the sniffer serves. Blocks.
  virtual Result<std::vector<InterfaceState>> GetInterfaces(const std::stop_token& stop) = 0;
};

}  // namespace jitwg::provisioner
