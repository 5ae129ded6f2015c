// A provisioner's way to the sniffer: calls that are lost, answered late or not at all, a stream
// that breaks or falls silent. The messages are the real ones, converted by the shipped code.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "provisioner/call_numbers.h"
#include "provisioner/sniffer_link.h"
#include "tests/simulation/sniffer_process.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

// Dies with its process.
class Link final : public provisioner::SnifferLink {
 public:
  explicit Link(World& world) : world_(world), numbers_(world.random().Next() | 1U) {}

  void Watch(provisioner::SnifferListener& listener, const std::stop_token& stop) override;
  void Install(const std::string& interface, std::vector<provisioner::PeerSpec> peers,
               provisioner::Completion completion, InstallCallback done) override;
  Result<std::vector<provisioner::PeerResult>> Remove(const std::string& interface,
                                                      const std::vector<PublicKey>& keys,
                                                      const std::stop_token& stop) override;
  Result<provisioner::PeerList> List(const std::string& interface,
                                     const std::stop_token& stop) override;
  Result<std::vector<provisioner::InterfaceState>> GetInterfaces(
      const std::stop_token& stop) override;

  // The world: whatever is connected is not any more; with `silently` nobody is told.
  void Break(bool silently);
  // This end is killed: the sniffer notices.
  void Vanish();

 private:
  using Handler = std::function<Status(SnifferProcess&)>;
  struct Call {
    std::optional<Status> answer;
    bool is_broken = false;
  };
  struct Stream {
    std::shared_ptr<EventHub::Watcher> watcher;
    bool is_broken = false;
    bool is_mute = false;
  };

  // Has the sniffer run `handler`, perhaps; an OK says that it did.
  Status RoundTrip(Handler handler, Nanos timeout, const std::stop_token& stop);
  Error Follow(provisioner::SnifferListener& listener, const std::stop_token& stop,
               bool& was_alive);
  void Deliver(provisioner::SnifferListener& listener, const std::vector<StreamItem>& items);
  void CheckStamps(const std::vector<provisioner::PeerSpec>& peers);

  World& world_;
  provisioner::CallNumbers numbers_;
  std::vector<std::weak_ptr<Call>> calls_;
  std::shared_ptr<Stream> stream_;
  // The newest stamp that came with this initiation's number, which begins anew with each sniffer.
  std::map<std::pair<PublicKey, std::uint64_t>, std::uint64_t> stamps_;
};

}  // namespace jitwg::simulation
