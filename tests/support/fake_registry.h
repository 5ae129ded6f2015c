// A registry in memory that keeps to the contract of lib/registry, and a wrapper that makes any
// registry slow, broken or mute. For tests only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

// Runs functions one after the other on a thread of its own; those left at the end are run by the
// destructor.
class CallbackThread {
 public:
  CallbackThread() : thread_([this] { Run(); }) {}
  ~CallbackThread() { Stop(); }
  void Post(std::function<void()> task);
  // Runs what is left, then ends the thread. Idempotent.
  void Stop();
  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  bool stop_ = false;
  std::thread thread_;
};

class FakeRegistry final : public Registry {
 public:
  explicit FakeRegistry(const Clock& clock) : clock_(clock) {}
  ~FakeRegistry() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  Result<std::vector<Peer>> List(const ListQuery& query) override;
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address) override;
  Status Put(const Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const GatewayReport& report) override;
  Status Health() override { return {}; }

  // What Report stored: by gateway's name, and by peer and gateway.
  std::vector<Gateway> gateways() const;
  std::vector<Sighting> sightings() const;
  // Tells the subscriber that anything may have changed, as a registry does that lost notices.
  void LoseNotices() { Tell({}); }

 private:
  Result<std::optional<Peer>> Answer(const PublicKey& key, SteadyTime deadline);
  Status RefuseOverlap(const Peer& peer) const;  // with mutex_ held
  void Tell(const Change& change);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable delivered_;
  std::map<PublicKey, Peer> peers_;
  std::map<std::string, Gateway> gateways_;
  std::map<std::pair<PublicKey, std::string>, Sighting> sightings_;
  ChangeCallback on_change_;
  std::uint64_t subscription_ = 0;
  bool delivering_ = false;
  bool stopping_ = false;
  CallbackThread thread_;
};

// Passes everything on to `inner`, which must outlive it, except what it was told to spoil.
class FaultyRegistry final : public Registry {
 public:
  explicit FaultyRegistry(Registry& inner) : inner_(inner) {}
  ~FaultyRegistry() override { Release(); }

  // From now on every call fails like this; nullopt: they work again. Health tells it too.
  void FailWith(std::optional<Error> error);
  // From now on look-ups get no answer until Release().
  void Hold();
  void Release();
  // Look-ups that wait now.
  std::size_t held() const;
  // Look-ups so far, also those that failed or wait.
  std::size_t finds() const { return finds_; }

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  Result<std::vector<Peer>> List(const ListQuery& query) override;
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address) override;
  Status Put(const Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override { inner_.Subscribe(std::move(on_change)); }
  Status Report(const GatewayReport& report) override;
  Status Health() override;

 private:
  std::optional<Error> Fault() const;

  Registry& inner_;
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  bool holding_ = false;
  std::vector<std::function<void()>> held_;
  std::atomic<std::size_t> finds_{0};
  CallbackThread thread_;
};

}  // namespace jitwg::registry
