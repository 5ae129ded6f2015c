#include "lib/registry/http_transport.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include "lib/base/key.h"
#include "lib/base/net.h"

namespace jitwg::registry {
namespace {

// One transfer, from Send to its `done`.
struct Transfer {
  HttpRequest request;
  HttpTransport::Done done;
  std::chrono::steady_clock::time_point deadline;
  HttpAnswer answer;
  bool too_long = false;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    for (curl_slist* line = headers; line != nullptr; line = line->next) {
      sodium_memzero(line->data, std::char_traits<char>::length(line->data));
    }
    curl_slist_free_all(headers);
    WipeString(request.body);
    WipeString(answer.body);
  }

  void Finish(Result<HttpAnswer> result) {
    const HttpTransport::Done call = std::move(done);
    call(std::move(result));
  }
};

std::size_t Receive(const char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer->answer.body.size() + bytes > transfer->request.max_answer) {
    transfer->too_long = true;
    return 0;
  }
  transfer->answer.body.append(data, bytes);
  return bytes;
}

bool IsLoopback(std::string host) {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "localhost") return true;
  const auto address = IpAddress::Parse(host);
  if (!address) return false;
  return (address->is_v4() && address->bytes()[0] == 127) || address->ToString() == "::1";
}

Error Stopped() { return Error{ErrorCode::kUnavailable, "the registry is being closed"}; }

void InitCurl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(once);
}

}  // namespace

class HttpTransport::Impl {
 public:
  explicit Impl(HttpOptions options) : options_(std::move(options)), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, options_.max_connections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, options_.max_connections);
    thread_ = std::thread([this] { Run(); });
  }

  ~Impl() {
    Stop();
    curl_multi_cleanup(multi_);
    WipeString(token_);
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    curl_multi_wakeup(multi_);
    if (thread_.joinable()) thread_.join();
  }

  void SetToken(const std::string& token) {
    const std::lock_guard lock(mutex_);
    WipeString(token_);
    token_ = token;
  }

  void Send(HttpRequest request, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->deadline = std::chrono::steady_clock::now() + request.timeout;
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    {
      std::unique_lock lock(mutex_);
      if (ended_) {
        lock.unlock();
        return transfer->Finish(Stopped());
      }
      queue_.push_back(std::move(transfer));
    }
    curl_multi_wakeup(multi_);
  }

  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void Run() {
    while (TakeQueue()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      if (Collect()) continue;
      curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    AbortAll();
  }

  // False: stop.
  bool TakeQueue() {
    std::deque<std::unique_ptr<Transfer>> fresh;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return false;
      fresh.swap(queue_);
    }
    for (auto& transfer : fresh) Begin(std::move(transfer));
    return true;
  }

  void Begin(std::unique_ptr<Transfer> transfer) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        transfer->deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return transfer->Finish(
          Error{ErrorCode::kDeadlineExceeded, "the time for asking the peer API is over"});
    }
    if (transfers_.size() >= options_.max_in_flight) {
      return transfer->Finish(
          Error{ErrorCode::kResourceExhausted, "too many requests to the peer API are waiting"});
    }
    transfer->easy = curl_easy_init();
    if (transfer->easy == nullptr) {
      return transfer->Finish(Error{ErrorCode::kUnavailable, "out of memory for a request"});
    }
    Configure(*transfer, left);
    CURL* easy = transfer->easy;
    transfers_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(multi_, easy);
  }

  void Configure(Transfer& transfer, std::chrono::milliseconds left) {
    CURL* easy = transfer.easy;
    const std::string url = options_.base_url + transfer.request.target;
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // Without TLS only this host is spoken to, and never a proxy that the environment names.
    if (!options_.base_url.starts_with("https:")) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(left, options_.connect_timeout).count()));
    if (!options_.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer.request.method.c_str());
    if (!transfer.request.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.request.body.data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(transfer.request.body.size()));
      transfer.headers = curl_slist_append(transfer.headers, "Content-Type: application/json");
      transfer.headers = curl_slist_append(transfer.headers, "Expect:");
    }
    transfer.headers = curl_slist_append(transfer.headers, "Accept: application/json");
    AddToken(transfer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    // Rows carry preshared keys: no growing, which would leave copies behind.
    transfer.answer.body.reserve(std::min<std::size_t>(transfer.request.max_answer, 16UL << 10));
  }

  void AddToken(Transfer& transfer) {
    const std::lock_guard lock(mutex_);
    if (token_.empty()) return;
    std::string line = "Authorization: Bearer " + token_;
    transfer.headers = curl_slist_append(transfer.headers, line.c_str());
    WipeString(line);
  }

  // True: something ended, and what its callback asked for may wait.
  bool Collect() {
    bool any = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      any = true;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_, easy);
      auto node = transfers_.extract(easy);
      End(*node.mapped(), code);
    }
    return any;
  }

  static void End(Transfer& transfer, CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
      transfer.answer.status = static_cast<int>(status);
      return transfer.Finish(std::move(transfer.answer));
    }
    const bool late = code == CURLE_OPERATION_TIMEDOUT;
    const std::string what =
        transfer.too_long ? "its answer is too long" : curl_easy_strerror(code);
    transfer.Finish(Error{late ? ErrorCode::kDeadlineExceeded : ErrorCode::kUnavailable,
                          "the peer API gave no answer: " + what});
  }

  void AbortAll() {
    for (auto& [easy, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, easy);
      transfer->Finish(Stopped());
    }
    transfers_.clear();
    // A callback may have asked for more.
    while (true) {
      std::deque<std::unique_ptr<Transfer>> rest;
      {
        const std::lock_guard lock(mutex_);
        rest.swap(queue_);
        ended_ = rest.empty();
      }
      if (rest.empty()) return;
      for (auto& transfer : rest) transfer->Finish(Stopped());
    }
  }

  const HttpOptions options_;
  CURLM* const multi_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;  // the thread's alone
  std::mutex mutex_;                                                // guards all below
  std::deque<std::unique_ptr<Transfer>> queue_;
  std::string token_;
  bool stop_ = false;
  bool ended_ = false;  // the thread takes nothing more
  std::thread thread_;
};

