// One thread and the sessions that it serves.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <thread>
#include <unordered_set>

#include "ws-ingress/session.h"

namespace jitwg::ingress {

class Worker {
 public:
  // All outlive the worker.
  Worker(const Settings& settings, Counters& counters, ConnectionLimits& limits);
  // Ends the thread; connections that are left are cut.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread.
  void Adopt(Arrival arrival);
  // Any thread: says goodbye to all sessions.
  void Drain();

  boost::asio::io_context& io() { return io_; }

 private:
  void SweepLater();
  void Sweep();

  boost::asio::io_context io_{1};
  SessionHost host_;
  boost::asio::steady_timer sweep_timer_{io_};
  std::unordered_set<std::shared_ptr<Session>> sessions_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::thread thread_;
};

}  // namespace jitwg::ingress
