// What an HTTP server asks: once before it reads a body, once with it. Knows no sockets.
#pragma once

#include <optional>

#include "lib/http/message.h"

namespace jitwg::http {

// Thread-safe.
class Application {
 public:
  virtual ~Application() = default;
  // nullopt: read the body and Handle. Otherwise the answer, and the body is never read.
  virtual std::optional<Response> Refuse(const RequestHead& head) = 0;
  virtual Response Handle(const Request& request) = 0;
};

}  // namespace jitwg::http
