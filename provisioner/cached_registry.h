// A registry behind the gateway's cache: asks the registry while it is well, and serves the peers
// it knows while it is away. Never makes up a "no".
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/peer_cache_store.h"
#include "provisioner/task_thread.h"

namespace jitwg::provisioner {

struct CachedRegistryOptions {
  std::chrono::milliseconds max_stale = std::chrono::hours(24);
  std::chrono::milliseconds negative_ttl = std::chrono::seconds(1);
  std::size_t max_negatives = 65'536;
  // After a look-up timed out, one in so long is used to see whether the registry is back.
  std::chrono::milliseconds probe_interval{500};
};

struct CacheCounters {
  std::uint64_t served = 0;     // known peers, while the registry was away
  std::uint64_t negatives = 0;  // "no such peer" said again within the negative time
  bool registry_away = false;   // the last look-up that reached a verdict about it failed
};

// Thread-safe. Registry and store outlive it; its end waits for the look-ups under way.
class CachedRegistry final : public registry::Registry {
 public:
  // `age`: the answer is from the cache, and so old.
  using LookUpCallback = std::function<void(Result<std::optional<registry::Peer>> found,
                                            std::optional<std::chrono::seconds> age)>;

  CachedRegistry(registry::Registry& inner, PeerCacheStore& store, const Clock& clock,
                 const CachedRegistryOptions& options = {});
  ~CachedRegistry() override;

  // As Find. While the registry is away (kUnavailable, kDeadlineExceeded) a peer that it knew, not
  // longer than max_stale ago, is found all the same, and any other gets the registry's error.
  void LookUp(const PublicKey& key, std::chrono::milliseconds deadline, LookUpCallback done);

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  // Of pinned peers, known ones while the registry is away; any other list is the registry's.
  Result<std::vector<registry::Peer>> List(const registry::ListQuery& query) override;
  // The registry's word alone: while it is away nobody is found by address.
  Result<std::optional<registry::AddressHolder>> FindHolder(const std::string& network,
                                                            const IpAddress& address) override {
    return inner_.FindHolder(network, address);
  }
  Status Put(const registry::Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  // Besides the registry's notices: when the registry is back, one for each peer that was served
  // meanwhile, since it may have been revoked.
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const registry::GatewayReport& report) override { return inner_.Report(report); }
  Status Health() override { return inner_.Health(); }

  // To be called now and then: while the registry is away and peers were served meanwhile, asks for
  // one of them, so that it is noticed when the registry is back even if nobody else calls. One at
  // a time, and none within probe_interval of the last.
  void Probe(std::chrono::milliseconds deadline);

  CacheCounters counters() const;

 private:
  // Look-ups of one key under way, and when a notice last overtook them.
  struct Flight {
    std::size_t count = 0;
    std::uint64_t last_notice = 0;
  };

  void Ask(const PublicKey& key, std::chrono::milliseconds deadline, LookUpCallback done);
  void OnAnswer(const PublicKey& key, std::uint64_t asked_at,
                Result<std::optional<registry::Peer>> found, const LookUpCallback& done);
  // Keeps the answer unless a notice has overtaken it.
  void EndFlight(const PublicKey& key, std::uint64_t asked_at,
                 const Result<std::optional<registry::Peer>>& found);
  void KeepNegative(const PublicKey& key);
  void NoteServed(const PublicKey& key);
  std::optional<CachedPeer> FindKnown(const PublicKey& key, std::chrono::seconds& age);
  bool ServeKnown(const PublicKey& key, const LookUpCallback& done, bool on_task_thread);
  bool SaidNoJustNow(const PublicKey& key);
  void NoteWell();
  void NoteAway(ErrorCode code);
  bool ProbeIsDue();
  void EndProbe();
  void Forget(const registry::Change& change);
  void OnInnerChange(const registry::Change& change);
  void Tell(const registry::Change& change);

  registry::Registry& inner_;
  PeerCacheStore& store_;
  const Clock& clock_;
  const CachedRegistryOptions options_;
  std::atomic<std::uint64_t> served_{0};
  std::atomic<std::uint64_t> negatives_served_{0};

  mutable std::mutex mutex_;  // never held while calling out; the store's memory excepted
  std::condition_variable changed_;
  std::unordered_map<PublicKey, Flight, PublicKeyHash> flights_;
  std::size_t asked_ = 0;  // callbacks of the registry still to come
  std::uint64_t notices_ = 0;
  std::uint64_t last_keyless_ = 0;
  std::unordered_map<PublicKey, SteadyTime, PublicKeyHash> negatives_;  // until when
  bool away_ = false;
  bool timed_out_ = false;  // asking costs time: serve what is known at once
  bool probing_ = false;
  SteadyTime next_probe_;
  std::unordered_set<PublicKey, PublicKeyHash> served_stale_;
  bool served_too_many_ = false;
  ChangeCallback on_change_;
  std::uint64_t subscription_ = 0;
  bool subscribed_inside_ = false;
  bool delivering_ = false;
  TaskThread tasks_;  // last: its tasks use the rest
};

}  // namespace jitwg::provisioner
