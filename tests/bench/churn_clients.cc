// WireGuard clients that come, complete a handshake over UDP, say one thing and are not heard of
// again until their next turn: the load of scripts/soak. At a steady rate, or as fast as answers
// come. Bounded by time and by rate; sends to one address that the caller names.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <iostream>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/key.h"
#include "tests/support/tunnel.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kRetry = milliseconds(5200);  // as WireGuard's REKEY_TIMEOUT and its jitter
constexpr int kTries = 4;
constexpr std::size_t kCookieReply = 64;
constexpr std::size_t kReceiver = 8;  // in a response: the index that it answers
constexpr std::size_t kSender = 4;    // in an initiation

struct Options {
  std::string key;
  std::string target;
  std::uint16_t port = 51820;
  std::vector<std::string> sources;
  std::size_t clients = 1000;
  double rate = 0;
  std::size_t at_once = 64;
  std::uint32_t time = 10;
  bool print_keys = false;
};

struct Totals {
  std::uint64_t called = 0;    // visits begun
  std::uint64_t inside = 0;    // visits that were answered
  std::uint64_t retried = 0;   // visits that needed more than one call
  std::uint64_t put_off = 0;   // answers of a WireGuard under load: call again
  std::uint64_t given_up = 0;  // visits without an answer to any call
};

[[noreturn]] void Fail(const std::string& what) {
  std::cerr << "churn_clients: " << what << ": " << std::strerror(errno) << '\n';
  std::exit(1);
}

sockaddr_in Address(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) Fail(text);
  return address;
}

// A socket of each source address.
class Line {
 public:
  Line(const std::string& source, const sockaddr_in& target)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const sockaddr_in own = Address(source, 0);
    if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0 ||
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) != 0) {
      Fail("a socket at " + source);
    }
  }
  int descriptor() const { return socket_; }
  // What does not fit is lost, as on any wire.
  void Send(const void* bytes, std::size_t size) const {
    static_cast<void>(!::send(socket_, bytes, size, MSG_DONTWAIT));
  }

 private:
  int socket_;
};

class Churn {
 public:
  Churn(const Options& options, const jitwg::PublicKey& gateway) : options_(options) {
    for (std::size_t i = 0; i < options.clients; ++i) clients_.emplace_back(i + 1, gateway);
    const sockaddr_in target = Address(options.target, options.port);
    for (const std::string& source : options.sources) lines_.emplace_back(source, target);
    for (const Line& line : lines_) polled_.push_back({line.descriptor(), POLLIN, 0});
  }

  void Run() {
    const auto begun = Clock::now();
    const auto end = begun + seconds(options_.time);
    auto told = begun;
    for (auto now = begun; now < end; now = Clock::now()) {
      Retry(now);
      Begin(now, std::chrono::duration<double>(now - begun).count());
      Receive();
      if (now - told >= seconds(1)) {
        told = now;
        Tell(std::chrono::duration<double>(now - begun).count());
      }
    }
    Tell(std::chrono::duration<double>(Clock::now() - begun).count());
  }

 private:
  struct Visit {
    std::size_t client;
    int tries;
  };
  struct Due {
    Clock::time_point at;
    std::uint32_t index;
  };

  const Line& LineOf(std::size_t client) const { return lines_[client % lines_.size()]; }

