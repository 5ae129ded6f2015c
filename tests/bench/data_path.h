// One way through a veth pair for WireGuard data packets, timed: for the tap benchmark. Needs root,
// and a pair that nobody else uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::bench {

// A UDP socket that sends at one end, and one at the other that counts what arrives and keeps none.
class DataPath {
 public:
  struct End {
    std::string netns;    // the path of a network namespace
    std::string address;  // of either family, the same at both ends
  };
  struct Slice {
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    double wall_ns = 0;  // for each packet sent
    double cpu_ns = 0;   // the same, of this thread, and of what the kernel did on its account
  };

  // `size`: bytes of UDP payload. `port`: where it goes.
  static Result<DataPath> Open(const End& from, const End& to, std::uint16_t port,
                               std::size_t size);
  ~DataPath();
  DataPath(DataPath&& other) noexcept;
  DataPath& operator=(DataPath&&) = delete;

  // Sends data packets (type 4) as fast as it can. A veth pair hands a packet to the other end's
  // stack on the same core, before the call that sent it returns: the time is that of both ends.
  Slice Send(std::uint64_t packets) const;
  // One packet that a tap is there for: an initiation's length and type, the rest zeros.
  bool SendInitiation() const;

 private:
  DataPath(int sender, int receiver, std::size_t size);
  std::uint64_t Arrived() const;

  int sender_;
  int receiver_;
  std::vector<std::uint8_t> packet_;
};

}  // namespace jitwg::bench
