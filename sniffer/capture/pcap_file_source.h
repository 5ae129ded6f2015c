// Packets from a pcap or pcapng file, as fast as they can be read.
#pragma once

#include <memory>
#include <string>

#include "sniffer/capture/packet_source.h"

namespace jitwg::sniffer {

class PcapFileSource final : public PacketSource {
 public:
  // `path` may be "-" for the standard input. kNotFound, kPermissionDenied: from open(2);
  // kDataLoss: empty or no capture; kInvalidArgument: its link type is not one of ours.
  static Result<std::unique_ptr<PcapFileSource>> Open(std::string path);
  ~PcapFileSource() override;

  std::string_view name() const override;
  // Everything that is readable, then kDataLoss if the file is damaged or cut off, or holds no
  // packet.
  Status Run(const Handler& handler, std::stop_token stop) override;
  Status SetPorts(std::span<const std::uint16_t> ports) override;
  PacketSourceStats GetStats() override;

 private:
  struct State;
  explicit PcapFileSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jitwg::sniffer
