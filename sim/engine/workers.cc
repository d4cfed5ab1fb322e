#include "engine/workers.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "fare/check.h"

namespace routesim {

void run_all(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
  FARE_CHECK(threads >= 1);
  std::atomic<std::size_t> next{0};
  const auto take_turns = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> helpers;
  const std::size_t wanted = std::min<std::size_t>(threads, count);
  for (std::size_t i = 1; i < wanted; ++i) helpers.emplace_back(take_turns);
  take_turns();
}

}  // namespace routesim
