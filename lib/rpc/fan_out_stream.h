// A server stream that writes what a FanOut has for one watcher. Uses gRPC's callback API: no
// thread for each watcher, no polling.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "lib/base/fan_out.h"
#include "lib/rpc/status.h"

namespace jitwg::rpc {

// `Response` must have set_dropped_before(uint64).
template <class Response>
class FanOutStream final : public grpc::ServerWriteReactor<Response> {
 public:
  // Puts what waits behind a message into it. False: it does not go in. Must not block.
  using Merge = std::function<bool(Response& message, const Response& next)>;

  // What a service's method returns. `first` is written at once. The stream ends when the caller
  // cancels or the server shuts down; `hub` must outlive the server. `merge` may be empty.
  static grpc::ServerWriteReactor<Response>* Start(FanOut<Response>& hub,
                                                   typename FanOut<Response>::Wanted wanted,
                                                   Response first, Merge merge = nullptr) {
    std::shared_ptr<FanOutStream> self(new FanOutStream(hub, std::move(merge)));
    self->self_ = self;
    auto watcher = hub.Add(std::move(wanted), [weak = std::weak_ptr<FanOutStream>(self)] {
      if (const auto stream = weak.lock()) stream->Pump();
    });
    if (!watcher) {
      self->finished_ = true;
      self->Finish(ToGrpc(watcher.error()));
      return self.get();
    }
    self->Begin(std::move(*watcher), std::move(first));
    return self.get();
  }

 private:
  FanOutStream(FanOut<Response>& hub, Merge merge) : hub_(hub), merge_(std::move(merge)) {}

  void Begin(std::shared_ptr<typename FanOut<Response>::Watcher> watcher, Response first) {
    {
      const std::lock_guard lock(mutex_);
      watcher_ = std::move(watcher);
      response_ = std::move(first);
      writing_ = true;
    }
    this->StartWrite(&response_);
  }

  // Starts the next write unless one is under way. A publisher may come before Begin(): then there
  // is no watcher yet, and the end of the first write pumps.
  void Pump() {
    {
      const std::lock_guard lock(mutex_);
      if (writing_ || finished_ || watcher_ == nullptr) return;
      auto delivery = watcher_->Next();
      if (!delivery) return;
      response_ = *delivery->item;
      response_.set_dropped_before(delivery->dropped_before);
      if (merge_) {
        const auto take = [this](const Response& next) { return merge_(response_, next); };
        while (watcher_->TakeIf(take)) continue;
      }
      writing_ = true;
    }
    this->StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    bool finish = false;
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      finish = (!ok || cancelled_) && !std::exchange(finished_, finished_ || !ok || cancelled_);
    }
    if (finish) {
      this->Finish(grpc::Status::CANCELLED);
    } else {
      Pump();
    }
  }

  void OnCancel() override {
    bool finish = false;
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      finish = !writing_ && !std::exchange(finished_, true);
    }
    if (finish) this->Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    if (watcher_ != nullptr) hub_.Remove(watcher_);
    // A publisher may hold the last reference for a moment longer.
    const auto last = std::move(self_);
  }

  FanOut<Response>& hub_;
  const Merge merge_;
  std::shared_ptr<FanOutStream> self_;
  std::mutex mutex_;
  std::shared_ptr<typename FanOut<Response>::Watcher> watcher_;
  Response response_;
  bool writing_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace jitwg::rpc
