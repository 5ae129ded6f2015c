// HandshakeEvents over gRPC: streams the pipeline's events and answers with its counters.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "lib/base/clock.h"
#include "lib/base/fan_out.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/completion/completions.h"
#include "sniffer/event.h"
#include "sniffer/outbound/demand.h"
#include "sniffer/statistics.h"

namespace jitwg::sniffer {

// Must outlive the gRPC server.
class EventsService final : public v1::HandshakeEvents::CallbackService,
                            public EventSink,
                            public DemandSink {
 public:
  // What others count, asked for at each GetStatistics; from any thread.
  struct Others {
    std::function<PacketSourceStats()> sources;
    std::function<CompletionStatus()> completion;
    // Empty without --outbound.
    std::function<void(v1::OutboundStatus&)> outbound = {};
  };

  EventsService(const Clock& clock, const Statistics& statistics, Others others,
                FanOutLimits limits = {});

  void OnEvents(std::span<const HandshakeEvent> events) override;
  void OnDemand(const OutboundDemand& demand) override;

  // Random per process.
  std::uint64_t instance() const { return instance_; }
  std::size_t watchers() const { return hub_.watchers(); }
  // Of all watchers together: a slow one lost them.
  std::uint64_t events_dropped() const { return hub_.dropped(); }

 private:
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* GetStatistics(grpc::CallbackServerContext* context,
                                          const v1::GetStatisticsRequest* request,
                                          v1::GetStatisticsResponse* response) override;
  v1::WatchResponse Heartbeat() const;
  void BeatUntilStopped(const std::stop_token& stop);

  const Statistics& statistics_;
  const Others others_;
  const std::uint64_t instance_;
  const WallTime started_at_;
  FanOut<v1::WatchResponse> hub_;
  std::mutex beat_mutex_;
  std::condition_variable_any beat_;
  std::jthread beat_thread_;
};

}  // namespace jitwg::sniffer
