#include "engine/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace routesim {
namespace {

TEST(WorkersTest, EveryCallHappensOnce) {
  for (const unsigned threads : {1u, 2u, 7u}) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
      std::vector<std::atomic<int>> calls(count);
      run_all(count, threads, [&](std::size_t i) { ++calls[i]; });
      for (const auto& call : calls) EXPECT_EQ(call, 1);
    }
  }
}

}  // namespace
}  // namespace routesim
