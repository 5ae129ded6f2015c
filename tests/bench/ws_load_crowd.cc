// Thousands of clients at once.
#include <sys/epoll.h>

#include <chrono>

#include "lib/base/clock.h"
#include "tests/bench/ws_load_parts.h"

namespace jitwg::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kUnderWay = 4;
constexpr std::chrono::seconds kSendAgain(2);
constexpr std::chrono::minutes kPatience(3);

class Client : public ws::DatagramSink {
 public:
  Client(const LoadOptions& options, std::uint32_t source)
      : options_(options), connection_(options, source) {
    connection_.Upgrade();
  }

  int descriptor() const { return connection_.descriptor(); }
  bool finished() const { return answered_ == options_.datagrams_each && established_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t sent_again() const { return sent_again_; }

  void Start() { Send(148); }

  void ReadAll(std::vector<std::uint8_t>& buffer) {
    for (;;) {
      const ws::IoResult result = connection_.stream().Read(buffer);
      if (result.state != ws::IoState::kDone) return;
      if (tunnel_.Receive(std::span(buffer).first(result.bytes), *this) != ws::Fault::kNone) {
        Die("framing");
      }
    }
  }

  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    last_ = steady_clock::now();
    if (datagram.size() == 92) {
      established_ = true;
    } else {
      ++answered_;
    }
    while (sent_ < options_.datagrams_each && sent_ < answered_ + kUnderWay) {
      ++sent_;
      Send(options_.datagram);
    }
  }
  void OnKeepalive() override {}

  void SendAgain(SteadyTime now) {
    if (finished() || now - last_ < kSendAgain) return;
    const std::size_t missing = established_ ? sent_ - answered_ : 1;
    for (std::size_t i = 0; i < missing; ++i) Send(established_ ? options_.datagram : 148);
    sent_again_ += missing;
    last_ = now;
  }

 private:
  void Send(std::size_t size) {
    const std::vector<std::uint8_t> datagram(size, 0x5a);
    ws::OutputBuffer out;
    tunnel_.AppendDatagram(datagram, out);
    connection_.Write(out.pending());
  }

  const LoadOptions& options_;
  Connection connection_;
  ws::Tunnel tunnel_{ws::Role::kClient, ws::Variant::kDatagrams, SomeMask};
  bool established_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t sent_again_ = 0;
  SteadyTime last_ = steady_clock::now();
};

using Clients = std::vector<std::unique_ptr<Client>>;

std::size_t Finished(const Clients& clients) {
  std::size_t count = 0;
  for (const auto& client : clients) count += client->finished() ? 1 : 0;
  return count;
}

void Exchange(const Clients& clients) {
  const ws::Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (const auto& client : clients) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = client.get();
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, client->descriptor(), &event);
  }
  for (const auto& client : clients) client->Start();
  std::vector<std::uint8_t> buffer(65536);
  std::vector<epoll_event> ready(512);
  const auto end = steady_clock::now() + kPatience;
  auto look = steady_clock::now();
  while (steady_clock::now() < end) {
    const int count = ::epoll_wait(epoll.get(), ready.data(), 512, 100);
    for (int i = 0; i < count; ++i) {
      static_cast<Client*>(ready[static_cast<std::size_t>(i)].data.ptr)->ReadAll(buffer);
    }
    const auto now = steady_clock::now();
    if (now - look < std::chrono::milliseconds(200)) continue;
    look = now;
    if (Finished(clients) == clients.size()) return;
    for (const auto& client : clients) client->SendAgain(now);
  }
}

}  // namespace

CrowdOutcome Crowd(const LoadOptions& options) {
  Gateway gateway(options.gateway_port, Gateway::Task::kEcho);
  CrowdOutcome outcome;
  const auto begin = steady_clock::now();
  Clients clients;
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    // 127.1.0.1 and so on.
    clients.push_back(std::make_unique<Client>(options, 0x010000U + i + 1));
  }
  const auto connected = steady_clock::now();
  Exchange(clients);
  outcome.connect_seconds = std::chrono::duration<double>(connected - begin).count();
  outcome.datagram_seconds = std::chrono::duration<double>(steady_clock::now() - connected).count();
  outcome.connected = clients.size();
  outcome.finished = Finished(clients);
  for (const auto& client : clients) {
    outcome.answered += client->answered();
    outcome.sent_again += client->sent_again();
  }
  gateway.Stop();
  outcome.gateway_sources = gateway.sources();
  return outcome;
}

}  // namespace jitwg::bench
