// The seams of the path with a watch at each: link and registry that pass everything on and note
// when. For one caller at a time.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "lib/registry/registry.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::bench {

// In the order in which a caller meets them.
enum class Stage : std::size_t {
  kCaptured,   // the frame is handed to the sniffer
  kProved,     // the event is handed to gRPC
  kHeard,      // the provisioner has it
  kAsked,      // the registry is asked
  kFound,      // it answered
  kSent,       // decided, the stamp is on disk, the call begins
  kArrived,    // the sniffer gives the change to the interface
  kInstalled,  // the peer is in
  kCompleted,  // its packet was given to WireGuard again
  kAnswered,   // the provisioner knows
};
inline constexpr std::size_t kStages = static_cast<std::size_t>(Stage::kAnswered) + 1;

// Any thread may note; read it when the caller is through.
class Stamps {
 public:
  void Note(Stage stage) {
    times_[static_cast<std::size_t>(stage)].store(
        std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_release);
  }
  std::chrono::nanoseconds Between(Stage from, Stage to) const { return At(to) - At(from); }

 private:
  std::chrono::nanoseconds At(Stage stage) const {
    return std::chrono::nanoseconds(
        times_[static_cast<std::size_t>(stage)].load(std::memory_order_acquire));
  }
  std::array<std::atomic<std::int64_t>, kStages> times_{};
};

class StampedRegistry final : public registry::Registry {
 public:
  StampedRegistry(registry::Registry& inner, Stamps& stamps) : inner_(inner), stamps_(stamps) {}
  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override {
    stamps_.Note(Stage::kAsked);
    inner_.Find(key, deadline,
                [this, done = std::move(done)](Result<std::optional<registry::Peer>> found) {
                  stamps_.Note(Stage::kFound);
                  done(std::move(found));
                });
  }
  std::optional<Result<std::optional<registry::Peer>>> TryFind(const PublicKey& key) override {
    stamps_.Note(Stage::kAsked);
    auto found = inner_.TryFind(key);
    stamps_.Note(Stage::kFound);
    return found;
  }
  Result<std::vector<registry::Peer>> List(const registry::ListQuery& query) override {
    return inner_.List(query);
  }
  Result<std::optional<registry::AddressHolder>> FindHolder(const std::string& network,
                                                            const IpAddress& address) override {
    return inner_.FindHolder(network, address);
  }
  Status Put(const registry::Peer& peer, bool replace) override {
    return inner_.Put(peer, replace);
  }
  Status Remove(const PublicKey& key) override { return inner_.Remove(key); }
  void Subscribe(ChangeCallback on_change) override { inner_.Subscribe(std::move(on_change)); }
  Status Report(const registry::GatewayReport& report) override { return inner_.Report(report); }
  Status Health() override { return inner_.Health(); }

 private:
  registry::Registry& inner_;
  Stamps& stamps_;
};

class StampedLink final : public provisioner::SnifferLink {
 public:
  // `answered` is told at the end of each installation.
  StampedLink(provisioner::SnifferLink& inner, Stamps& stamps, std::function<void()> answered)
      : inner_(inner), stamps_(stamps), answered_(std::move(answered)) {}
  void Watch(provisioner::SnifferListener& listener, const std::stop_token& stop) override {
    Listener stamped(listener, stamps_);
    inner_.Watch(stamped, stop);
  }
  void Install(const std::string& interface, std::vector<provisioner::PeerSpec> peers,
               provisioner::Completion completion, InstallCallback done) override {
    stamps_.Note(Stage::kSent);
    inner_.Install(
        interface, std::move(peers), completion,
        [this, done = std::move(done)](Result<std::vector<provisioner::PeerResult>> results) {
          stamps_.Note(Stage::kAnswered);
          done(std::move(results));
          answered_();
        });
  }
  Result<std::vector<provisioner::PeerResult>> Remove(const std::string& interface,
                                                      const std::vector<PublicKey>& keys,
                                                      const std::stop_token& stop) override {
    return inner_.Remove(interface, keys, stop);
  }
  Result<provisioner::PeerList> List(const std::string& interface,
                                     const std::stop_token& stop) override {
    return inner_.List(interface, stop);
  }
  Result<std::vector<provisioner::InterfaceState>> GetInterfaces(
      const std::stop_token& stop) override {
    return inner_.GetInterfaces(stop);
  }

 private:
  class Listener final : public provisioner::SnifferListener {
   public:
    Listener(provisioner::SnifferListener& inner, Stamps& stamps)
        : inner_(inner), stamps_(stamps) {}
    void OnConnected(std::uint64_t instance) override { inner_.OnConnected(instance); }
    void OnEvents(const std::vector<provisioner::HandshakeEvent>& events) override {
      stamps_.Note(Stage::kHeard);
      inner_.OnEvents(events);
    }
    void OnDemand(const provisioner::OutboundDemand& demand) override { inner_.OnDemand(demand); }
    void OnDropped(std::uint64_t count) override { inner_.OnDropped(count); }
    void OnDisconnected(const Error& why) override { inner_.OnDisconnected(why); }

   private:
    provisioner::SnifferListener& inner_;
    Stamps& stamps_;
  };

  provisioner::SnifferLink& inner_;
  Stamps& stamps_;
  const std::function<void()> answered_;
};

}  // namespace jitwg::bench
