#include "sniffer/pipeline.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace jitwg::sniffer {
namespace {

// How long a worker sleeps at most before it looks at its stop token.
constexpr std::chrono::milliseconds kWorkerPatience{200};

// Initiations of a busy worker whose events go out together, since each waking of the other side
// costs about as much as a proof. The first of them waits for the last: some 3 ms.
constexpr std::size_t kBatch = 32;

InitiationResult ToResult(noise::HandshakeError error) {
  switch (error) {
    case noise::HandshakeError::kBadLength:
      return InitiationResult::kBadLength;
    case noise::HandshakeError::kBadType:
      return InitiationResult::kBadType;
    case noise::HandshakeError::kBadMac1:
      return InitiationResult::kBadMac1;
    case noise::HandshakeError::kBadEphemeral:
      return InitiationResult::kBadEphemeral;
    case noise::HandshakeError::kBadStatic:
      return InitiationResult::kBadStatic;
    case noise::HandshakeError::kBadStaticDh:
      return InitiationResult::kBadStaticDh;
    case noise::HandshakeError::kBadTimestamp:
      return InitiationResult::kBadTimestamp;
  }
  return InitiationResult::kBadLength;
}

InitiationResult ToResult(AdmissionVerdict verdict) {
  switch (verdict) {
    case AdmissionVerdict::kAdmitted:
      return InitiationResult::kAuthenticated;
    case AdmissionVerdict::kDuplicate:
      return InitiationResult::kDuplicate;
    case AdmissionVerdict::kSourceLimited:
      return InitiationResult::kRateLimitedSource;
    case AdmissionVerdict::kGlobalLimited:
      return InitiationResult::kRateLimitedGlobal;
    case AdmissionVerdict::kSameStamp:
      return InitiationResult::kSameStamp;
    case AdmissionVerdict::kOlderStamp:
      return InitiationResult::kReplayed;
  }
  return InitiationResult::kDuplicate;
}

}  // namespace

Pipeline::Pipeline(const InterfaceTable& interfaces, const Clock& clock, Statistics& statistics,
                   PipelineMemory memory, EventSink& sink, const PipelineOptions& options)
    : interfaces_(interfaces),
      clock_(clock),
      statistics_(statistics),
      initiations_(memory.initiations),
      sink_(sink),
      held_(memory.held),
      hold_packets_(options.hold_packets),
      own_copies_(memory.own_copies),
      admission_(options.admission, clock.SteadyNow()),
      capacity_(options.workers * options.queue_capacity) {
  for (unsigned i = 0; i < options.workers; ++i) {
    queues_.push_back(std::make_unique<BoundedQueue<Work>>(options.queue_capacity));
  }
  for (auto& queue : queues_) {
    workers_.emplace_back(
        [this, &queue = *queue](const std::stop_token& stop) { RunWorker(queue, stop); });
  }
}

Pipeline::~Pipeline() {
  for (auto& worker : workers_) worker.request_stop();
  for (auto& queue : queues_) queue->Close();
}

void Pipeline::OnPacket(const CapturedPacket& packet) {
  const auto datagram =
      DecodeDatagram(packet.bytes, {packet.link_type, packet.wire_length, packet.ifindex, true});
  if (!datagram) return statistics_.Count(InitiationResult::kMalformed);
  if (datagram->direction == PacketDirection::kOutgoing ||
      datagram->direction == PacketDirection::kOtherHost) {
    return statistics_.Count(InitiationResult::kOutgoing);
  }
  std::shared_ptr<const ServedKey> key;
  const InitiationResult matched = MatchKey(*datagram, key);
  if (key == nullptr) return statistics_.Count(matched);
  const SteadyTime now = clock_.SteadyNow();
  if (own_copies_.Recognise(datagram->payload, now)) {
    return statistics_.Count(InitiationResult::kOwnCopy);
  }
  const InitiationResult admitted = Admit(*datagram, now);
  if (admitted != InitiationResult::kAuthenticated) return statistics_.Count(admitted);

  Work work{std::move(key), {}, datagram->source, datagram->destination, packet.timestamp, now, {}};
  if (hold_packets_) work.original = OriginalPacket(*datagram, packet.lease);
  std::copy(datagram->payload.begin(), datagram->payload.end(), work.packet.begin());
  Enqueue(std::move(work));
}

