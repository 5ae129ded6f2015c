// A registry in memory whose answers a test can hold back, and make fail.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lib/registry/registry.h"

namespace jitwg::provisioner {

// Unlike the stores it answers on the caller's thread, unless look-ups are held.
class HoldableRegistry final : public registry::Registry {
 public:
  // Answers what is still held.
  ~HoldableRegistry() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  // Only after AnswerAtOnce().
  std::optional<Result<std::optional<registry::Peer>>> TryFind(const PublicKey& key) override;
  Result<std::vector<registry::Peer>> List(const registry::ListQuery& query) override;
  Result<std::optional<registry::AddressHolder>> FindHolder(const std::string& network,
                                                            const IpAddress& address) override;
  Status Put(const registry::Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const registry::GatewayReport& report) override;
  Status Health() override;

  // Look-ups wait until they are released; each is answered with what is stored then.
  void Hold();
  void AnswerAtOnce();
  void Release();
  // Everything fails from now on; an unset error ends it.
  void Fail(std::optional<Error> error);
  // Look-ups of this key alone fail.
  void FailKey(const PublicKey& key, bool fails);
  // The row of this key cannot be read: kDataLoss, also for every list that comes across it.
  void DamageRow(const PublicKey& key, bool damaged);
  // Called before each look-up is answered; without locks.
  // After a page was read, before it is returned.
  void OnList(std::function<void()> hook);
  void OnFind(std::function<void(const PublicKey&)> hook);
  // Tells the subscriber.
  void Notify(const registry::Change& change);

  // Every report that was taken, oldest first.
  std::vector<registry::GatewayReport> reports() const;
  // What FindHolder tells of a peer besides its key.
  void SetLastEndpoint(const PublicKey& key, const Endpoint& endpoint);
  std::size_t holder_finds() const;
  std::size_t finds() const;
  std::size_t CountFinds(const PublicKey& key) const;

 private:
  Result<std::optional<registry::Peer>> Answer(const PublicKey& key);

  mutable std::mutex mutex_;
  std::map<PublicKey, registry::Peer> peers_;
  std::map<PublicKey, std::size_t> found_;
  std::map<PublicKey, Endpoint> last_endpoints_;
  std::size_t holder_finds_ = 0;
  std::map<PublicKey, bool> failing_;
  std::set<PublicKey> damaged_;
  std::function<void(const PublicKey&)> on_find_;
  std::function<void()> on_list_;
  std::vector<std::pair<PublicKey, FindCallback>> held_;
  std::vector<registry::GatewayReport> reports_;
  std::optional<Error> error_;
  ChangeCallback on_change_;
  std::size_t finds_ = 0;
  bool at_once_ = false;
  bool holding_ = false;
};

}  // namespace jitwg::provisioner
