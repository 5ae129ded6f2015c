// Thousands of clients at once.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>

#include "tests/bench/ws_load_client.h"

namespace jitwg::bench {
namespace {

using std::chrono::steady_clock;

// 64 datagrams of 1452 bytes take 147 KiB of a buffer of 208 KiB, Linux's default.
constexpr std::size_t kUnderWay = 64;
constexpr std::chrono::milliseconds kLook(100);
constexpr std::chrono::minutes kPatience(2);
constexpr std::chrono::milliseconds kQuiet(500);

using Clients = std::vector<std::unique_ptr<CrowdClient>>;

double Seconds(steady_clock::time_point since) {
  return std::chrono::duration<double>(steady_clock::now() - since).count();
}

// Lets the clients do a task in turn, so many at a time, until all are through or patience ends.
class Turns {
 public:
  explicit Turns(const Clients& clients) : clients_(clients), epoll_(::epoll_create1(0)) {
    for (const auto& client : clients) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = client.get();
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client->descriptor(), &event);
    }
  }

  void Run(CrowdClient::Task task) {
    for (const auto& client : clients_) {
      if (client->may_begin(task)) waiting_.push_back(client.get());
    }
    const auto end = steady_clock::now() + kPatience;
    auto next_look = steady_clock::now() + kLook;
    while ((!waiting_.empty() || !busy_.empty()) && steady_clock::now() < end) {
      while (busy_.size() < kUnderWay && !waiting_.empty()) Start(task);
      ReadReady(kLook);
      CollectIdle(task);
      if (steady_clock::now() < next_look) continue;
      next_look = steady_clock::now() + kLook;
      for (CrowdClient* client : busy_) client->SendAgainIfLate();
    }
    waiting_.clear();
    busy_.clear();
  }

  // Takes what still comes, until nothing does.
  void Drain() {
    while (ReadReady(kQuiet)) {
    }
  }

 private:
  void Start(CrowdClient::Task task) {
    CrowdClient* const client = waiting_.front();
    waiting_.pop_front();
    client->Start(task);
    busy_.push_back(client);
  }

  bool ReadReady(std::chrono::milliseconds patience) {
    std::array<epoll_event, 256> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()),
                                   static_cast<int>(patience.count()));
    for (int i = 0; i < count; ++i) {
      static_cast<CrowdClient*>(ready[static_cast<std::size_t>(i)].data.ptr)->ReadAll(buffer_);
    }
    return count > 0;
  }

  // Who has its answer makes room for another, and comes again while there is more to do.
  void CollectIdle(CrowdClient::Task task) {
    const auto idle = std::partition(busy_.begin(), busy_.end(),
                                     [](const CrowdClient* client) { return client->busy(); });
    std::for_each(idle, busy_.end(), [&](CrowdClient* client) {
      if (!client->through(task)) waiting_.push_back(client);
    });
    busy_.erase(idle, busy_.end());
  }

  const Clients& clients_;
  const ws::Descriptor epoll_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65536);
  std::deque<CrowdClient*> waiting_;
  std::vector<CrowdClient*> busy_;
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

void Sum(const Clients& clients, CrowdOutcome& outcome) {
  std::vector<double> handshakes;
  std::vector<double> pings;
  for (const auto& client : clients) {
    outcome.established += client->through(CrowdClient::Task::kHandshake) ? 1 : 0;
    outcome.finished += client->through(CrowdClient::Task::kPings) ? 1 : 0;
    const CrowdClient::Seen& seen = client->seen();
    outcome.initiations_again += seen.initiations_again;
    outcome.pings_unanswered += seen.pings_unanswered;
    outcome.sent += seen.sent;
    outcome.received += seen.received;
    outcome.not_understood += seen.not_understood;
    handshakes.insert(handshakes.end(), seen.handshake_ms.begin(), seen.handshake_ms.end());
    pings.insert(pings.end(), seen.ping_ms.begin(), seen.ping_ms.end());
  }
  outcome.handshake_p50_ms = Percentile(handshakes, 0.5);
  outcome.handshake_p99_ms = Percentile(handshakes, 0.99);
  outcome.ping_p50_ms = Percentile(pings, 0.5);
  outcome.ping_p99_ms = Percentile(pings, 0.99);
}

}  // namespace

CrowdOutcome Crowd(const LoadOptions& options) {
  CrowdOutcome outcome;
  auto begin = steady_clock::now();
  Clients clients;
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    clients.push_back(std::make_unique<CrowdClient>(options, i));
  }
  outcome.connected = clients.size();
  outcome.connect_seconds = Seconds(begin);
  Turns turns(clients);
  begin = steady_clock::now();
  turns.Run(CrowdClient::Task::kHandshake);
  outcome.handshake_seconds = Seconds(begin);
  begin = steady_clock::now();
  turns.Run(CrowdClient::Task::kPings);
  outcome.datagram_seconds = Seconds(begin);
  turns.Drain();
  for (const auto& client : clients) client->SayGoodbye();
  Sum(clients, outcome);
  return outcome;
}

}  // namespace jitwg::bench