InitiationResult Pipeline::MatchKey(const Datagram& datagram,
                                    std::shared_ptr<const ServedKey>& match) const {
  InitiationResult result = InitiationResult::kOtherPort;
  const auto keys = interfaces_.Keys();
  for (const auto& key : *keys) {
    if (key->listen_port != datagram.destination.port) continue;
    const auto checked = key->responder.CheckMac1(datagram.payload);
    if (checked) {
      match = key;
      return InitiationResult::kAuthenticated;
    }
    result = ToResult(checked.error());
  }
  return result;
}

InitiationResult Pipeline::Admit(const Datagram& datagram, SteadyTime now) {
  const std::lock_guard lock(admission_mutex_);
  return ToResult(admission_.BeforeCrypto(datagram.payload, datagram.source.address, now));
}

void Pipeline::Enqueue(Work work) {
  // One source's initiations stay in order: they go to one worker.
  const std::size_t shard = SeededHash(work.source.address.bytes()) % queues_.size();
  BoundedQueue<Work>& queue = *queues_[shard];
  queue.Push(std::move(work));
  for (std::uint64_t dropped = queue.TakeDropped(); dropped > 0; --dropped) {
    statistics_.Count(InitiationResult::kQueueFull);
  }
}

std::size_t Pipeline::waiting() const {
  std::size_t sum = 0;
  for (const auto& queue : queues_) sum += queue->size();
  return sum;
}

void Pipeline::RunWorker(BoundedQueue<Work>& queue, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto work = queue.Pop(kWorkerPatience);
    if (work) RunBatch(std::move(*work), queue);
  }
}

void Pipeline::RunBatch(Work first, BoundedQueue<Work>& queue) {
  std::vector<HandshakeEvent> proven;
  std::array<InitiationResult, kBatch> results{};
  std::size_t count = 0;
  std::optional<Work> work(std::move(first));
  while (work) {
    results[count++] = Unwrap(*work, proven);
    // A packet that is not held is let go before anything else.
    work.reset();
    if (count < kBatch) work = queue.TryPop();
  }
  if (!proven.empty()) sink_.OnEvents(proven);
  for (std::size_t i = 0; i < count; ++i) statistics_.Count(results[i]);
}

InitiationResult Pipeline::Unwrap(Work& work, std::vector<HandshakeEvent>& proven) {
  const SteadyTime begun = clock_.SteadyNow();
  const auto initiation = work.key->responder.ConsumeCheckedInitiation(work.packet);
  statistics_.unwrap_time().Observe(clock_.SteadyNow() - begun);
  if (!initiation) return ToResult(initiation.error());
  if (initiation->initiator == work.key->responder.public_key()) return InitiationResult::kOwnKey;
  {
    const std::lock_guard lock(admission_mutex_);
    const AdmissionVerdict verdict =
        admission_.AfterCrypto(work.key->serial, initiation->initiator, initiation->timestamp);
    if (verdict != AdmissionVerdict::kAdmitted) return ToResult(verdict);
  }
  HandshakeEvent event;
  event.interface = work.key->interface;
  event.public_key = initiation->initiator;
  event.source = work.source;
  event.destination = work.destination;
  event.timestamp = initiation->timestamp;
  event.captured_at = work.captured_at;
  event.already_installed = work.key->peers.IsInstalled(initiation->initiator);
  // The peer's own memory in the kernel goes when the peer does; what is told here outlives it.
  if (event.already_installed) {
    work.key->peers.NoteTimestamp(initiation->initiator, initiation->timestamp);
  }
  event.initiation_id = initiations_.Add({0, event.public_key, event.interface, event.source,
                                          event.destination, event.timestamp, work.received_at});
  // Before anybody can answer the event.
  if (hold_packets_ && !event.already_installed) {
    held_.Add(event.initiation_id, event.interface, event.public_key, work.received_at,
              std::move(work.original));
  }
  const bool installed = event.already_installed;
  proven.push_back(std::move(event));
  return installed ? InitiationResult::kInstalled : InitiationResult::kAuthenticated;
}

}  // namespace jitwg::sniffer
