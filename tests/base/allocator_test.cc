#include "lib/base/allocator.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace jitwg {
namespace {

int ArenasInUse() {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const memory = ::open_memstream(&text, &size);
  ::malloc_info(0, memory);
  std::fclose(memory);
  const std::string told(text, size);
  std::free(text);
  int count = 0;
  for (std::size_t at = told.find("<heap nr="); at != std::string::npos;
       at = told.find("<heap nr=", at + 1)) {
    ++count;
  }
  return count;
}

TEST(Allocator, ThreadsShareFewArenas) {
  LimitArenas();
  constexpr int kThreads = 24;
  std::latch all(kThreads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&all] {
      const std::vector<char> kept(1000, 'x');
      all.arrive_and_wait();
    });
  }
  threads.clear();
  EXPECT_GE(ArenasInUse(), 1);
  EXPECT_LE(ArenasInUse(), kArenas);
}

}  // namespace
}  // namespace jitwg
