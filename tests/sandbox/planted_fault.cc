// A program with one fault, planted in a process that is shut in as the daemons are:
// scripts/test-sanitized runs it to see that a fault in one of those would be noticed. Usage:
// planted_fault none|memory|leak|arithmetic|race|handler-race.
#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "lib/sandbox/start.h"

namespace {

using namespace jitwg;

int ReadFreedMemory(int index) {
  auto values = std::make_unique<int[]>(4);
  values[0] = index;
  const int* freed = values.get();
  values.reset();
  return freed[0];
}

int Forget(int count) {
  auto* lost = new int[static_cast<std::size_t>(count)];
  lost[0] = count;
  return lost[0];
}

int Overflow(int by) { return std::numeric_limits<int>::max() - 1 + by; }

int Race(int rounds) {
  int counter = 0;
  const auto count = [&counter, rounds] {
    for (int i = 0; i < rounds; ++i) ++counter;
  };
  std::thread other(count);
  count();
  other.join();
  return counter;
}

// Counts its calls without a lock.
class Counting final : public v1::HandshakeEvents::CallbackService {
 public:
  explicit Counting(int& counter) : counter_(counter) {}
  grpc::ServerUnaryReactor* GetStatistics(grpc::CallbackServerContext* context,
                                          const v1::GetStatisticsRequest* /*request*/,
                                          v1::GetStatisticsResponse* /*response*/) override {
    ++counter_;
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  int& counter_;
};

// Between a handler, which runs on a thread of gRPC's, and a thread of our own.
int RaceWithHandler(int calls) {
  int counter = 0;
  std::string folder = "/tmp/jitwg-planted-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 0;
  Counting service(counter);
  rpc::ServerOptions options;
  options.socket_path = folder + "/s.sock";
  const auto server = rpc::Server::Start(options, {&service});
  const auto channel = rpc::MakeChannel("unix:" + options.socket_path);
  if (!server || !channel) return 0;
  const auto stub = v1::HandshakeEvents::NewStub(*channel);
  std::jthread own([&counter](const std::stop_token& stop) {
    // Now and then: ThreadSanitizer remembers only so much of what a thread did since.
    while (!stop.stop_requested()) {
      ++counter;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int i = 0; i < calls; ++i) {
    grpc::ClientContext context;
    v1::GetStatisticsResponse response;
    rpc::SetTimeout(context, std::chrono::seconds(10));
    if (!stub->GetStatistics(&context, {}, &response).ok()) return 0;
  }
  own = {};
  std::filesystem::remove_all(folder);
  return counter;
}

}  // namespace

int main(int argc, char** argv) {
  LogOptions log;
  log.level = "error";
  if (const Status begun = sandbox::Begin(log, {}); !begun) {
    std::fprintf(stderr, "%s\n", begun.error().message.c_str());
    return 2;
  }
  const std::string fault = argc == 2 ? argv[1] : "";
  // Of the command line, so that no compiler knows what comes of it.
  const int some = argc;
  int result = 0;
  if (fault == "memory") {
    result = ReadFreedMemory(some);
  } else if (fault == "leak") {
    result = Forget(some);
  } else if (fault == "arithmetic") {
    result = Overflow(some);
  } else if (fault == "race") {
    result = Race(some * 1000);
  } else if (fault == "handler-race") {
    result = RaceWithHandler(some * 10);
  } else if (fault != "none") {
    return 2;
  }
  std::printf("%s: %d, and nobody noticed\n", fault.c_str(), result);
  return 0;
}
