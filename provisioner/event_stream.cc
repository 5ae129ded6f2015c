#include "provisioner/event_stream.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "lib/rpc/status.h"
#include "provisioner/link_convert.h"

namespace jitwg::provisioner {
namespace {

// What one message of a busy sniffer may carry: a batch of installations.
constexpr std::uint32_t kMaxEvents = kMaxInstallBatch;

}  // namespace

Error EventStream::Run(v1::HandshakeEvents::Stub& stub, const std::stop_token& stop) {
  last_message_ = std::chrono::steady_clock::now();
  request_.set_max_events(kMaxEvents);
  stub.async()->Watch(&context_, &request_, this);
  StartRead(&message_);
  StartCall();
  const bool was_silent = WaitForEnd(stop);
  context_.TryCancel();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }
  if (stop.stop_requested()) return {ErrorCode::kAborted, "stopped"};
  if (was_silent) {
    return {ErrorCode::kDeadlineExceeded,
            "the sniffer sent nothing for " + std::to_string(max_silence_.count()) + " ms"};
  }
  const Status end = rpc::FromGrpc(status_, "the sniffer's event stream");
  if (!end) return end.error();
  return {ErrorCode::kUnavailable, "the sniffer ended the event stream"};
}

bool EventStream::WaitForEnd(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!done_ && !stop.stop_requested()) {
    const auto last = last_message_;
    changed_.wait_until(lock, stop, last + max_silence_,
                        [&] { return done_ || last_message_ != last; });
    // Whoever is slow to take a message is not told that the sniffer is silent.
    if (delivering_) last_message_ = std::chrono::steady_clock::now();
    if (!done_ && last_message_ == last && !stop.stop_requested()) return true;
  }
  return false;
}

void EventStream::OnReadDone(bool ok) {
  if (!ok) return;  // OnDone follows
  {
    const std::lock_guard lock(mutex_);
    last_message_ = std::chrono::steady_clock::now();
    delivering_ = true;
  }
  Deliver(message_);
  {
    const std::lock_guard lock(mutex_);
    last_message_ = std::chrono::steady_clock::now();
    delivering_ = false;
  }
  StartRead(&message_);
}

void EventStream::Deliver(const v1::WatchResponse& message) {
  if (message.dropped_before() != 0) listener_.OnDropped(message.dropped_before());
  if (message.has_heartbeat()) {
    if (!connected_) listener_.OnConnected(message.heartbeat().sniffer_instance());
    connected_ = true;
  } else if (message.has_event()) {
    DeliverEvents(message);
  } else if (message.has_demand()) {
    const auto demand = ParseDemand(message.demand());
    if (demand) {
      listener_.OnDemand(*demand);
    } else {
      listener_.OnDropped(1);  // the next packet asks again
    }
  }
}

void EventStream::DeliverEvents(const v1::WatchResponse& message) {
  std::vector<HandshakeEvent> events;
  std::uint64_t dropped = 0;
  const auto add = [&events, &dropped](const v1::HandshakeEvent& event) {
    auto parsed = ParseEvent(event);
    if (parsed) {
      events.push_back(std::move(*parsed));
    } else {
      ++dropped;  // a sniffer of another version; its client tries again
    }
  };
  add(message.event());
  for (const v1::HandshakeEvent& event : message.more_events()) add(event);
  if (dropped != 0) listener_.OnDropped(dropped);
  if (!events.empty()) listener_.OnEvents(events);
}

void EventStream::OnDone(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  done_ = true;
  changed_.notify_all();  // under the lock: Run may end this object's life right after
}

}  // namespace jitwg::provisioner
