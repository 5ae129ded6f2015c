#include "ws-ingress/worker.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace jitwg::ingress {
namespace {

// How exact the time-outs are, and how soon a session that is over is forgotten.
constexpr std::chrono::milliseconds kSweepInterval(100);

}  // namespace

Worker::Worker(const Settings& settings, Counters& counters, ConnectionLimits& limits)
    : host_{io_, settings, counters, limits} {
  SweepLater();
  thread_ = std::thread([this] { io_.run(); });
}

Worker::~Worker() {
  io_.stop();
  thread_.join();
}

void Worker::Adopt(Arrival arrival) {
  // A handler must be copyable, an arrival is not.
  auto shared = std::make_shared<Arrival>(std::move(arrival));
  boost::asio::post(io_, [this, shared] {
    const auto session = std::make_shared<Session>(host_, std::move(*shared));
    sessions_.insert(session);
    session->Start();
  });
}

void Worker::Drain() {
  boost::asio::post(io_, [this] {
    for (const auto& session : sessions_) session->Drain();
  });
}

void Worker::SweepLater() {
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](auto error) {
    if (!error) Sweep();
  });
}

void Worker::Sweep() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    (*it)->Sweep(now);
    it = (*it)->over() ? sessions_.erase(it) : std::next(it);
  }
  SweepLater();
}

}  // namespace jitwg::ingress
