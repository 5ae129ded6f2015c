// A packet queue of the real kernel in a network namespace of this process alone: what is sent over
// its loopback, what the source is told, and what arrives at a socket behind it. Needs root.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sniffer/hold/nfqueue_source.h"
#include "tests/support/frames.h"

namespace jitwg::test {

// Standard output of a shell command; the test fails when the command does.
std::string Shell(const std::string& command);

// A UDP socket that listens on a port of its own on loopback, and one that sends to it.
class LoopbackPair {
 public:
  explicit LoopbackPair(bool v6 = false);
  ~LoopbackPair();
  LoopbackPair(const LoopbackPair&) = delete;
  LoopbackPair& operator=(const LoopbackPair&) = delete;

  std::uint16_t port() const { return port_; }
  void Send(const ByteVector& payload) const;
  // Behind a destination-options header (IPv6 only).
  void SendBehindExtension(const ByteVector& payload) const;
  // Waits until one is there; nullopt after 5 s.
  std::optional<ByteVector> Receive() const;
  // Whether one is there now.
  bool HasReceived() const;

 private:
  int receiver_;
  int sender_;
  std::uint16_t port_ = 0;
};

class HoldFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  void SetUp() override;
  void TearDown() override { Stop(); }

  void Open(const sniffer::HoldOptions& options, const std::vector<std::uint16_t>& ports);
  void Start();  // Run, on a thread
  void Stop();

  // Waits until so many packets in all were told; false when the time is over.
  bool Told(std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds(20));
  // The bytes of the packet told as number `index`.
  ByteVector BytesOf(std::size_t index);
  // Lets the oldest packet go that is still kept.
  void ReleaseOne();
  void ReleaseAll();
  std::size_t Kept();

  std::unique_ptr<sniffer::NfqueueSource> source_;
  bool keep_ = true;  // leases until released; otherwise packets go at once

 private:
  void OnPacket(const sniffer::CapturedPacket& packet);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ByteVector> told_;
  std::vector<std::shared_ptr<sniffer::PacketLease>> leases_;
  std::jthread runner_;
};

// A payload that the rules hold, told apart by `number`.
ByteVector NumberedInitiation(std::uint32_t number);

}  // namespace jitwg::test
