#include "spend/spin_lock.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace fare {
namespace {

// Goal: nothing that it guards is lost, however hot it is from threads that press for it.
TEST(SpinLockTest, GuardsWhatThreadsPressFor) {
  constexpr int kThreads = 8;
  constexpr std::int64_t kTurns = 100'000;
  SpinLock lock;
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t torn = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::int64_t turn = 0; turn < kTurns; ++turn) {
        const std::scoped_lock guard(lock);
        torn += first != second;
        ++first;
        ++second;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(first, kThreads * kTurns);
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace fare
