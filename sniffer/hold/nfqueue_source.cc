// See nfqueue_source.h.
#include "sniffer/hold/nfqueue_source.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sniffer/hold/nfqueue_message.h"

namespace jitwg::sniffer {
namespace {

// The kernel sends one packet a message, cut to half a kilobyte.
constexpr std::size_t kBufferSize = 16384;
// Bounds the time until a stop or a deadline is noticed while packets pour in.
constexpr int kPacketsPerTurn = 256;
// How often a table that anybody may remove is looked for.
constexpr std::chrono::milliseconds kTableCheck{2000};

class QueueLease final : public PacketLease {
 public:
  QueueLease(std::shared_ptr<QueueSocket> queue, std::uint32_t packet_id)
      : queue_(std::move(queue)), packet_id_(packet_id) {}
  ~QueueLease() override { queue_->Accept(packet_id_); }
  QueueLease(const QueueLease&) = delete;
  QueueLease& operator=(const QueueLease&) = delete;

 private:
  const std::shared_ptr<QueueSocket> queue_;
  const std::uint32_t packet_id_;
};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

Status ProbeHold() {
  // Nobody can be using this name's table; the queue goes when the socket is closed.
  const auto queue = QueueSocket::Open({std::nullopt, "probe", 16});
  if (!queue) return queue.error();
  const auto rules = FindHoldRules("jitwg_probe", (*queue)->number());
  return rules ? Status{} : Status(rules.error());
}

void CleanUpHold(const std::string& state_dir) {
  static_cast<void>(HoldTable::RemoveLeftover(HoldTableName(state_dir)));
}

NfqueueSource::NfqueueSource(std::shared_ptr<QueueSocket> queue, std::unique_ptr<HoldTable> table,
                             std::chrono::milliseconds hold_time, int wake_fd)
    : queue_(std::move(queue)),
      table_(std::move(table)),
      wake_fd_(wake_fd),
      buffer_(kBufferSize),
      deadline_(hold_time),
      table_seen_(Now()) {}

Result<std::unique_ptr<NfqueueSource>> NfqueueSource::Open(const HoldOptions& options) {
  auto queue = QueueSocket::Open({options.queue, options.state_dir, options.max_packets});
  if (!queue) return queue.error();
  auto rules = FindHoldRules(HoldTableName(options.state_dir), (*queue)->number(), options.may_own);
  if (!rules) return rules.error();
  auto table = HoldTable::Create(std::move(*rules));
  if (!table) return table.error();
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return ErrnoError("eventfd", errno);
  return std::unique_ptr<NfqueueSource>(
      new NfqueueSource(std::move(*queue), std::move(*table), options.hold_time, wake_fd));
}

NfqueueSource::~NfqueueSource() {
  LetGo();
  ::close(wake_fd_);
}

void NfqueueSource::LetGo() {
  // In this order: what is queued after the last verdict would wait for nobody, and the end of the
  // table is the end of whatever waits.
  const Status stopped = table_->StopQueueing();
  queue_->AcceptAll();
  const Status removed = table_->Remove();
  if (stopped && removed) return;
  spdlog::warn("hold_table_left table={} error=\"{}\"", table(),
               (removed ? stopped : removed).error().message);
}

Status NfqueueSource::Run(const Handler& handler, std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_fd_, &one, sizeof(one)));
  });
  std::array<pollfd, 2> fds = {pollfd{queue_->descriptor(), POLLIN, 0},
                               pollfd{wake_fd_, POLLIN, 0}};
  while (!stop.stop_requested()) {
    if (::poll(fds.data(), fds.size(), PollTimeout()) < 0 && errno != EINTR) {
      const int error = errno;
      LetGo();
      return ErrnoError("poll", error);
    }
    if (!ReadAll(handler)) {
      const int error = errno;
      LetGo();
      return ErrnoError("cannot read the packet queue", error);
    }
    KeepDeadline();
    KeepTable();
  }
  LetGo();
  return {};
}

bool NfqueueSource::ReadAll(const Handler& handler) {
  for (int packet = 0; packet < kPacketsPerTurn; ++packet) {
    const auto size = ::recv(queue_->descriptor(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size >= 0) {
      Deliver(std::span(buffer_).first(static_cast<std::size_t>(size)), handler);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR && errno != ENOBUFS) {
      // ENOBUFS: there was no room for a while. The gap in the numbers tells how many that were.
      return false;
    }
  }
  return true;
}

void NfqueueSource::Deliver(std::span<const std::uint8_t> datagram, const Handler& handler) {
  ForEachQueuedPacket(datagram, [&](const QueuedPacket& queued) {
    deadline_.Note(queued.id, Now());
    queue_->NoteNewest(queued.id);
    {
      const std::lock_guard lock(mutex_);
      ++stats_.received;
      if (last_id_) stats_.dropped_by_kernel += queued.id - *last_id_ - 1;
    }
    last_id_ = queued.id;
    CapturedPacket packet;
    packet.link_type = LinkType::kRawIp;
    packet.bytes = queued.bytes;
    packet.wire_length = queued.wire_length;
    packet.timestamp = std::chrono::system_clock::now();
    packet.source_name = name();
    packet.ifindex = queued.ifindex;
    packet.lease = std::make_shared<QueueLease>(queue_, queued.id);
    handler(packet);
  });
}

void NfqueueSource::KeepDeadline() {
  if (const auto overdue = deadline_.TakeOverdue(Now())) queue_->AcceptUpTo(*overdue);
}

void NfqueueSource::KeepTable() {
  if (table_->rules().owned || Now() - table_seen_ < kTableCheck) return;
  table_seen_ = Now();
  const auto restored = table_->Restore();
  if (!restored) {
    spdlog::error("hold_table_lost table={} error=\"{}\"", table(), restored.error().message);
  } else if (*restored) {
    spdlog::warn("hold_table_restored table={} reason=\"somebody removed it\"", table());
  }
}

int NfqueueSource::PollTimeout() const {
  std::chrono::milliseconds timeout = kTableCheck;
  if (const auto next = deadline_.Next()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Now());
    timeout = std::clamp(left, std::chrono::milliseconds(0), timeout);
  }
  return static_cast<int>(timeout.count());
}

Status NfqueueSource::SetPorts(std::span<const std::uint16_t> ports) {
  return table_->SetPorts(ports);
}

PacketSourceStats NfqueueSource::GetStats() {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::string NfqueueSource::Describe() const {
  const HoldRules& rules = table_->rules();
  return std::string(rules.statement == QueueStatement::kNative ? "nft_queue" : "xt_NFQUEUE") +
         (rules.owned ? ", owned table" : ", table without owner");
}

}  // namespace jitwg::sniffer
