// Installs that were decided on their way to the sniffer: at once when the line is free, in batches
// when it is not. Knows nothing of why a peer is installed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// How long what is decided waits for more to go with it. A call that takes longer than that hangs,
// or has a slow kernel behind it.
inline constexpr std::chrono::milliseconds kGatherTime{5};

// Who fills the batches and takes the answers; called on threads of the queue or the link, for
// several batches at the same time.
class InstallBatcher {
 public:
  virtual ~InstallBatcher() = default;
  // The specs of just these keys, in order; an error ends the batch without a call.
  virtual Result<std::vector<PeerSpec>> PrepareBatch(const std::string& interface,
                                                     const std::vector<PublicKey>& keys) = 0;
  // The batch is over: one result for each key in order, or why there is none. Must not block.
  virtual void FinishBatch(const std::string& interface, const std::vector<PublicKey>& keys,
                           Result<std::vector<PeerResult>> results) = 0;
};

struct InstallQueueLimits {
  std::size_t max_calls = 4;  // to the sniffer, at the same time
  std::size_t max_batch = kMaxInstallBatch;
};

// Thread-safe. What is queued is bounded by the caller: each key of an interface at most once.
// While a call for an interface is under way, for 5 ms at most, the next one begins only for a full
// batch: what comes meanwhile goes together. One interface never takes all lines.
class InstallQueue {
 public:
  // While it lives, what its thread pushes is gathered; its end sends it from this thread, if there
  // is a free line, which saves waking another one.
  class Gathering {
   public:
    explicit Gathering(InstallQueue& queue);
    ~Gathering();
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;

   private:
    InstallQueue& queue_;
  };

  InstallQueue(SnifferLink& link, InstallBatcher& batcher, Completion completion,
               InstallQueueLimits limits);
  // Stop().
  ~InstallQueue();

  void Push(const PeerId& id);
  std::size_t waiting() const;

  // What waits is finished with kUnavailable; returns when no call is under way any more.
  void Stop();

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Batch {
    std::string interface;
    std::vector<PublicKey> keys;
  };
  // Of one interface.
  struct Line {
    std::deque<PublicKey> keys;
    std::size_t calls = 0;
    SteadyClock::time_point last_begun;
  };

  // All of these with the lock held.
  bool HasRoom(const Line& line) const;
  bool IsReady(const Line& line) const;
  // Where in `turns_` the first interface is that may be sent for now; else its end.
  std::deque<std::string>::iterator FindReady();
  // When that will be so of itself; time_point::max() when a call has to end first.
  SteadyClock::time_point NextReady() const;
  Batch TakeBatch(const std::deque<std::string>::iterator& turn);

  void Run();
  // Sends all that may be sent now.
  void SendWaiting();
  void Send(Batch batch);
  void CallEnded(const std::string& interface);

  SnifferLink& link_;
  InstallBatcher& batcher_;
  const Completion completion_;
  const InstallQueueLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, Line> lines_;  // with something waiting or under way
  std::deque<std::string> turns_;                // the interfaces with something waiting, each once
  std::size_t calls_ = 0;
  std::thread::id gathering_;  // the thread whose pushes are gathered
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace jitwg::provisioner
