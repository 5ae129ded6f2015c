// One life of the sniffer's event stream: from the call to its end. Notices a stream that is dead
// although the connection is not.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "lib/base/result.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// Used once.
class EventStream final : private grpc::ClientReadReactor<v1::WatchResponse> {
 public:
  // The sniffer sends something every 5 s; `max_silence` without anything ends the stream.
  EventStream(SnifferListener& listener, std::chrono::milliseconds max_silence)
      : listener_(listener), max_silence_(max_silence) {}

  // Opens the stream and blocks until it ended; `listener` is then not called any more. Returns why
  // it ended: kAborted when `stop` was requested.
  Error Run(v1::HandshakeEvents::Stub& stub, const std::stop_token& stop);

  // The first message came.
  bool was_alive() const { return connected_; }

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void Deliver(const v1::WatchResponse& message);
  void DeliverEvents(const v1::WatchResponse& message);
  // True: the stream was silent for too long.
  bool WaitForEnd(const std::stop_token& stop);

  SnifferListener& listener_;
  const std::chrono::milliseconds max_silence_;
  grpc::ClientContext context_;
  v1::WatchRequest request_;
  v1::WatchResponse message_;
  bool connected_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::chrono::steady_clock::time_point last_message_;
  bool delivering_ = false;
  bool done_ = false;
  grpc::Status status_;
};

}  // namespace jitwg::provisioner