Result<std::unique_ptr<HttpTransport>> HttpTransport::Start(HttpOptions options) {
  if (const Status url = CheckHttpUrl(options.base_url); !url) return url.error();
  while (options.base_url.back() == '/') options.base_url.pop_back();
  if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0) {
    return ErrnoError("CA file " + options.ca_file, errno);
  }
  InitCurl();
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(std::make_unique<Impl>(std::move(options))));
}

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransport::~HttpTransport() = default;

void HttpTransport::SetToken(const std::string& token) { impl_->SetToken(token); }
void HttpTransport::Send(HttpRequest request, Done done) {
  impl_->Send(std::move(request), std::move(done));
}
void HttpTransport::Stop() { impl_->Stop(); }
bool HttpTransport::IsThisThread() const { return impl_->IsThisThread(); }

Status CheckHttpUrl(const std::string& url) {
  InitCurl();
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  const auto part = [&](CURLUPart which) -> std::string {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return "";
    std::string copy(text);
    curl_free(text);
    return copy;
  };
  const auto invalid = [](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, what};
  };
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return invalid("the peer API's address is no URL; write https://HOST:PORT");
  }
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_QUERY).empty() ||
      !part(CURLUPART_FRAGMENT).empty()) {
    return invalid("the peer API's URL has more than a host, a port and a path");
  }
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme == "https") return {};
  if (scheme == "http" && IsLoopback(part(CURLUPART_HOST))) return {};
  return invalid(
      "the peer API's URL must be https://, since tokens and preshared keys travel there; "
      "http:// is for 127.0.0.1, [::1] and localhost alone");
}

}  // namespace jitwg::registry
