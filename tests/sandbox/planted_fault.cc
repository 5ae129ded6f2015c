// A program with one fault, planted in a process that is shut in as the daemons are:
// scripts/test-sanitized runs it to see that a fault in one of those would be noticed. Usage:
// planted_fault none|memory|leak|arithmetic|race.
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "lib/sandbox/start.h"

namespace {

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

}  // namespace

int main(int argc, char** argv) {
  using namespace jitwg;
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
  } else if (fault != "none") {
    return 2;
  }
  std::printf("%s: %d, and nobody noticed\n", fault.c_str(), result);
  return 0;
}
