// The only way to a change of one interface's peers: asks the guard, remembers in the journal, then
// tells the kernel. It never touches a peer that jitwg did not install, and never sets the endpoint
// of a peer that is there already.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/base/tai64n.h"
#include "sniffer/install/guard.h"
#include "sniffer/install/own_set_journal.h"
#include "sniffer/install/peer_table.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// An installation that nobody called for: the gateway has a packet for the peer.
struct OutboundWish {
  bool was_asked = false;  // the tap really saw such a packet, for one of the peer's addresses
  // Used when nothing better is known; the provisioner's word.
  std::optional<Endpoint> suggested_endpoint;
};

struct InstallRequest {
  PublicKey public_key;
  std::optional<PresharedKey> preshared_key;
  std::vector<IpPrefix> allowed_ips;
  std::uint16_t persistent_keepalive = 0;  // seconds, 0 = off
  // Both from the completion strategy, out of the sniffer's own memory. Used for a new peer only.
  std::optional<Endpoint> endpoint;
  bool kick = false;
  // Of the initiation that asks for the peer.
  std::optional<Tai64n> newest_timestamp;
  // Then a new peer is called where it was last, or not installed (kNoEndpoint); one that is there,
  // or may be there, keeps its endpoint. In the place of `endpoint` and `kick`.
  std::optional<OutboundWish> outbound;
};

struct PeerResult {
  PublicKey public_key;
  PeerOutcome outcome = PeerOutcome::kFailed;
  std::string message;  // what went wrong and how to mend it; empty when nothing did
  ErrorCode error = ErrorCode::kInternal;  // with kFailed: kNotFound the interface is gone, ...
};

struct InstallResult {
  std::vector<PeerResult> results;  // one for each request, in order
};
using RemoveResult = InstallResult;

struct ListedPeer {
  KernelPeer peer;
  bool own = false;
  std::optional<std::chrono::nanoseconds> installed_for;  // own peers
  std::optional<Tai64n> newest_timestamp;                 // own peers, when one is known
};

struct PeerList {
  std::vector<ListedPeer> peers;
  bool interrupted = false;
};

struct PeerManagerOptions {
  std::string interface;
  GuardPolicy policy;
  std::string journal_path;              // empty: the own-set dies with the process
  std::size_t remembered_endpoints = 0;  // of own peers that went
};

// Thread-safe. Installations and removals of an interface wait for each other, not for a List that
// is being read.
//
// Residual race: the kernel has no "create only", no notice of a peer's change and no query of one
// peer. A peer or address that somebody adds by hand after the last List (or Refresh) is not known
// to the guard: an installation of that very key would take it over, one of that very address would
// take the address. It lasts until the next reading, which the sniffer does by itself when nobody
// asks (RefreshIfOlderThan). In the same way an own peer that is removed by hand counts as
// installed until the next reading that was not interrupted; after five that were, one holds
// changes back so that ours cannot interrupt it.
class PeerManager {
 public:
  // Opens the journal and reads the kernel's peers once: those in the journal are own, all others
  // foreign. `device` and `clock` outlive it. Errors: those of GetDevice, DumpPeers and
  // OwnSetJournal::Open.
  static Result<std::unique_ptr<PeerManager>> Create(WireGuardDevice& device, const Clock& clock,
                                                     PeerManagerOptions options);

  // Asked before each message to the kernel, while no other change is under way; false: what is
  // left of the call is kFailed. Empty: yes. Must not block.
  using StillWanted = std::function<bool()>;

  // Any number of requests, in order; each stands alone. Idempotent: the same settings again are
  // kUnchanged without a call to the kernel. Outcomes: kInstalled, kUnchanged, kUpdated, kRefused*,
  // kNoEndpoint, kFailed.
  InstallResult Install(std::span<const InstallRequest> requests,
                        const StillWanted& still_wanted = {});
  // Tells the log what became of an installation. Apart from it, so that a log that is slow to take
  // a line delays no handshake that only waited for its peer.
  void LogInstalled(const InstallResult& result) const;

  // Own peers only, at most 100 in a message to the kernel. Outcomes: kRemoved, kAbsent,
  // kRefusedForeign, kFailed.
  RemoveResult Remove(std::span<const PublicKey> keys, const StillWanted& still_wanted = {});

