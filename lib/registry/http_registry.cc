#include "lib/registry/http_registry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "lib/base/key.h"
#include "lib/registry/api_json.h"
#include "lib/registry/row_json.h"

namespace jitwg::registry {
namespace {

constexpr std::size_t kMaxToken = 4096;
constexpr std::size_t kMaxRow = 64UL << 10;
constexpr std::size_t kMaxRows = 16UL << 20;

// base64url (RFC 4648 section 5), padded: safe inside a path.
std::string UrlKey(const PublicKey& key) {
  std::string text = key.ToBase64();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

HttpRequest RequestFor(std::string method, std::string target, std::chrono::milliseconds timeout) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = "/internal/v1/" + std::move(target);
  request.timeout = timeout;
  request.max_answer = kMaxRow;
  return request;
}

bool IsSuccess(const HttpAnswer& answer) { return answer.status >= 200 && answer.status < 300; }

// What keeps a caller out for as long as nobody mends it is "away" to a gateway, too.
Error AsOutage(Error error) {
  if (error.code != ErrorCode::kDeadlineExceeded && error.code != ErrorCode::kDataLoss) {
    error.code = ErrorCode::kUnavailable;
  }
  return error;
}

// An answer that outlives the wait for it.
struct Waiting {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<HttpAnswer>> answer;
};

}  // namespace

Result<std::unique_ptr<HttpRegistry>> HttpRegistry::Open(const HttpRegistryOptions& options) {
  auto transport = HttpTransport::Start({.base_url = options.base_url, .ca_file = options.ca_file});
  if (!transport) return transport.error();
  std::unique_ptr<HttpRegistry> registry(new HttpRegistry(options, std::move(*transport)));
  if (const Status token = registry->ReadToken(); !token) return token.error();
  return registry;
}

HttpRegistry::HttpRegistry(HttpRegistryOptions options, std::unique_ptr<HttpTransport> transport)
    : options_(std::move(options)), transport_(std::move(transport)) {
  poller_ = std::thread([this] { Poll(); });
}

HttpRegistry::~HttpRegistry() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  transport_->Stop();
  poller_.join();
  WipeString(token_);
}

Status HttpRegistry::ReadToken() {
  if (options_.token_file.empty()) return {};
  const int fd = ::open(options_.token_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoError("token file " + options_.token_file, errno);
  std::string text(kMaxToken + 1, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int read_errno = errno;
  ::close(fd);
  if (size < 0) return ErrnoError("token file " + options_.token_file, read_errno);
  text.resize(static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const bool odd =
      std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; });
  if (text.empty() || text.size() > kMaxToken || odd) {
    WipeString(text);
    return Error{ErrorCode::kInvalidArgument,
                 "token file " + options_.token_file + " has no token: one line, no blanks"};
  }
  {
    const std::lock_guard lock(mutex_);
    if (token_ != text) {
      transport_->SetToken(text);
      token_.swap(text);
    }
  }
  WipeString(text);
  return {};
}

Result<HttpAnswer> HttpRegistry::Call(HttpRequest request, std::optional<std::uint64_t> number) {
  if (transport_->IsThisThread()) {
    return Error{ErrorCode::kFailedPrecondition, "a look-up's callback must not wait for another"};
  }
  const auto waiting = std::make_shared<Waiting>();
  transport_->Send(std::move(request), [waiting](Result<HttpAnswer> answer) {
    const std::lock_guard lock(waiting->mutex);
    waiting->answer = std::move(answer);
    waiting->answered.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  while (!waiting->answer) {
    waiting->answered.wait_for(lock, std::chrono::milliseconds(100));
    if (number && subscription_.active() != *number) {
      return Error{ErrorCode::kAborted, "nobody waits for these notices any more"};
    }
  }
  return std::move(*waiting->answer);
}

void HttpRegistry::Note(const Status& status) {
  const std::lock_guard lock(mutex_);
  health_ = status;
}

Status HttpRegistry::Health() {
  const std::lock_guard lock(mutex_);
  return health_;
}

Result<std::optional<Peer>> HttpRegistry::ToRow(const PublicKey& key, Result<HttpAnswer> answer) {
  if (!answer) return answer.error();
  if (answer->status == 200) {
    auto peer = PeerFromJson(answer->body);
    WipeString(answer->body);
    if (!peer) return AsOutage(peer.error());
    if (peer->public_key != key) {
      return Error{ErrorCode::kUnavailable, "the peer API answered with another key's row"};
    }
    return std::optional<Peer>(std::move(*peer));
  }
  const Error problem = ErrorFromProblem(answer->status, answer->body);
  // Any other server has its own 404: only one that names the key says that there is no such peer.
  if (problem.code == ErrorCode::kNotFound &&
      problem.message.find(key.ToBase64()) != std::string::npos) {
    return std::optional<Peer>();
  }
  return AsOutage(problem);
}

void HttpRegistry::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                        FindCallback done) {
  HttpRequest request = RequestFor("GET", "peers/" + UrlKey(key), deadline);
  transport_->Send(std::move(request),
                   [this, key, done = std::move(done)](Result<HttpAnswer> answer) {
                     auto found = ToRow(key, std::move(answer));
                     const bool row_only = !found && found.error().code == ErrorCode::kDataLoss;
                     Note(found || row_only ? Status() : Status(found.error()));
                     done(std::move(found));
                   });
}

Result<std::vector<Peer>> HttpRegistry::List(const ListQuery& query) {
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument,
                 "a list has a limit of 1 to " + std::to_string(kMaxListLimit)};
  }
  if (!query.network.empty()) {
    if (const Status valid = ValidateNetwork(query.network); !valid) return valid.error();
  }
  std::string target = "peers?limit=" + std::to_string(query.limit);
  if (!query.network.empty()) target += "&network=" + query.network;
  if (query.after) target += "&after=" + UrlKey(*query.after);
  if (query.pinned_only) target += "&pinned=true";
  HttpRequest request = RequestFor("GET", target, options_.call_timeout);
  request.max_answer = kMaxRows;
  auto answer = Call(std::move(request));
  if (!answer) return answer.error();
  if (!IsSuccess(*answer)) return ErrorFromProblem(answer->status, answer->body);
  auto peers = PeersFromJson(answer->body);
  WipeString(answer->body);
  return peers;
}

