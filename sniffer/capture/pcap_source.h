// Live capture of one interface or of all, by libpcap. Comes back by itself when the interface
// does.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sniffer/capture/live_handle.h"
#include "sniffer/capture/packet_source.h"

namespace jitwg::sniffer {

// Needs CAP_NET_RAW, at opening and whenever the interface comes back.
class PcapSource final : public PacketSource {
 public:
  // Nothing is captured before SetPorts. An interface that is down is waited for in Run. Errors:
  // see LiveHandle::Open.
  static Result<std::unique_ptr<PcapSource>> Open(PcapOptions options);
  ~PcapSource() override;
  PcapSource(const PcapSource&) = delete;
  PcapSource& operator=(const PcapSource&) = delete;

  std::string_view name() const override { return options_.interface; }
  Status Run(const Handler& handler, std::stop_token stop) override;
  Status SetPorts(std::span<const std::uint16_t> ports) override;
  PacketSourceStats GetStats() override;

 private:
  PcapSource(PcapOptions options, int wake_fd) : options_(std::move(options)), wake_fd_(wake_fd) {}
  // Reads until stop (OK) or until the interface is lost (why).
  Status Pump(const Handler& handler, const std::stop_token& stop);
  Status Dispatch(const Handler& handler);
  Status Reopen();
  void CloseHandle();
  // False when woken by the stop.
  bool Wait(std::chrono::milliseconds duration) const;
  void UpdateStats();  // mutex_ held

  const PcapOptions options_;
  const int wake_fd_;  // eventfd, written at stop
  std::mutex mutex_;
  // Replaced under mutex_ by Run's thread alone, which may therefore read it without.
  std::optional<LiveHandle> handle_;
  std::vector<std::uint16_t> ports_;  // guarded by mutex_
  PacketSourceStats stats_;           // guarded by mutex_
  // What libpcap said last; its counters have 32 bits and wrap. Guarded by mutex_.
  std::array<std::uint32_t, 3> last_counters_{};
};

}  // namespace jitwg::sniffer
