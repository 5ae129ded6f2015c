// Everything outside the daemons of one schedule: clients and strangers, the kernel's WireGuard,
// the registry's rows, and what the machine does to all of them. Knows the truth that the
// invariants compare with.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "tests/simulation/disks.h"
#include "tests/simulation/scheduler.h"
#include "tests/support/fake_device.h"
#include "tests/support/initiator.h"

namespace jitwg::simulation {

inline constexpr const char* kInterface = "wg0";
inline constexpr std::uint16_t kPort = 51820;

using std::chrono::milliseconds;
using std::chrono::seconds;

// Mistakes that the self-test makes on purpose, to see that the checks can fail.
enum class Sabotage {
  kNone,
  kForgetfulDisk,   // the replay memory is empty after each start
  kBlindEvictor,    // lists show neither handshakes nor traffic
  kGreedyJournal,   // a hand-made peer is claimed as jitwg's own
  kOpenGuard,       // the guard allows every prefix
  kDeafToNotices,   // the registry's notices are lost, and nobody says so
  kForgeableProof,  // a shared secret of zeros passes
  kLyingRemoval,    // the kernel says "removed" and removes nothing
  kLostEvents,      // the event stream delivers nothing
  kLastSabotage = kLostEvents,
};
const char* ToString(Sabotage sabotage);

// How likely each fault is, for the calls of this time; all zero when it is quiet.
struct Faults {
  double call_lost = 0;    // a call between the daemons does not arrive
  double answer_lost = 0;  // it arrives, its answer does not
  double call_slow = 0;    // it takes seconds
  double lookup_fails = 0;
  double lookup_hangs = 0;
  double lookup_late = 0;
  double notice_lost = 0;  // then, some time later: "anything may have changed"
  double notice_twice = 0;
  double kernel_fails = 0;  // one change of a message fails
  double kernel_no_answer = 0;
  double dump_interrupted = 0;
  double inject_fails = 0;
  double disk_full = 0;
};

// What differs from schedule to schedule.
struct Setup {
  std::uint64_t seed = 0;
  Sabotage sabotage = Sabotage::kNone;
  double preempt = 0;
  std::string completion = "reinject";
  bool uses_cache = true;
  std::size_t max_peers = 1000;
  std::size_t max_lookups = 16;
  std::size_t clients = 5;
  seconds idle{12};
  milliseconds unfinished{4000};
  milliseconds quiet{3000};

  bool is_long = false;  // rests to the end, whether all is well before or not

  static Setup FromSeed(std::uint64_t seed, Sabotage sabotage);
};

struct Client {
  PrivateKey private_key;
  PublicKey public_key;
  Endpoint source;
  std::optional<PresharedKey> preshared_key;
  bool calls = true;  // false: its owner never says a word, others use its name
  bool wants_in = false;
  std::uint64_t call_number = 0;  // an older timer does not count
  bool has_called = false;
  std::uint64_t newest_stamp = 0;
  test::InitiationPacket newest_packet{};
  std::optional<Nanos> session_since;
  std::uint64_t session_number = 0;
  Nanos heard_at{0};
};

// An initiation that somebody made, by its mac1: what the kernel would find out by crypto.
struct SentPacket {
  test::InitiationPacket bytes{};
  std::size_t client = 0;
  std::uint64_t stamp = 0;
  PublicKey to;
  bool is_true = false;  // made by the owner of the key
};

class SnifferProcess;
class ProvisionerProcess;

class World {
 public:
  World(const Setup& setup, bool verbose);
  ~World();

  const Setup& setup() const { return setup_; }
  Scheduler& scheduler() { return scheduler_; }
  Random& random() { return scheduler_.random(); }
  const Clock& clock() const { return clock_; }
  Faults& faults() { return faults_; }
  Disk& disk() { return disk_; }
  std::vector<Client>& clients() { return clients_; }
  testing::FakeKernel& kernel() { return kernel_; }
  SnifferProcess* sniffer() { return sniffer_.get(); }
  ProvisionerProcess* provisioner() { return provisioner_.get(); }
  Client* FindClient(const PublicKey& key);

  // The first one counts; the schedule ends at the next step.
  void Violate(const std::string& what);
  const std::string& violation() const { return violation_; }
  // `text` is made only when somebody reads it.
  template <class Text>
  void Trace(Text text) {
    if (verbose_) Print(text());
  }
  std::uint64_t digest() const { return digest_; }
  void Digest(std::uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001b3U; }

