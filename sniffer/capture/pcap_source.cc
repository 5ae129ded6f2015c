#include "sniffer/capture/pcap_source.h"

#include <pcap/pcap.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace jitwg::sniffer {
namespace {

// Bounds the time until a stop is noticed while packets pour in.
constexpr int kPacketsPerDispatch = 1024;
constexpr std::chrono::milliseconds kFirstBackoff{50};
constexpr std::chrono::milliseconds kLongestBackoff{1000};

struct Delivery {
  const PacketSource::Handler& handler;
  CapturedPacket packet;
};

void OnPacket(unsigned char* user, const pcap_pkthdr* header, const unsigned char* bytes) {
  auto& delivery = *reinterpret_cast<Delivery*>(user);
  delivery.packet.bytes = {bytes, header->caplen};
  delivery.packet.wire_length = header->len;
  delivery.packet.timestamp = WallTime(std::chrono::seconds(header->ts.tv_sec) +
                                       std::chrono::microseconds(header->ts.tv_usec));
  delivery.handler(delivery.packet);
}

}  // namespace

Result<std::unique_ptr<PcapSource>> PcapSource::Open(PcapOptions options) {
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return ErrnoError("eventfd", errno);
  std::unique_ptr<PcapSource> source(new PcapSource(std::move(options), wake_fd));
  auto handle = LiveHandle::Open(source->options_);
  if (handle) {
    source->handle_.emplace(std::move(*handle));
  } else if (handle.error().code == ErrorCode::kUnavailable) {
    spdlog::warn("capture_waiting interface={} reason=\"{}\"", source->name(),
                 handle.error().message);
  } else {
    return handle.error();
  }
  return source;
}

PcapSource::~PcapSource() { ::close(wake_fd_); }

Status PcapSource::Run(const Handler& handler, std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_fd_, &one, sizeof(one)));
  });
  auto backoff = kFirstBackoff;
  while (!stop.stop_requested()) {
    if (!handle_ && !Reopen()) {
      if (!Wait(backoff)) break;
      backoff = std::min(backoff * 2, kLongestBackoff);
      continue;
    }
    backoff = kFirstBackoff;
    if (const Status status = Pump(handler, stop); !status) {
      spdlog::warn("capture_lost interface={} reason=\"{}\" action=waiting", name(),
                   status.error().message);
      CloseHandle();
    }
  }
  return {};
}

Status PcapSource::Pump(const Handler& handler, const std::stop_token& stop) {
  std::array<pollfd, 2> fds = {pollfd{handle_->fd(), POLLIN, 0}, pollfd{wake_fd_, POLLIN, 0}};
  while (!stop.stop_requested()) {
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("poll", errno);
    }
    if ((fds[0].revents & POLLIN) != 0) {
      if (Status status = Dispatch(handler); !status) return status;
    }
    if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      int error = 0;
      socklen_t size = sizeof(error);
      ::getsockopt(handle_->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
      return ErrnoError("capturing on '" + options_.interface + "'", error);
    }
  }
  return {};
}

Status PcapSource::Dispatch(const Handler& handler) {
  Delivery delivery{handler, {}};
  delivery.packet.link_type = handle_->link_type();
  delivery.packet.source_name = name();
  delivery.packet.ifindex = handle_->ifindex();
  auto* const user = reinterpret_cast<unsigned char*>(&delivery);
  if (::pcap_dispatch(handle_->get(), kPacketsPerDispatch, OnPacket, user) >= 0) return {};
  return Error{ErrorCode::kUnavailable, ::pcap_geterr(handle_->get())};
}

Status PcapSource::Reopen() {
  auto fresh = LiveHandle::Open(options_);
  if (!fresh) return fresh.error();
  const std::lock_guard lock(mutex_);
  if (Status status = fresh->SetPorts(ports_); !status) return status;
  handle_.emplace(std::move(*fresh));
  last_counters_ = {};
  ++stats_.reopened;
  spdlog::info("capture_back interface={}", name());
  return {};
}

void PcapSource::CloseHandle() {
  const std::lock_guard lock(mutex_);
  UpdateStats();
  handle_.reset();
}

bool PcapSource::Wait(std::chrono::milliseconds duration) const {
  pollfd fd{wake_fd_, POLLIN, 0};
  return ::poll(&fd, 1, static_cast<int>(duration.count())) <= 0;
}

Status PcapSource::SetPorts(std::span<const std::uint16_t> ports) {
  const std::lock_guard lock(mutex_);
  ports_.assign(ports.begin(), ports.end());
  return handle_ ? handle_->SetPorts(ports_) : Status{};
}

PacketSourceStats PcapSource::GetStats() {
  const std::lock_guard lock(mutex_);
  UpdateStats();
  return stats_;
}

void PcapSource::UpdateStats() {
  pcap_stat stat{};
  if (!handle_ || ::pcap_stats(handle_->get(), &stat) != 0) return;
  const std::array<std::uint32_t, 3> counters = {stat.ps_recv, stat.ps_drop, stat.ps_ifdrop};
  const std::uint32_t passed = counters[0] - last_counters_[0];
  const std::uint32_t dropped = counters[1] - last_counters_[1];
  // Linux counts into ps_recv also what it then had to drop.
  stats_.received += passed - std::min(passed, dropped);
  stats_.dropped_by_kernel += dropped;
  stats_.dropped_by_interface += static_cast<std::uint32_t>(counters[2] - last_counters_[2]);
  last_counters_ = counters;
}

}  // namespace jitwg::sniffer