  // Reads the kernel's peers and learns from them: foreign peers, and own ones that somebody else
  // removed or changed. kAborted: the interface was replaced meanwhile, try again.
  Result<PeerList> List();
  // The same for the learning alone.
  Status Refresh();
  // Refresh, unless the kernel was read within `age`: the guard's knowledge of peers made by hand
  // must not depend on somebody asking for lists.
  Status RefreshIfOlderThan(std::chrono::nanoseconds age);

  // Is the key a peer, own or foreign, as far as is known? Never waits for the kernel. Not one
  // whose installation ended in doubt: its client's next initiation shall ask for it again.
  bool IsInstalled(const PublicKey& key) const;
  bool IsOwn(const PublicKey& key) const;

  // A packet for the address goes to some peer, own or foreign, as far as is known. Never waits for
  // the kernel.
  bool IsRouted(const IpAddress& address) const;

  // Keeps the newest of an own peer; nothing for others.
  void NoteTimestamp(const PublicKey& key, const Tai64n& timestamp);

  std::size_t own_count() const;
  // Of peers that went.
  std::size_t remembered_endpoints() const;
  GuardPolicy policy() const;
  void SetAllowedPrefixes(std::vector<IpPrefix> prefixes);

  // The interface was looked at again. A new ifindex: another object, the own-set is cleared. Only
  // a new key or port: own peers stay own. Then reads the peers; its error is that of Refresh. Call
  // it whenever the interface was read: it does nothing when nothing changed, and goes on where it
  // failed before. Until it succeeded, installations are kFailed.
  Status OnDeviceChanged(const DeviceInfo& info);

 private:
  // An installation that the guard let through.
  struct Planned {
    std::size_t request;
    PeerSettings settings;
    bool is_new;
    unsigned ifindex;  // of the interface that the guard looked at
    // Both set for a new peer only.
    std::optional<Endpoint> endpoint;
    bool kick = false;
  };

  PeerManager(WireGuardDevice& device, const Clock& clock, PeerManagerOptions options);
  Status LoadJournal();
  std::size_t Plan(std::span<const InstallRequest> requests, std::size_t first,
                   std::vector<PeerResult>& results, std::vector<Planned>& planned);
  // state_mutex_ held.
  bool PlanEndpoint(const InstallRequest& request, const OwnPeer* own, Planned& plan,
                    PeerResult& result) const;
  bool PlanOne(const InstallRequest& request, std::size_t index, PeerResult& result,
               std::vector<Planned>& planned);
  void Carry(std::span<const InstallRequest> requests, std::vector<Planned> planned,
             std::vector<PeerResult>& results);
  Status Journal(std::span<const InstallRequest> requests, std::span<const Planned> planned);
  void Settle(Planned& planned, const InstallRequest& request, const Status& status,
              PeerResult& result);
  void RemoveBatch(std::span<const PublicKey> keys, std::span<PeerResult> results,
                   const StillWanted& still_wanted);
  void SettleRemoval(const Status& status, PeerResult& result, std::vector<PublicKey>& removed);
  void DropFromJournal(std::span<const PublicKey> keys);
  ListedPeer Describe(KernelPeer peer, SteadyTime now);
  Result<PeerList> ReadAndMerge(bool want_list);

  WireGuardDevice& device_;
  const Clock& clock_;
  const std::string interface_;

  // Lock order: list_mutex_, change_mutex_, state_mutex_. Only the first two are held during a call
  // to the kernel.
  std::mutex list_mutex_;    // one dump at a time; guards interrupted_in_a_row_
  std::mutex change_mutex_;  // one change at a time; guards journal_
  std::unique_ptr<OwnSetJournal> journal_;
  unsigned interrupted_in_a_row_ = 0;  // readings
  mutable std::mutex state_mutex_;     // guards all below
  GuardPolicy policy_;
  PeerTable table_;
  unsigned ifindex_ = 0;
  PublicKey interface_key_;
  std::uint64_t generation_ = 0;
  SteadyTime last_read_{};  // of the kernel's peers
  bool in_step_ = true;     // false: OnDeviceChanged has not succeeded since the interface changed
  bool reset_pending_ = false;  // the journal still speaks of an interface that is gone
  const std::string journal_path_;
};

}  // namespace jitwg::sniffer
