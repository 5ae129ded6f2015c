#include "lib/ws_client/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "lib/ws_client/waiting.h"
#include "lib/ws_io/datagram_socket.h"
#include "lib/ws_io/socket_address.h"

namespace jitwg::ws {
namespace {

using Endpoints = Result<std::vector<Endpoint>>;

// Lives until both, who asks and the thread, are done with it.
struct Question {
  std::string host;
  std::uint16_t port = 0;
  Descriptor answered;
  Endpoints answer = Error{};
};

Endpoints Ask(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (problem != 0) {
    return Error{ErrorCode::kUnavailable,
                 "cannot find the host " + host + ": " + std::string(::gai_strerror(problem))};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ai_addr, one->ai_addrlen);
    auto endpoint = ToEndpoint(storage);
    if (!endpoint) continue;
    endpoint->port = port;
    endpoints.push_back(*endpoint);
  }
  if (endpoints.empty()) {
    return Error{ErrorCode::kUnavailable, "the host " + host + " has no IP address"};
  }
  return endpoints;
}

void Answer(const std::shared_ptr<Question>& question) {
  question->answer = Ask(question->host, question->port);
  const std::uint64_t one = 1;
  // The counter of an eventfd takes it always.
  static_cast<void>(!::write(question->answered.get(), &one, sizeof(one)));
}

}  // namespace

Endpoints Resolve(const std::string& host, std::uint16_t port, int stop, SteadyTime deadline) {
  if (const auto address = IpAddress::Parse(host)) {
    return std::vector<Endpoint>{Endpoint{*address, port}};
  }
  const auto question = std::make_shared<Question>();
  question->host = host;
  question->port = port;
  question->answered = Descriptor(::eventfd(0, EFD_CLOEXEC));
  if (!question->answered.is_open()) return ErrnoError("eventfd", errno);
  std::thread(Answer, question).detach();
  switch (WaitFor(question->answered.get(), POLLIN, stop, deadline)) {
    case Wake::kReady: {
      // Reading it orders the thread's writing before ours.
      std::uint64_t count = 0;
      static_cast<void>(!::read(question->answered.get(), &count, sizeof(count)));
      return question->answer;
    }
    case Wake::kStopped:
      return Error{ErrorCode::kAborted, "stopped"};
    default:
      return Error{ErrorCode::kDeadlineExceeded,
                   "nobody says in time where the host " + host + " is"};
  }
}

}  // namespace jitwg::ws
