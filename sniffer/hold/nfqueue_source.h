// Packets that the kernel holds until we have decided: the source behind completion `hold`. A
// packet is let go when the last reference to its lease dies, and at the deadline in any case.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sniffer/capture/packet_source.h"
#include "sniffer/hold/hold_deadline.h"
#include "sniffer/hold/hold_table.h"
#include "sniffer/hold/queue_socket.h"

namespace jitwg::sniffer {

struct HoldOptions {
  std::string state_dir;                      // names the nftables table
  std::optional<std::uint16_t> queue = {};    // nullopt: a free one
  std::uint32_t max_packets = 4096;           // that wait at once; more pass unseen
  std::chrono::milliseconds hold_time{2000};  // then a packet goes on, whatever became of it
  bool may_own = true;                        // false: as on kernels before 5.12
};

// Whether `hold` can work here: privileges, kernel modules. The error is one line that says why
// not. Leaves nothing behind.
Status ProbeHold();

// Removes the nftables table that a crash left behind, if there is one and no living process owns
// it. Failing does no harm: rules without a reader stop nothing.
void CleanUpHold(const std::string& state_dir);

// Needs CAP_NET_ADMIN. All interfaces of the network namespace it was opened in. Taps nothing: sees
// what passed the operator's firewall, and nothing that this machine sends to others.
class NfqueueSource final : public PacketSource {
 public:
  // Nothing is held before SetPorts.
  static Result<std::unique_ptr<NfqueueSource>> Open(const HoldOptions& options);
  // Removes the table and lets everything go.
  ~NfqueueSource() override;
  NfqueueSource(const NfqueueSource&) = delete;
  NfqueueSource& operator=(const NfqueueSource&) = delete;

  std::string_view name() const override { return "nfqueue"; }
  // At its end, too, the table is removed and everything let go.
  Status Run(const Handler& handler, std::stop_token stop) override;
  Status SetPorts(std::span<const std::uint16_t> ports) override;
  // dropped_by_kernel: passed unseen, because there was no room to tell us of them.
  PacketSourceStats GetStats() override;

  std::uint16_t queue() const { return queue_->number(); }
  const std::string& table() const { return table_->rules().table; }
  // "nft_queue" or "xt_NFQUEUE", and whether the table goes with the process.
  std::string Describe() const;

 private:
  NfqueueSource(std::shared_ptr<QueueSocket> queue, std::unique_ptr<HoldTable> table,
                std::chrono::milliseconds hold_time, int wake_fd);
  void Deliver(std::span<const std::uint8_t> datagram, const Handler& handler);
  // False when the socket is broken.
  bool ReadAll(const Handler& handler);
  void KeepDeadline();
  void KeepTable();
  int PollTimeout() const;
  void LetGo();

  std::shared_ptr<QueueSocket> queue_;
  std::unique_ptr<HoldTable> table_;
  const int wake_fd_;  // eventfd, written at stop
  // Run's thread alone.
  std::vector<std::uint8_t> buffer_;
  HoldDeadline deadline_;
  std::optional<std::uint32_t> last_id_;
  SteadyTime table_seen_;
  std::mutex mutex_;
  PacketSourceStats stats_;  // guarded by mutex_
};

}  // namespace jitwg::sniffer
