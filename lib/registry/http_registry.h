// The registry as the peer API's internal look-up shows it, for gateways that reach no database:
// rows over HTTP, change notices by long polling.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/registry/http_transport.h"
#include "lib/registry/registry.h"
#include "lib/registry/sightings.h"
#include "lib/registry/subscription.h"

namespace jitwg::registry {

struct HttpRegistryOptions {
  std::string base_url;    // "https://api.example:8443"
  std::string ca_file;     // PEM; empty: the system's
  std::string token_file;  // one line, read again when it changes; empty: no token
  std::chrono::seconds poll_wait{20};
  std::chrono::milliseconds call_timeout{5000};  // of List, Put, Remove, Report
  std::chrono::milliseconds min_backoff{200};    // of the notices; doubled up to max_backoff
  std::chrono::milliseconds max_backoff{10000};
};

// Opening succeeds while the peer API is away; look-ups are kUnavailable until it is back. What is
// no peer API, refuses the token or answers nonsense is kUnavailable, too, and Health says so.
// Where the peer API no longer has the notices that were missed, the subscriber is told a change
// without a key.
class HttpRegistry final : public Registry {
 public:
  // kInvalidArgument: the URL (CheckHttpUrl) or the token; what open(2) says of the token file.
  static Result<std::unique_ptr<HttpRegistry>> Open(const HttpRegistryOptions& options);
  ~HttpRegistry() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  Result<std::vector<Peer>> List(const ListQuery& query) override;
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address) override;
  Status Put(const Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const GatewayReport& report) override;
  Status Health() override;

 private:
  HttpRegistry(HttpRegistryOptions options, std::unique_ptr<HttpTransport> transport);

  Status ReadToken();
  // Blocks; gives up early when `number`, a subscriber's, is not the present one any more.
  Result<HttpAnswer> Call(HttpRequest request, std::optional<std::uint64_t> number = {});
  Status CallForNothing(HttpRequest request);
  Result<std::optional<Peer>> ToRow(const PublicKey& key, Result<HttpAnswer> answer);
  void Note(const Status& status);

  void Poll();
  // One long poll. False: it failed.
  bool PollOnce(std::uint64_t number, std::string& cursor);
  // False: stop.
  bool AwaitSubscriber();
  // Until another subscriber came, at most `time`.
  void Rest(std::chrono::milliseconds time, std::uint64_t number);

  const HttpRegistryOptions options_;
  Subscription subscription_;
  std::mutex mutex_;  // guards all below; never held while calling out
  std::condition_variable changed_;
  std::optional<std::string> cursor_;  // where the present subscriber's notices begin
  Status health_;
  std::string token_;
  bool stop_ = false;
  std::unique_ptr<HttpTransport> transport_;
  std::thread poller_;  // last: starts when all else is there
};

}  // namespace jitwg::registry