  void Call(Visit visit, Clock::time_point now) {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto whole = std::chrono::duration_cast<seconds>(wall);
    const auto packet = clients_[visit.client].Initiate(jitwg::Tai64n::FromUnix(
        whole.count(),
        static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(wall - whole).count())));
    std::uint32_t index = 0;
    std::memcpy(&index, &packet[kSender], sizeof(index));
    ++visit.tries;
    waiting_[index] = visit;
    due_.push_back({now + kRetry, index});
    LineOf(visit.client).Send(packet.data(), packet.size());
  }

  void Begin(Clock::time_point now, double elapsed) {
    for (std::size_t i = 0; i < options_.at_once; ++i) {
      const bool may = options_.rate > 0
                           ? static_cast<double>(totals_.called) < elapsed * options_.rate
                           : waiting_.size() < options_.at_once;
      if (!may) return;
      Call({next_++ % clients_.size(), 0}, now);
      ++totals_.called;
    }
  }

  void Retry(Clock::time_point now) {
    while (!due_.empty() && due_.front().at <= now) {
      const auto found = waiting_.find(due_.front().index);
      due_.pop_front();
      if (found == waiting_.end()) continue;
      const Visit visit = found->second;
      waiting_.erase(found);
      if (visit.tries == 1) ++totals_.retried;
      if (visit.tries < kTries) {
        Call(visit, now);
      } else {
        ++totals_.given_up;
      }
    }
  }

  void Receive() {
    if (::poll(polled_.data(), polled_.size(), 1) <= 0) return;
    std::array<std::uint8_t, 2048> bytes{};
    for (const pollfd& each : polled_) {
      if ((each.revents & POLLIN) == 0) continue;
      for (;;) {
        const ssize_t size = ::recv(each.fd, bytes.data(), bytes.size(), 0);
        if (size <= 0) break;
        Take({bytes.data(), static_cast<std::size_t>(size)});
      }
    }
  }

  void Take(std::span<const std::uint8_t> packet) {
    if (packet.size() == kCookieReply) ++totals_.put_off;
    if (packet.size() != jitwg::test::kResponseSize) return;
    std::uint32_t index = 0;
    std::memcpy(&index, &packet[kReceiver], sizeof(index));
    const auto found = waiting_.find(index);
    if (found == waiting_.end()) return;
    jitwg::test::Tunnel& client = clients_[found->second.client];
    if (!client.TakeResponse(packet)) return;
    const auto said = client.Seal({});
    LineOf(found->second.client).Send(said.data(), said.size());
    waiting_.erase(found);
    ++totals_.inside;
  }

  void Tell(double elapsed) const {
    std::cout << "{\"seconds\":" << elapsed << ",\"called\":" << totals_.called
              << ",\"inside\":" << totals_.inside << ",\"retried\":" << totals_.retried
              << ",\"put_off\":" << totals_.put_off << ",\"given_up\":" << totals_.given_up
              << ",\"waiting\":" << waiting_.size() << "}" << std::endl;
  }

  const Options& options_;
  std::deque<jitwg::test::Tunnel> clients_;
  std::vector<Line> lines_;
  std::vector<pollfd> polled_;
  std::unordered_map<std::uint32_t, Visit> waiting_;  // by the index that will be answered
  std::deque<Due> due_;
  std::size_t next_ = 0;
  Totals totals_;
};

void Declare(CLI::App& app, Options& options) {
  app.add_option("--gateway-key", options.key, "the gateway's public key")->required();
  app.add_option("--target", options.target, "the gateway's IPv4 address");
  app.add_option("--port", options.port);
  app.add_option("--source", options.sources, "own IPv4 addresses, taken in turn");
  app.add_option("--clients", options.clients)->check(CLI::Range(1, 1000000));
  app.add_option("--rate", options.rate, "visits a second; 0: as fast as answers come")
      ->check(CLI::Range(0.0, 100000.0));
  app.add_option("--at-once", options.at_once, "visits that wait for an answer, without --rate")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", options.time)->check(CLI::Range(1, 86400));
  app.add_flag("--print-keys", options.print_keys, "only print the clients' public keys");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Clients that come and go");
  Declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const auto key = jitwg::ParsePublicKey(options.key);
  if (!key) {
    std::cerr << "churn_clients: " << key.error().message << '\n';
    return 1;
  }
  if (options.print_keys) {
    for (std::size_t i = 0; i < options.clients; ++i) {
      std::cout << jitwg::test::Initiator(i + 1, *key).public_key().ToBase64() << '\n';
    }
    return 0;
  }
  if (options.sources.empty()) return 1;
  Churn(options, *key).Run();
  return 0;
}
