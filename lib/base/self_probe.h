// Whether this process's own server still does its work: it is called as a client would call it.
// Knows nothing of what is spoken there, and says nothing to it.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg {

class SelfProbe {
 public:
  // "unix:/path", "/path", "HOST:PORT" or "tcp:HOST:PORT", an IPv6 HOST in brackets; 0.0.0.0 and ::
  // stand for this host. A name is resolved here, once. kInvalidArgument: none of these;
  // kUnavailable: the name is not known.
  static Result<SelfProbe> At(std::string_view address);

  // Connects, ends its own side, and waits until the server has said something or has ended the
  // connection too: then somebody accepts and somebody serves. Blocks for `deadline` at most.
  bool Answers(std::chrono::milliseconds deadline) const;

 private:
  SelfProbe() = default;

  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

}  // namespace jitwg
