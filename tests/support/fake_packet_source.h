// A packet source that a test feeds by hand. Keeps its ports like a real one, so a test can see
// what would be captured.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sniffer/capture/packet_source.h"

namespace jitwg::test {

// Thread-safe.
class FakePacketSource final : public sniffer::PacketSource {
 public:
  explicit FakePacketSource(std::string name = "fake0") : name_(std::move(name)) {}

  // Hands a frame to Run; nothing filters it, as with packets that were already in a real source's
  // ring.
  void Inject(std::vector<std::uint8_t> frame,
              sniffer::LinkType link_type = sniffer::LinkType::kEthernet, WallTime timestamp = {}) {
    const std::lock_guard lock(mutex_);
    frames_.push_back({std::move(frame), link_type, timestamp});
    changed_.notify_all();
  }
  // Blocks until every injected frame has been handled.
  void WaitUntilDrained() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return frames_.empty() && !busy_; });
  }
  // Makes Run end with `error`, SetPorts fail with `error` until cleared.
  void FailRun(Error error) {
    const std::lock_guard lock(mutex_);
    run_error_ = std::move(error);
    changed_.notify_all();
  }
  void FailSetPorts(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    ports_error_ = std::move(error);
  }
  void AddKernelDrops(std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    stats_.dropped_by_kernel += count;
  }
  std::vector<std::uint16_t> ports() const {
    const std::lock_guard lock(mutex_);
    return ports_;
  }

  std::string_view name() const override { return name_; }

  Status Run(const Handler& handler, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    while (
        changed_.wait(lock, stop, [this] { return !frames_.empty() || run_error_.has_value(); })) {
      if (run_error_) return *run_error_;
      const Frame frame = std::move(frames_.front());
      frames_.pop_front();
      ++stats_.received;
      busy_ = true;
      lock.unlock();
      handler({.link_type = frame.link_type,
               .bytes = frame.bytes,
               .wire_length = frame.bytes.size(),
               .timestamp = frame.timestamp,
               .source_name = name_,
               .ifindex = 0,
               .lease = nullptr});
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
    return {};
  }

  Status SetPorts(std::span<const std::uint16_t> ports) override {
    const std::lock_guard lock(mutex_);
    if (ports_error_) return *ports_error_;
    ports_.assign(ports.begin(), ports.end());
    return {};
  }

  sniffer::PacketSourceStats GetStats() override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Frame {
    std::vector<std::uint8_t> bytes;
    sniffer::LinkType link_type;
    WallTime timestamp;
  };

  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Frame> frames_;
  bool busy_ = false;
  std::optional<Error> run_error_;
  std::optional<Error> ports_error_;
  std::vector<std::uint16_t> ports_;
  sniffer::PacketSourceStats stats_;
};

}  // namespace jitwg::test