  // Daemons. A kill takes everything away at once; a stop is what SIGTERM does. Whatever ended is
  // started again a little later.
  void StartSniffer();
  void StartProvisioner();
  void KillSniffer();
  void KillProvisioner();
  void StopProvisioner();
  void BreakStream();
  void StartWhatEnded();
  bool sniffer_runs() const { return sniffer_ != nullptr; }
  bool provisioner_runs() const { return provisioner_ != nullptr; }

  // The interface.
  void MakeInterface(std::uint64_t key_seed);
  void RemoveInterface();
  bool has_interface() const { return interface_key_.has_value(); }
  const PublicKey& interface_key() const { return *interface_key_; }

  // Packets.
  void Call(std::size_t client);
  void StopCalling(std::size_t client);
  void Replay();
  void Forge();
  void Garbage();
  void Rekey(std::size_t client);
  // The kernel's WireGuard gets an initiation, from the network or given again.
  void KernelReceives(const test::InitiationPacket& packet);
  void KernelCalls(const PublicKey& peer);

  // The registry's rows.
  std::map<PublicKey, registry::Peer>& rows() { return rows_; }
  void ChangeRow(const PublicKey& key);
  void PutRow(const registry::Peer& row);
  void RemoveRow(const PublicKey& key);
  void StepWall(Nanos by);
  bool MayConnect(const PublicKey& key) const;
  bool WasRegistered(const PublicKey& key) const { return was_registered_.contains(key); }
  bool WasPinned(const PublicKey& key) const { return was_pinned_.contains(key); }
  // Since when the row is what it is.
  Nanos RowChangedAt(const PublicKey& key) const;

  // A client that talks is never silent for longer.
  static constexpr milliseconds kLongestSilence{2000};

  // The truth about a session.
  struct Session {
    Nanos installed{0};
    std::optional<Nanos> completed;
    Nanos active{0};
    Nanos lively_since{0};  // no longer silence since then
    std::uint64_t newest_stamp = 0;
    bool any_stamp = false;
    std::uint64_t rx = 0;
  };
  std::map<PublicKey, Session>& sessions() { return sessions_; }
  std::map<PublicKey, sniffer::KernelPeer>& foreign() { return foreign_; }
  void AddForeign();
  // The running sniffer was told of the peer, and had time to take it in.
  bool KnowsForeign(const PublicKey& key) const;
  void NoteForeignSeen(const PublicKey& key);
  void OnPeerGone(const PublicKey& key);
  // The stamps that installs were asked for with, by key.
  std::map<PublicKey, std::uint64_t>& used_stamps() { return used_stamps_; }

 private:
  class SimulatedClock final : public Clock {
   public:
    SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }
    WallTime WallNow() const override { return std::chrono::system_clock::now(); }
  };

  void Print(const std::string& text);
  void MakeClients();
  void MakeRows();
  void NudgeSniffer();
  test::InitiationPacket Initiate(std::size_t client);
  void SendInitiation(std::size_t client);
  void Send(const test::InitiationPacket& packet, const Endpoint& source);
  void RetryLater(std::size_t client);
  void Talk(std::size_t client);
  void KeepTalking(std::size_t client, std::uint64_t session);
  void CompleteSession(Client& client);
  registry::Peer RowFor(std::size_t client);
  void RowChanged(const PublicKey& key);

  const Setup setup_;
  const bool verbose_;
  Scheduler scheduler_;
  SimulatedClock clock_;
  Disk disk_;
  Faults faults_;
  testing::FakeKernel kernel_;
  std::vector<Client> clients_;
  std::map<std::array<std::uint8_t, 16>, SentPacket> packets_;
  std::vector<std::array<std::uint8_t, 16>> packet_order_;
  std::optional<PrivateKey> interface_private_key_;
  std::optional<PublicKey> interface_key_;
  std::map<PublicKey, registry::Peer> rows_;
  std::map<PublicKey, Nanos> row_changed_;
  std::map<PublicKey, Session> sessions_;
  std::map<PublicKey, sniffer::KernelPeer> foreign_;
  std::map<PublicKey, Nanos> foreign_seen_;
  std::set<PublicKey> was_registered_;
  std::set<PublicKey> was_pinned_;
  std::map<PublicKey, std::uint64_t> used_stamps_;
  // Not destroyed with their process: a kill asks nobody.
  std::shared_ptr<SnifferProcess> sniffer_;
  std::shared_ptr<ProvisionerProcess> provisioner_;
  ProcessId next_process_ = 1;
  bool pending_kill_ = false;  // the sniffer could not start
  std::string violation_;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
};

}  // namespace jitwg::simulation
