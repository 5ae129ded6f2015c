// The listening sockets and the workers: accepts clients inside the limits, hands each to a thread,
// drains them at the end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "lib/base/result.h"
#include "ws-ingress/certificates.h"
#include "ws-ingress/connection_limits.h"
#include "ws-ingress/counters.h"
#include "ws-ingress/settings.h"
#include "ws-ingress/worker.h"

namespace jitwg::ingress {

class Server {
 public:
  // Opens the listening sockets and starts. `certificates` is null for plain; all arguments outlive
  // the server. Errors: an address cannot be listened on; the target cannot be sent to from the
  // source prefix.
  static Result<std::unique_ptr<Server>> Start(const Settings& settings, Counters& counters,
                                               const Certificates* certificates);
  ~Server();

  // Where it listens, with the ports that were chosen where 0 was asked for.
  const std::vector<Endpoint>& listening() const { return listening_; }
  std::size_t open_connections() const { return limits_.open(); }

  // Takes no more connections.
  void StopAccepting();
  // Says goodbye to all that are open.
  void Drain();

 private:
  struct Acceptor {
    explicit Acceptor(boost::asio::io_context& io) : socket(io), pause(io) {}
    boost::asio::posix::stream_descriptor socket;
    boost::asio::steady_timer pause;
  };

  Server(const Settings& settings, Counters& counters, const Certificates* certificates);
  Status Listen(const Endpoint& endpoint);
  void Await(Acceptor& acceptor);
  void Accept(Acceptor& acceptor);
  void Take(ws::Descriptor socket, const Endpoint& client);

  const Settings& settings_;
  Counters& counters_;
  const Certificates* const certificates_;
  ConnectionLimits limits_;
  std::vector<Endpoint> listening_;
  // Acceptors live on the first worker's thread, and go before it.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::size_t next_worker_ = 0;
};

}  // namespace jitwg::ingress