Result<std::optional<AddressHolder>> HttpRegistry::FindHolder(const std::string& network,
                                                              const IpAddress& address) {
  if (!network.empty()) {
    if (const Status valid = ValidateNetwork(network); !valid) return valid.error();
  }
  std::string target = "holder?address=" + address.ToString();
  if (!network.empty()) target += "&network=" + network;
  const auto answer = Call(RequestFor("GET", target, options_.call_timeout));
  if (!answer) return answer.error();
  if (!IsSuccess(*answer)) return AsOutage(ErrorFromProblem(answer->status, answer->body));
  return HolderFromJson(answer->body);
}

Status HttpRegistry::CallForNothing(HttpRequest request) {
  const auto answer = Call(std::move(request));
  if (!answer) return answer.error();
  if (!IsSuccess(*answer)) return ErrorFromProblem(answer->status, answer->body);
  return {};
}

Status HttpRegistry::Put(const Peer& peer, bool replace) {
  if (Status valid = Validate(peer); !valid) return valid;
  HttpRequest request = RequestFor(
      "PUT", "peers/" + UrlKey(peer.public_key) + (replace ? "?replace=true" : "?replace=false"),
      options_.call_timeout);
  request.body = PeerToJson(peer);
  return CallForNothing(std::move(request));
}

Status HttpRegistry::Remove(const PublicKey& key) {
  return CallForNothing(RequestFor("DELETE", "peers/" + UrlKey(key), options_.call_timeout));
}

Status HttpRegistry::Report(const GatewayReport& report) {
  if (Status valid = Validate(report); !valid) return valid;
  HttpRequest request = RequestFor("POST", "reports", options_.call_timeout);
  request.body = ReportToJson(report);
  return CallForNothing(std::move(request));
}

void HttpRegistry::Subscribe(ChangeCallback on_change) {
  // Read here and not by the thread: a change made right after this call must be told.
  std::optional<std::string> newest;
  if (on_change) {
    const auto answer = Call(RequestFor("GET", "changes?wait=0", options_.call_timeout));
    if (answer && answer->status == 200) {
      if (const auto page = ChangesFromJson(answer->body)) newest = page->cursor;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    cursor_ = std::move(newest);
  }
  subscription_.Set(std::move(on_change));
  // Not between the poller's look and its falling asleep.
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

bool HttpRegistry::AwaitSubscriber() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || subscription_.active() != 0; });
  return !stop_;
}

void HttpRegistry::Rest(std::chrono::milliseconds time, std::uint64_t number) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return stop_ || subscription_.active() != number; });
}

void HttpRegistry::Poll() {
  std::minstd_rand random(std::random_device{}());
  while (AwaitSubscriber()) {
    const std::uint64_t number = subscription_.active();
    std::string cursor;
    {
      const std::lock_guard lock(mutex_);
      cursor = cursor_.value_or("");
    }
    auto backoff = options_.min_backoff;
    while (number != 0 && subscription_.active() == number) {
      if (PollOnce(number, cursor)) {
        backoff = options_.min_backoff;
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        if (stop_) return;
      }
      // Half of it by chance, so that a fleet does not come back in step.
      std::uniform_int_distribution<std::int64_t> jitter(backoff.count() / 2, backoff.count());
      Rest(std::chrono::milliseconds(jitter(random)), number);
      backoff = std::min(backoff * 2, options_.max_backoff);
    }
  }
}

bool HttpRegistry::PollOnce(std::uint64_t number, std::string& cursor) {
  // A token that was replaced; one that cannot be read now leaves the old one.
  static_cast<void>(ReadToken());
  std::string target = "changes?wait=" + std::to_string(options_.poll_wait.count());
  if (!cursor.empty()) target += "&cursor=" + cursor;
  HttpRequest request = RequestFor("GET", target, options_.poll_wait + options_.call_timeout);
  request.max_answer = kMaxRows;
  const auto began = std::chrono::steady_clock::now();
  const auto answer = Call(std::move(request), number);
  if (!answer && answer.error().code == ErrorCode::kAborted) return true;
  if (!answer || answer->status != 200) {
    Note(answer ? AsOutage(ErrorFromProblem(answer->status, answer->body)) : answer.error());
    return false;
  }
  const auto page = ChangesFromJson(answer->body);
  // The cursor goes into a URL.
  const bool odd =
      page && (page->cursor.empty() || page->cursor.size() > 200 ||
               page->cursor.find_first_not_of(
                   "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") !=
                   std::string::npos);
  if (!page || odd) {
    Note(page ? Error{ErrorCode::kUnavailable, "the peer API's cursor makes no sense"}
              : page.error());
    return false;
  }
  Note({});
  if (page->reset) subscription_.Deliver({}, number);
  for (const PublicKey& key : page->keys) {
    if (!subscription_.Deliver({key}, number)) return true;
  }
  cursor = page->cursor;
  // Whatever a server does that does not wait, this does not spin.
  if (page->keys.empty() && std::chrono::steady_clock::now() - began < options_.poll_wait / 2) {
    Rest(options_.min_backoff, number);
  }
  return true;
}

}  // namespace jitwg::registry
