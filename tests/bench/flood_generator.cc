// Sends a flood of 148-byte initiations out of one interface at a steady rate, for benchmarks on a
// veth pair. Bounded by time and by rate; writes frames of its own making, so it needs CAP_NET_RAW
// and an interface nobody else depends on.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <thread>

#include "lib/base/key.h"
#include "lib/base/result.h"
#include "tests/support/frames.h"
#include "tests/support/initiator.h"

namespace {

using jitwg::Error;
using jitwg::ErrorCode;
using jitwg::PublicKey;
using jitwg::Result;
using jitwg::Status;
using jitwg::test::ByteVector;
using jitwg::test::InitiationPacket;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kIpv4Header = 14;
constexpr std::size_t kSourceAddress = kIpv4Header + 12;
constexpr std::size_t kPayload = kIpv4Header + 20 + 8;

struct Options {
  std::string interface;
  std::string destination_mac;
  std::string source = "10.99.0.2";
  std::string destination = "10.99.0.1";
  std::uint16_t port = 51820;
  std::string kind = "garbage";
  std::string public_key;
  std::uint32_t sources = 1;
  std::uint32_t rate = 100000;
  std::uint32_t seconds = 10;
};

// xorshift64*: cheap, and the flood is the same at every run.
class Random {
 public:
  std::uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }

 private:
  std::uint64_t state_ = 88172645463325252ULL;
};

class Flood {
 public:
  Flood(const Options& options, const PublicKey& responder)
      : options_(options),
        responder_(responder),
        replayed_(jitwg::test::Initiator(1, responder).Initiate(jitwg::Tai64n::FromUnix(1, 0))) {
    const ByteVector frame = jitwg::test::BuildFrame({.source = options.source,
                                                      .destination = options.destination,
                                                      .destination_port = options.port},
                                                     jitwg::test::GarbageInitiation(1));
    for (ByteVector& each : frames_) each = frame;
    for (ByteVector& each : frames_) PrepareOnce(each);
  }

  Status Open() {
    const unsigned ifindex = ::if_nametoindex(options_.interface.c_str());
    if (ifindex == 0) return jitwg::ErrnoError("interface '" + options_.interface + "'", errno);
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return jitwg::ErrnoError("packet socket (needs CAP_NET_RAW)", errno);
    const int on = 1;
    static_cast<void>(::setsockopt(socket_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(ifindex);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return jitwg::ErrnoError("binding to '" + options_.interface + "'", errno);
    }
    return {};
  }

  // Returns how many were sent; fewer than asked for where the machine cannot keep the rate.
  std::uint64_t Run() {
    using Clock = std::chrono::steady_clock;
    const std::uint64_t total = std::uint64_t{options_.rate} * options_.seconds;
    const auto start = Clock::now();
    const auto end = start + std::chrono::seconds(options_.seconds);
    std::uint64_t sent = 0;
    while (sent < total) {
      const auto now = Clock::now();
      if (now >= end) break;
      const auto due = static_cast<std::uint64_t>(
          std::chrono::duration<double>(now - start).count() * options_.rate);
      if (sent >= due) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        continue;
      }
      sent += SendBatch(std::min<std::uint64_t>({due - sent, total - sent, kBatch}));
    }
    return sent;
  }

 private:
  void PrepareOnce(ByteVector& frame) const {
    // No UDP checksum, which IPv4 allows: the gateway's own WireGuard gets the flood too, as in
    // life.
    frame[kPayload - 2] = frame[kPayload - 1] = 0;
    std::array<unsigned, 6> mac{};
    if (std::sscanf(options_.destination_mac.c_str(), "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1],
                    &mac[2],  // NOLINT
                    &mac[3], &mac[4], &mac[5]) == 6) {
      for (std::size_t at = 0; at < 6; ++at) frame[at] = static_cast<std::uint8_t>(mac[at]);
    }
    if (options_.kind == "replay") {
      std::copy(replayed_.begin(), replayed_.end(), frame.begin() + kPayload);
    }
  }

  void Vary(ByteVector& frame) {
    if (options_.kind != "replay") {
      const std::uint64_t value = random_();
      std::memcpy(&frame[kPayload + 8], &value, sizeof(value));
    }
    if (options_.kind == "forged") {
      InitiationPacket packet;
      std::copy_n(frame.begin() + kPayload, packet.size(), packet.begin());
      jitwg::test::RecomputeMac1(packet, responder_);
      std::copy(packet.begin(), packet.end(), frame.begin() + kPayload);
    }
    if (options_.sources > 1)
      SetSource(frame, static_cast<std::uint32_t>(random_() % options_.sources));
  }

  static void SetSource(ByteVector& frame, std::uint32_t number) {
    const std::uint32_t address = 0x0a640000U + number;  // from 10.100.0.0 on
    for (std::size_t at = 0; at < 4; ++at) {
      frame[kSourceAddress + at] = static_cast<std::uint8_t>(address >> (24 - 8 * at));
    }
    frame[kIpv4Header + 10] = frame[kIpv4Header + 11] = 0;
    std::uint32_t sum = 0;
    for (std::size_t at = kIpv4Header; at < kIpv4Header + 20; at += 2) {
      sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    frame[kIpv4Header + 10] = static_cast<std::uint8_t>(~sum >> 8);
    frame[kIpv4Header + 11] = static_cast<std::uint8_t>(~sum);
  }

  std::uint64_t SendBatch(std::size_t count) {
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> parts{};
    for (std::size_t at = 0; at < count; ++at) {
      Vary(frames_[at]);
      parts[at] = {frames_[at].data(), frames_[at].size()};
      messages[at].msg_hdr.msg_iov = &parts[at];
      messages[at].msg_hdr.msg_iovlen = 1;
    }
    const int sent = ::sendmmsg(socket_, messages.data(), static_cast<unsigned>(count), 0);
    return sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
  }

  const Options& options_;
  const PublicKey responder_;
  const InitiationPacket replayed_;
  std::array<ByteVector, kBatch> frames_;
  Random random_;
  int socket_ = -1;
};

void Declare(CLI::App& app, Options& options) {
  app.add_option("--interface", options.interface, "where the frames go out")->required();
  app.add_option("--destination-mac", options.destination_mac)->required();
  app.add_option("--source", options.source);
  app.add_option("--destination", options.destination);
  app.add_option("--port", options.port);
  app.add_option(
         "--kind", options.kind,
         "garbage: mac1 is wrong; forged: mac1 is right, nothing else; replay: one good packet")
      ->check(CLI::IsMember({"garbage", "forged", "replay"}));
  app.add_option("--public-key", options.public_key, "the gateway's, for forged and replay");
  app.add_option("--sources", options.sources, "so many source addresses, at random")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--rate", options.rate, "packets per second")->check(CLI::Range(1, 2000000));
  app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 600));
}

int Fail(const Error& error) {
  std::cerr << "flood_generator: " << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Sends initiations at a steady rate out of an interface");
  Declare(app, options);
  CLI11_PARSE(app, argc, argv);
  PublicKey responder;
  if (options.kind != "garbage") {
    const auto key = jitwg::ParsePublicKey(options.public_key);
    if (!key) return Fail(key.error());
    responder = *key;
  }
  Flood flood(options, responder);
  if (const Status status = flood.Open(); !status) return Fail(status.error());
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t sent = flood.Run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << "{\"sent\":" << sent << ",\"seconds\":" << took.count() << "}\n";
  return 0;
}
