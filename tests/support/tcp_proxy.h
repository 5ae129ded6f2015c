// A TCP proxy on loopback whose connections a test can reset. Knows nothing of what passes through.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace jitwg {

// Thread-safe.
class TcpProxy {
 public:
  // Listens on a port of its own; each connection is joined with one to `target_port`.
  explicit TcpProxy(int target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  // Resets all connections (both ends get ECONNRESET, not an orderly end); returns how many.
  int ResetAll();

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };
  void Run();
  void Accept();
  // False when the pair has ended.
  static bool Move(int from, int to);

  const int target_port_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<Pair> pairs_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace jitwg
