// A flag that poll(2) can wait for. Wakes the thread that owns the connections.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace jitwg::registry {

// Thread-safe. Without a descriptor (none left) fd() is -1, which poll(2) ignores: whoever waits
// then does so until its time-out.
class EventFlag {
 public:
  EventFlag() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~EventFlag() {
    if (fd_ >= 0) ::close(fd_);
  }
  EventFlag(const EventFlag&) = delete;
  EventFlag& operator=(const EventFlag&) = delete;

  int fd() const { return fd_; }
  void Raise() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof(one));
  }
  void Lower() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd_, &count, sizeof(count));
  }

 private:
  const int fd_;
};

}  // namespace jitwg::registry
