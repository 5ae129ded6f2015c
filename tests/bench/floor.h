// What no gateway with two processes and a registry can do without: one message on a gRPC stream,
// one bare look-up, one empty call back. Nothing else happens on the way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/key.h"

namespace jitwg::bench {

struct FloorTimes {
  std::chrono::nanoseconds hop{0};      // an empty message through an open stream
  std::chrono::nanoseconds look_up{0};  // bare SQLite or libpq, on the thread that heard
  std::chrono::nanoseconds call{0};     // an empty unary call, there and back
  std::chrono::nanoseconds all{0};      // from the message's write to the call's answer
};

// A bare look-up: blocks; false when there is no such row.
using BareLookUp = std::function<bool(const PublicKey&)>;
// `path`: of an SQLite registry. `connection`: what libpq is given. Both throw.
BareLookUp BareSqlite(const std::string& path);
BareLookUp BarePostgres(const std::string& connection);

class Floor {
 public:
  // A server of its own on a Unix socket in `folder`, of the same making as the sniffer's. Throws.
  Floor(const std::string& folder, BareLookUp look_up);
  ~Floor();

  // One message, look-up and call, one after the other. Throws when one of them fails.
  FloorTimes Measure(const PublicKey& key);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace jitwg::bench
