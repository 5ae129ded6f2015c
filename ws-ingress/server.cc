#include "ws-ingress/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <future>
#include <utility>

#include "lib/ws_io/socket_address.h"
#include "ws-ingress/source.h"

namespace jitwg::ingress {
namespace {

using boost::asio::posix::stream_descriptor;

// Connections that arrive while a thread is busy with handshakes.
constexpr int kBacklog = 4096;
constexpr int kAcceptsAtOnce = 64;
constexpr std::chrono::milliseconds kPause(100);

Result<ws::Descriptor> OpenListener(const Endpoint& endpoint) {
  const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
  ws::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return ErrnoError("cannot open a TCP socket", errno);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  const ws::SocketAddress address = ws::ToSocketAddress(endpoint);
  if (::bind(socket.get(), address.get(), address.length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return ErrnoError("cannot listen on " + endpoint.ToString(), errno);
  }
  return socket;
}

Endpoint LocalEndpoint(int socket) {
  ws::SocketAddress address;
  address.length = sizeof(address.storage);
  ::getsockname(socket, address.get(), &address.length);
  return ws::ToEndpoint(address.storage).value_or(Endpoint{});
}

// An address of the prefix that cannot be used would otherwise be found out by the first client.
Status TryTarget(const Settings& settings) {
  const auto& prefix = settings.source_prefix;
  const auto source = prefix ? std::optional<IpAddress>(AddressAt(0, *prefix)) : std::nullopt;
  const auto socket = ws::ConnectDatagrams(settings.target, source);
  if (socket) return {};
  std::string message = socket.error().message;
  if (prefix) {
    message += "; --source-prefix must be addresses of this host that the target answers to (" +
               prefix->ToString() +
               " is in use; 127.64.0.0/10 serves targets on this host only), or 'none' to make all "
               "clients one source for the gateway";
  }
  return Error{socket.error().code, message};
}

}  // namespace

Server::Server(const Settings& settings, Counters& counters, const Certificates* certificates)
    : settings_(settings),
      counters_(counters),
      certificates_(certificates),
      limits_(settings.max_connections, settings.max_connections_per_source) {
  for (std::size_t i = 0; i < settings.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(settings, counters, limits_));
  }
}

Server::~Server() { StopAccepting(); }

Result<std::unique_ptr<Server>> Server::Start(const Settings& settings, Counters& counters,
                                              const Certificates* certificates) {
  if (const Status usable = TryTarget(settings); !usable) return usable.error();
  std::unique_ptr<Server> server(new Server(settings, counters, certificates));
  for (const Endpoint& endpoint : settings.listen) {
    if (const Status listening = server->Listen(endpoint); !listening) return listening.error();
  }
  for (const auto& acceptor : server->acceptors_) {
    boost::asio::post(server->workers_.front()->io(),
                      [self = server.get(), one = acceptor.get()] { self->Await(*one); });
  }
  return server;
}

Status Server::Listen(const Endpoint& endpoint) {
  auto socket = OpenListener(endpoint);
  if (!socket) return socket.error();
  listening_.push_back(LocalEndpoint(socket->get()));
  acceptors_.push_back(std::make_unique<Acceptor>(workers_.front()->io()));
  acceptors_.back()->socket.assign(socket->Release());
  return {};
}

void Server::Await(Acceptor& acceptor) {
  acceptor.socket.async_wait(stream_descriptor::wait_read, [this, &acceptor](auto error) {
    if (!error) Accept(acceptor);
  });
}

void Server::Accept(Acceptor& acceptor) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    ws::SocketAddress address;
    address.length = sizeof(address.storage);
    ws::Descriptor socket(::accept4(acceptor.socket.native_handle(), address.get(), &address.length,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) break;
      counters_.Add(Count::kAcceptFailed);
      // No descriptor or memory is left: asking again at once would only burn time.
      acceptor.pause.expires_after(kPause);
      acceptor.pause.async_wait([this, &acceptor](auto error) {
        if (!error) Await(acceptor);
      });
      return;
    }
    const auto client = ws::ToEndpoint(address.storage);
    if (client) Take(std::move(socket), *client);
  }
  Await(acceptor);
}

// Who is over a limit is cut off before TLS has cost anything.
void Server::Take(ws::Descriptor socket, const Endpoint& client) {
  auto slot = limits_.TakeAny();
  if (!slot) return counters_.Add(Count::kRefusedTotalLimit);
  std::optional<ConnectionLimits::Slot> source_slot;
  if (!IsWithin(client.address, settings_.trusted_proxies)) {
    auto taken = limits_.TakeFrom(SourceNetwork(client.address));
    if (!taken) return counters_.Add(Count::kRefusedSourceLimit);
    source_slot.emplace(std::move(*taken));
  }
  counters_.Add(Count::kAccepted);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::optional<ws::TlsContext> tls;
  if (certificates_ != nullptr) tls = certificates_->Current();
  workers_[next_worker_]->Adopt({std::move(socket), client.address, std::move(tls),
                                 std::move(*slot), std::move(source_slot)});
  next_worker_ = (next_worker_ + 1) % workers_.size();
}

void Server::StopAccepting() {
  // Waited for: afterwards nothing is on its way to a worker that Drain would miss.
  std::promise<void> done;
  boost::asio::post(workers_.front()->io(), [this, &done] {
    boost::system::error_code ignored;
    for (const auto& acceptor : acceptors_) {
      acceptor->pause.cancel();
      acceptor->socket.close(ignored);
    }
    done.set_value();
  });
  done.get_future().wait();
}

void Server::Drain() {
  for (const auto& worker : workers_) worker->Drain();
}

}  // namespace jitwg::ingress
