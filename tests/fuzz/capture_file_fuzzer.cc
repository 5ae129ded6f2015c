// Any bytes as a capture file (pcap, pcapng), read to its end: no crash, and no frame that is
// larger than the file or claims to have been shorter on the wire than what is there.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "sniffer/capture/datagram.h"
#include "sniffer/capture/pcap_file_source.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg::sniffer;

using jitwg::test::Require;

void Check(const CapturedPacket& packet, std::size_t file_size) {
  Require(packet.bytes.size() <= file_size);
  Require(packet.wire_length >= packet.bytes.size());
  DecodeDatagram(packet.bytes, {.link_type = packet.link_type, .wire_length = packet.wire_length});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("capture", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  Require(file >= 0 && ::ftruncate(file, 0) == 0);
  Require(::pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  const auto source = PcapFileSource::Open(path);
  if (!source) {
    Require(!source.error().message.empty());
    return 0;
  }
  std::size_t packets = 0;
  const auto status = (*source)->Run(
      [&](const CapturedPacket& packet) {
        Check(packet, size);
        ++packets;
      },
      {});
  Require(status || !status.error().message.empty());
  Require(!status || packets > 0);
  Require((*source)->GetStats().received == packets);
  return 0;
}
