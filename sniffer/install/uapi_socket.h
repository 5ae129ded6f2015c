// A connection to a UAPI socket with deadlines. Knows nothing of the text that goes over it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::sniffer {

// One thread at a time.
class UapiSocket {
 public:
  UapiSocket(UapiSocket&& other) noexcept;
  UapiSocket& operator=(UapiSocket&&) = delete;
  ~UapiSocket();

  // 0 or a positive errno: ENOENT nothing is there, ECONNREFUSED nobody listens, ENAMETOOLONG.
  static int Connect(const std::string& path, UapiSocket& into);
  UapiSocket() = default;

  // 0 or a positive errno; EAGAIN after the time-out.
  int Send(std::string_view text, std::chrono::milliseconds timeout);

  struct Received {
    int errno_value = 0;   // EAGAIN after the time-out
    std::size_t size = 0;  // 0 without an error: the other side closed
  };
  Received Receive(std::span<std::uint8_t> into, std::chrono::milliseconds timeout);

 private:
  int socket_ = -1;
};

}  // namespace jitwg::sniffer
