// A sniffer with state: interfaces and their peers in memory, events sent by the test, and faults
// on request. Counts what it was asked.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

class FakeSnifferLink final : public SnifferLink {
 public:
  struct InstallCall {
    std::string interface;
    std::vector<PublicKey> keys;
    std::vector<std::uint64_t> initiation_ids;
    std::vector<std::uint64_t> demand_ids;
    std::vector<std::optional<Endpoint>> suggested_endpoints;
    Completion completion = Completion::kSnifferDefault;
  };
  struct RemoveCall {
    std::string interface;
    std::vector<PublicKey> keys;
  };

  FakeSnifferLink();
  // Answers the installs that are still held.
  ~FakeSnifferLink() override;

  void Watch(SnifferListener& listener, const std::stop_token& stop) override;
  void Install(const std::string& interface, std::vector<PeerSpec> peers, Completion completion,
               InstallCallback done) override;
  Result<std::vector<PeerResult>> Remove(const std::string& interface,
                                         const std::vector<PublicKey>& keys,
                                         const std::stop_token& stop) override;
  Result<PeerList> List(const std::string& interface, const std::stop_token& stop) override;
  Result<std::vector<InterfaceState>> GetInterfaces(const std::stop_token& stop) override;

  // The stream: to the listener that watches, on the caller's thread. Wait for it first.
  void WaitForWatcher();
  void Connect(std::uint64_t instance);
  void Emit(const HandshakeEvent& event);
  void Emit(const OutboundDemand& demand);
  void Disconnect(const Error& why);

  // State.
  void SetInterface(InterfaceState state);
  void PutPeer(const std::string& interface, PeerState state);
  void DropPeer(const std::string& interface, const PublicKey& key);
  bool HasPeer(const std::string& interface, const PublicKey& key) const;
  std::optional<PeerState> GetPeer(const std::string& interface, const PublicKey& key) const;
  std::size_t CountPeers(const std::string& interface) const;
  void SetInterrupted(bool interrupted);
  void HideFromList(const PublicKey& key, bool hidden);

  // Faults. An unset error ends them.
  void FailInstalls(std::optional<Error> error);
  void FailRemoves(std::optional<Error> error);
  void FailLists(std::optional<Error> error);
  void SetOutcome(const PublicKey& key, PeerOutcome outcome);
  // The call works, but so many peers in it cannot be removed: kFailed.
  void FailNextRemovals(std::size_t count);
  // Installs wait until they are released.
  void HoldInstalls();
  void ReleaseInstalls();
  void OnList(std::function<void()> hook);

  // What was asked. The waits return when so many calls came.
  void WaitForInstalls(std::size_t count);
  std::vector<InstallCall> install_calls() const;
  std::vector<RemoveCall> remove_calls() const;
  std::size_t list_calls() const;

 private:
  struct Held {
    std::string interface;
    std::vector<PeerSpec> peers;
    InstallCallback done;
  };

  void Answer(const Held& held);
  PeerResult Apply(const std::string& interface, const PeerSpec& spec);
  SnifferListener& Listener();

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  SnifferListener* listener_ = nullptr;
  std::map<std::string, InterfaceState> interfaces_;
  std::map<std::string, std::map<PublicKey, PeerState>> peers_;
  std::map<PublicKey, PeerOutcome> outcomes_;
  std::size_t removals_to_fail_ = 0;
  std::set<PublicKey> hidden_;
  std::optional<Error> install_error_;
  std::optional<Error> remove_error_;
  std::optional<Error> list_error_;
  std::function<void()> on_list_;
  bool interrupted_ = false;
  bool holding_ = false;
  std::vector<Held> held_;
  std::vector<InstallCall> install_calls_;
  std::vector<RemoveCall> remove_calls_;
  std::size_t list_calls_ = 0;
};

}  // namespace jitwg::provisioner
