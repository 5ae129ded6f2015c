// From a captured packet to a proven caller: decode, mac1, admission on the capturing thread;
// X25519 and freshness on the workers. Cheap before dear; whatever is refused becomes a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "lib/base/bounded_queue.h"
#include "lib/base/clock.h"
#include "lib/noise/messages.h"
#include "sniffer/admission/admission.h"
#include "sniffer/capture/datagram.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/completion/held_initiations.h"
#include "sniffer/completion/initiation_table.h"
#include "sniffer/completion/original_packet.h"
#include "sniffer/completion/own_copies.h"
#include "sniffer/event.h"
#include "sniffer/interface_table.h"
#include "sniffer/statistics.h"

namespace jitwg::sniffer {

struct PipelineOptions {
  unsigned workers = 1;               // 1..64
  std::size_t queue_capacity = 8192;  // initiations waiting for each worker
  // Hold on to the packets of callers who are not installed: the completion strategy needs them.
  bool hold_packets = false;
  AdmissionOptions admission;
};

// What the pipeline writes down of the initiations it saw, for whoever installs their peers.
struct PipelineMemory {
  InitiationTable& initiations;
  HeldInitiations& held;
  const OwnCopies& own_copies;
};

// The references must outlive the pipeline.
class Pipeline {
 public:
  Pipeline(const InterfaceTable& interfaces, const Clock& clock, Statistics& statistics,
           PipelineMemory memory, EventSink& sink, const PipelineOptions& options);
  // Ends the workers; what still waits is dropped.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // From any capturing thread. Never blocks on crypto.
  void OnPacket(const CapturedPacket& packet);

  // Initiations that wait for a worker, and how many may. Any thread.
  std::size_t waiting() const;
  std::size_t capacity() const { return capacity_; }

 private:
  struct Work {
    std::shared_ptr<const ServedKey> key;
    std::array<std::uint8_t, noise::kInitiationSize> packet;
    Endpoint source;
    Endpoint destination;
    WallTime captured_at;
    SteadyTime received_at;
    OriginalPacket original;
  };

  // The reason to stop here, or the key that the packet is addressed to.
  InitiationResult MatchKey(const Datagram& datagram,
                            std::shared_ptr<const ServedKey>& match) const;
  // kAuthenticated: go on.
  InitiationResult Admit(const Datagram& datagram, SteadyTime now);
  void Enqueue(Work work);
  void RunWorker(BoundedQueue<Work>& queue, const std::stop_token& stop);
  // Unwraps what waits, `first` and a bounded number behind it, and tells of those who proved
  // themselves.
  void RunBatch(Work first, BoundedQueue<Work>& queue);
  // The proven caller's event is appended.
  InitiationResult Unwrap(Work& work, std::vector<HandshakeEvent>& proven);

  const InterfaceTable& interfaces_;
  const Clock& clock_;
  Statistics& statistics_;
  InitiationTable& initiations_;
  EventSink& sink_;
  HeldInitiations& held_;
  const bool hold_packets_;
  const OwnCopies& own_copies_;
  std::mutex admission_mutex_;
  Admission admission_;         // guarded by admission_mutex_
  const std::size_t capacity_;  // of all queues together
  std::vector<std::unique_ptr<BoundedQueue<Work>>> queues_;
  std::vector<std::jthread> workers_;
};

}  // namespace jitwg::sniffer
