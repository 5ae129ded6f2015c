// The registry that many gateways share: PostgreSQL through asynchronous libpq. The only way from
// the rest of the program to the postgres_* files.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/clock.h"
#include "lib/registry/postgres_connector.h"
#include "lib/registry/postgres_event.h"
#include "lib/registry/postgres_listener.h"
#include "lib/registry/postgres_lookups.h"
#include "lib/registry/postgres_store.h"
#include "lib/registry/registry.h"
#include "lib/registry/sightings.h"

namespace jitwg::registry {

struct PostgresOptions {
  std::size_t max_queued = 1024;               // look-ups without an answer; more are refused
  std::size_t max_in_flight = 256;             // of them with the server at a time
  std::chrono::milliseconds hang_after{2000};  // a connection that owes an answer is given up
  std::chrono::milliseconds heartbeat{5000};   // how often a quiet LISTEN connection is asked
  std::chrono::milliseconds connect_timeout{10'000};  // for all hosts together
  std::chrono::milliseconds call_timeout{5000};       // of List, Put, Remove, Report
  PostgresBackoff backoff;                            // between attempts to connect
};

// Three connections, each made when it is first needed and made anew, with growing pauses, when it
// breaks: look-ups in pipeline mode; LISTEN; the calls that block. The first two belong to one
// thread; two more threads do nothing but connect, for the resolver may block.
//
// While the database is away look-ups fail: kUnavailable at once when the last attempt to connect
// failed, kDeadlineExceeded when the server does not answer. What was under way when a connection
// broke is asked again on the next one, within its deadline. After an outage of the LISTEN
// connection the subscriber is told a Change without a key.
class PostgresRegistry final : public Registry {
 public:
  // `connection` is any libpq connection string or URI. Only reads it: kInvalidArgument. Whether
  // the database is there shows in the calls, so that a gateway starts without it. `clock` gives
  // created_at and updated_at; deadlines are real time. It outlives the registry.
  static Result<std::unique_ptr<PostgresRegistry>> Open(std::string connection, const Clock& clock,
                                                        const PostgresOptions& options = {});
  // Waits for a connection attempt that is inside the resolver of host names.
  ~PostgresRegistry() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  Result<std::vector<Peer>> List(const ListQuery& query) override;
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address) override;
  Status Put(const Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  // Waits until the server is listening, a few seconds at most; when it is away the subscriber is
  // told a Change without a key as soon as it is there.
  void Subscribe(ChangeCallback on_change) override;
  Status Health() override;
  Status Report(const GatewayReport& report) override;

 private:
  PostgresRegistry(const PostgresSettings& settings, const Clock& clock,
                   const PostgresOptions& options);
  void Run();
  void Poll(SteadyTime deadline, bool& lookups_ready, bool& listener_ready);
  // The parts of one turn of the thread.
  bool TakeInbox();
  void ServeLookups(bool readable, SteadyTime now);
  void ServeListener(bool readable, SteadyTime now);
  // A session for the listener, if there is one; whether the server is away.
  bool ConnectListener(SteadyTime now);
  void AdvanceSubscription(bool away);
  void Activate();
  void Deliver(const Change& change, std::uint64_t subscription);
  void Record(const Status& status);

  const Clock& clock_;
  const PostgresOptions options_;
  const EventFlag wake_;
  PostgresStore store_;

  // The thread's alone.
  PostgresLookups lookups_;
  PostgresListener listener_;
  bool healthy_ = true;       // what health_ says
  bool missed_ = false;       // notices may have been lost
  std::uint64_t marked_ = 0;  // the subscription that the mark is for
  std::uint64_t mark_ = 0;    // where among the notices it begins

  std::atomic<std::size_t> unanswered_{0};  // look-ups that the thread has

  std::mutex mutex_;  // guards all below; never held while calling out or inside libpq
  std::condition_variable delivered_;
  std::condition_variable subscribed_;
  std::deque<PostgresLookups::Lookup> inbox_;
  Status health_;
  ChangeCallback on_change_;
  ChangeCallback pending_;          // becomes on_change_ once notices from now on are certain
  std::uint64_t subscription_ = 0;  // counts calls of Subscribe
  bool lookups_wanted_ = false;
  bool listener_wanted_ = false;
  bool tell_missed_ = false;
  bool delivering_ = false;
  bool stop_ = false;

  PostgresConnector lookup_connector_;
  PostgresConnector listen_connector_;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace jitwg::registry
