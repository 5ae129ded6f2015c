// Fuzzes what comes back over nfnetlink: queued packets, and answers to requests.
#include <cstdint>
#include <span>

#include "sniffer/hold/nfnetlink_reader.h"
#include "sniffer/hold/nfqueue_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitwg::sniffer;
  const NetlinkBytes bytes(data, size);
  ForEachQueuedPacket(bytes, [&](const QueuedPacket& packet) {
    if (packet.bytes.size() > size || packet.wire_length < packet.bytes.size()) __builtin_trap();
    // What is handed on must lie inside what came in.
    if (!packet.bytes.empty() &&
        (packet.bytes.data() < data || packet.bytes.data() + packet.bytes.size() > data + size)) {
      __builtin_trap();
    }
  });
  NfnetlinkAnswer answer;
  ReadAnswer(bytes, 5, 7, answer);
  if (answer.error < 0 || answer.error > 4095) __builtin_trap();
  return 0;
}
