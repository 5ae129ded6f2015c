#include "lib/ws_client/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "lib/ws/handshake.h"
#include "lib/ws_client/resolve.h"
#include "lib/ws_client/waiting.h"
#include "lib/ws_io/socket_address.h"

namespace jitwg::ws {
namespace {

constexpr std::size_t kMaxResponseHead = 8192;
// A connection that the network has swallowed is noticed after so long, when something was sent.
constexpr unsigned kUnacknowledgedMs = 15'000;

Error Stopped() { return {ErrorCode::kAborted, "stopped"}; }

Error OutOfTime(const std::string& what) {
  return {ErrorCode::kDeadlineExceeded, what + " takes too long"};
}

// Waits for what the stream wants. An error when it cannot go on.
Status Await(const OpenSocket& open, const IoResult& result, int stop, SteadyTime deadline,
             const std::string& what) {
  if (result.state == IoState::kClosed) {
    return Error{ErrorCode::kUnavailable, what + ": the server hangs up"};
  }
  if (result.state == IoState::kFailed) {
    return Error{ErrorCode::kUnavailable, what + ": " + open.stream->Problem()};
  }
  const short events = result.state == IoState::kWantWrite ? POLLOUT : POLLIN;
  switch (WaitFor(open.socket.get(), events, stop, deadline)) {
    case Wake::kReady:
      return {};
    case Wake::kStopped:
      return Stopped();
    default:
      return OutOfTime(what);
  }
}

Result<Descriptor> Connect(const Endpoint& server, const DialOptions& options, int stop,
                           SteadyTime deadline) {
  const int family = server.address.is_v4() ? AF_INET : AF_INET6;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return ErrnoError("cannot open a TCP socket", errno);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs,
               sizeof(kUnacknowledgedMs));
  if (options.mark != 0 &&
      ::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &options.mark, sizeof(options.mark)) != 0) {
    return ErrnoError("cannot mark the connection's packets", errno);
  }
  const std::string what = "cannot connect to " + server.ToString();
  const SocketAddress address = ToSocketAddress(server);
  if (::connect(socket.get(), address.get(), address.length) == 0) return socket;
  if (errno != EINPROGRESS) return ErrnoError(what, errno);
  const Wake wake = WaitFor(socket.get(), POLLOUT, stop, deadline);
  if (wake == Wake::kStopped) return Stopped();
  if (wake == Wake::kTimeout) return OutOfTime("connecting to " + server.ToString());
  int problem = 0;
  socklen_t size = sizeof(problem);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) return ErrnoError(what, problem);
  return socket;
}

Status WriteAll(OpenSocket& open, const std::string& text, int stop, SteadyTime deadline) {
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(text.data()),
                                     text.size());
  while (!rest.empty()) {
    const IoResult result = open.stream->Write(rest);
    if (result.state == IoState::kDone) {
      rest = rest.subspan(result.bytes);
    } else if (Status status = Await(open, result, stop, deadline, "asking for WebSocket");
               !status) {
      return status;
    }
  }
  return {};
}

// The answer's head; what is behind it goes into `open.early`.
Result<std::string> ReadHead(OpenSocket& open, int stop, SteadyTime deadline) {
  std::string text;
  std::array<std::uint8_t, 2048> buffer;
  for (;;) {
    const IoResult result = open.stream->Read(buffer);
    if (result.state != IoState::kDone) {
      Status status = Await(open, result, stop, deadline, "the upgrade to WebSocket");
      if (!status) return status.error();
      continue;
    }
    text.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
    if (const auto end = FindHeadEnd(text)) {
      open.early.assign(text.begin() + static_cast<std::ptrdiff_t>(*end), text.end());
      text.resize(*end);
      return text;
    }
    if (text.size() > kMaxResponseHead) {
      return Error{ErrorCode::kUnavailable, "the server's answer is no HTTP head"};
    }
  }
}

std::string NewKey() {
  std::array<std::uint8_t, 16> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

Status Upgrade(OpenSocket& open, const DialOptions& options, int stop, SteadyTime deadline) {
  for (;;) {
    const IoResult result = open.stream->Handshake();
    if (result.state == IoState::kDone) break;
    if (Status status = Await(open, result, stop, deadline, "TLS"); !status) return status;
  }
  const std::string key = NewKey();
  const Url& url = options.url;
  Status sent = WriteAll(open, UpgradeRequest(url.HostHeader(), url.path, key, options.variant),
                         stop, deadline);
  if (!sent) return sent;
  const auto head = ReadHead(open, stop, deadline);
  if (!head) return head.error();
  return CheckUpgradeResponse(*head, key, options.variant);
}

}  // namespace

Result<OpenSocket> Dial(const DialOptions& options, const TlsContext* tls, int stop) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + options.timeout;
  const auto servers = Resolve(options.url.host, options.url.port, stop, deadline);
  if (!servers) return servers.error();
  Error last;
  for (const Endpoint& server : *servers) {
    // No address may use up the time of those behind it.
    const SteadyTime turn =
        std::min(deadline,
                 std::chrono::steady_clock::now() +
                     options.timeout / static_cast<int>(std::min<std::size_t>(servers->size(), 3)));
    auto socket = Connect(server, options, stop, turn);
    if (!socket) {
      if (socket.error().code == ErrorCode::kAborted) return socket.error();
      last = socket.error();
      continue;
    }
    OpenSocket open{std::move(*socket), nullptr, {}, server.ToString()};
    open.stream = options.url.tls ? MakeTlsClientStream(*tls, open.socket.get(), options.url.host)
                                  : MakePlainStream(open.socket.get());
    if (const Status upgraded = Upgrade(open, options, stop, deadline); !upgraded) {
      return upgraded.error();
    }
    return open;
  }
  return last;
}

}  // namespace jitwg::ws
