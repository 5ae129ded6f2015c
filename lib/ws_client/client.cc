#include "lib/ws_client/client.h"

#include <poll.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "lib/ws_client/waiting.h"
#include "lib/ws_io/socket_address.h"

namespace jitwg::ws {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// More waits in the kernel's UDP buffer, and what does not fit there is lost, as on any network.
constexpr std::size_t kMaxPending = 262'144;
// A try that lasted so long hurts nobody: the next pause is short again.
constexpr seconds kGood(10);
constexpr seconds kPingInterval(20);
constexpr seconds kSilence(50);
// Deployed servers expect it so.
constexpr seconds kKeepaliveInterval(1);
constexpr milliseconds kGoodbye(1000);

SteadyTime Now() { return std::chrono::steady_clock::now(); }

MaskKey RandomMask() {
  // One system call for many masks.
  thread_local std::array<std::uint8_t, 4096> pool;
  thread_local std::size_t used = pool.size();
  if (used == pool.size()) {
    randombytes_buf(pool.data(), pool.size());
    used = 0;
  }
  MaskKey mask;
  std::copy_n(pool.begin() + static_cast<std::ptrdiff_t>(used), mask.size(), mask.begin());
  used += mask.size();
  return mask;
}

Error Broken(std::string what) { return {ErrorCode::kUnavailable, std::move(what)}; }

// The local WireGuard's side.
class Local : public DatagramSink {
 public:
  explicit Local(Descriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const { return socket_.get(); }
  ReceiveBatch& incoming() { return incoming_; }

  // Reads what waits; remembers who sent it.
  std::size_t Receive() {
    const std::size_t count = incoming_.Receive(socket_.get());
    if (count > 0) sender_ = ToEndpoint(incoming_.sender(count - 1));
    return count;
  }

  void OnDatagram(std::span<const std::uint8_t> datagram) override {
    if (!sender_) return;
    const SocketAddress to = ToSocketAddress(*sender_);
    outgoing_.Add(datagram);
    outgoing_.Flush(socket_.get(), to.get(), to.length);
  }
  void OnKeepalive() override {}

 private:
  Descriptor socket_;
  ReceiveBatch incoming_{kMaxDatagram + 1};
  SendBatch outgoing_;
  std::optional<Endpoint> sender_;
};

// One connection, from its first byte to its last.
class Connection {
 public:
  Connection(OpenSocket open, Variant variant, Local& local)
      : open_(std::move(open)),
        variant_(variant),
        local_(local),
        tunnel_(Role::kClient, variant, RandomMask),
        scratch_(65536) {}

  // Until it breaks, or `stop` becomes readable: then it succeeds.
  Status Run(int stop) {
    SendNewest();
    Status status = Take(open_.early);
    while (status && !stopped_) status = Step(stop);
    if (status) Goodbye();
    return status;
  }

 private:
  // What waited while nobody carried it is old. WireGuard sends everything else again by itself.
  void SendNewest() {
    std::vector<std::uint8_t> newest;
    for (std::size_t count = local_.Receive(); count > 0; count = local_.Receive()) {
      const auto last = local_.incoming().datagram(count - 1);
      newest.assign(last.begin(), last.end());
    }
    Send(newest);
  }

  void Send(std::span<const std::uint8_t> datagram) {
    if (datagram.empty() || datagram.size() > kMaxDatagram) return;
    tunnel_.AppendDatagram(datagram, out_);
    last_sent_ = Now();
  }

  Status Step(int stop) {
    if (Status status = Flush(); !status) return status;
    const short tcp =
        static_cast<short>(out_.empty() && !read_wants_write_ ? POLLIN : POLLIN | POLLOUT);
    std::array<pollfd, 3> watched = {
        {{stop, POLLIN, 0},
         {out_.size() < kMaxPending ? local_.descriptor() : -1, POLLIN, 0},
         {open_.socket.get(), tcp, 0}}};
    const int ready = ::poll(watched.data(), watched.size(), MillisecondsUntil(NextTurn()));
    if (ready < 0 && errno != EINTR) return ErrnoError("poll", errno);
    stopped_ = watched[0].revents != 0;
    if (watched[1].revents != 0) {
      const std::size_t count = local_.Receive();
      for (std::size_t i = 0; i < count; ++i) Send(local_.incoming().datagram(i));
    }
    if (watched[2].revents != 0) {
      if (Status status = ReadAll(); !status) return status;
    }
    return KeepAlive();
  }

  Status ReadAll() {
    for (;;) {
      const IoResult result = open_.stream->Read(scratch_);
      read_wants_write_ = result.state == IoState::kWantWrite;
      if (result.state == IoState::kWantRead || read_wants_write_) return {};
      if (result.state == IoState::kClosed) return Broken("the server ended the connection");
      if (result.state == IoState::kFailed) return Broken(open_.stream->Problem());
      const auto bytes = std::span(scratch_).first(result.bytes);
      if (Status status = Take(bytes); !status) return status;
    }
  }

  Status Take(std::span<std::uint8_t> bytes) {
    if (bytes.empty()) return {};
    last_heard_ = Now();
    const Fault fault = tunnel_.Receive(bytes, local_);
    if (fault != Fault::kNone) {
      tunnel_.AppendClose(CloseCodeOf(fault), out_);
      static_cast<void>(Flush());
      return Broken("the server breaks the protocol: " + std::string(ToString(fault)));
    }
    tunnel_.AppendPong(out_);
    if (!tunnel_.peer_closed()) return {};
    tunnel_.AppendCloseReply(out_);
    static_cast<void>(Flush());
    return Broken("the server closed the connection" +
                  (tunnel_.peer_code() ? " with code " + std::to_string(*tunnel_.peer_code())
                                       : std::string()));
  }

  Status Flush() {
    while (!out_.empty()) {
      const IoResult result = open_.stream->Write(out_.pending());
      if (result.state == IoState::kWantWrite || result.state == IoState::kWantRead) return {};
      if (result.state != IoState::kDone) return Broken(open_.stream->Problem());
      out_.Consume(result.bytes);
    }
    return {};
  }

  // Deployed servers answer nothing, so there TCP alone finds out that the network is gone.
  SteadyTime NextTurn() const {
    if (variant_ == Variant::kRecords) return last_sent_ + kKeepaliveInterval;
    return std::min(last_ping_ + kPingInterval, last_heard_ + kSilence);
  }

  Status KeepAlive() {
    const SteadyTime now = Now();
    if (variant_ == Variant::kRecords) {
      if (now < last_sent_ + kKeepaliveInterval) return {};
      if (out_.empty()) tunnel_.AppendKeepalive(out_);
      last_sent_ = now;
      return {};
    }
    if (now >= last_heard_ + kSilence) return Broken("the server has fallen silent");
    if (now >= last_ping_ + kPingInterval) {
      tunnel_.AppendPing(out_);
      last_ping_ = now;
    }
    return {};
  }

  void Goodbye() {
    tunnel_.AppendClose(CloseCode::kNormal, out_);
    const SteadyTime deadline = Now() + kGoodbye;
    while (Flush() && !out_.empty() && Now() < deadline) {
      WaitFor(open_.socket.get(), POLLOUT, -1, deadline);
    }
    open_.stream->EndWriting();
  }

  OpenSocket open_;
  const Variant variant_;
  Local& local_;
  Tunnel tunnel_;
  OutputBuffer out_;
  std::vector<std::uint8_t> scratch_;
  SteadyTime last_sent_ = Now();
  SteadyTime last_heard_ = Now();
  SteadyTime last_ping_ = Now();
  bool stopped_ = false;
  bool read_wants_write_ = false;
};

Endpoint LocalEndpoint(int socket) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  ::getsockname(socket, address.get(), &address.length);
  return ToEndpoint(address.storage).value_or(Endpoint{});
}

// One connection. Success: stopped.
Status Once(const ClientOptions& options, const ClientEvents& events, Local& local, int stop) {
  auto open = Dial(options.dial, options.tls ? &*options.tls : nullptr, stop);
  if (!open) {
    if (open.error().code == ErrorCode::kAborted) return {};
    return open.error();
  }
  events.on_connected(open->peer);
  return Connection(std::move(*open), options.dial.variant, local).Run(stop);
}

}  // namespace

Status RunClient(const ClientOptions& options, const ClientEvents& events, int stop) {
  auto socket = BindDatagrams(options.listen);
  if (!socket) return socket.error();
  events.on_listening(LocalEndpoint(socket->get()));
  Local local(std::move(*socket));
  milliseconds pause = options.first_pause;
  for (;;) {
    const SteadyTime begin = Now();
    const Status ended = Once(options, events, local, stop);
    if (ended) return {};
    if (Now() - begin >= kGood) pause = options.first_pause;
    events.on_broken(ended.error(), pause);
    if (WaitFor(-1, 0, stop, Now() + pause) == Wake::kStopped) return {};
    pause = std::min(2 * pause, options.longest_pause);
  }
}

}  // namespace jitwg::ws
