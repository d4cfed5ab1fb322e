#include "routesim/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>

namespace routesim {
namespace {

constexpr int kBarWidth = 40;

void draw(double share) {
  const int full = static_cast<int>(share * kBarWidth);
  const std::string bar = std::string(static_cast<std::size_t>(full), '#') +
                          std::string(static_cast<std::size_t>(kBarWidth - full), '.');
  std::fprintf(stderr, "\r  simulating [%s] %3d %%", bar.c_str(), static_cast<int>(share * 100));
}

}  // namespace

Progress::Progress(const std::atomic<std::uint64_t>& done, double expected, bool wanted) {
  if (!wanted || isatty(STDERR_FILENO) == 0) return;
  painter_ = std::jthread([&done, expected](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    bool drawn = false;
    auto pause = std::chrono::milliseconds(1'000);
    while (!wake.wait_for(lock, stop, pause, [&stop] { return stop.stop_requested(); })) {
      draw(std::min(1.0, static_cast<double>(done.load()) / std::max(1.0, expected)));
      drawn = true;
      pause = std::chrono::milliseconds(100);
    }
    if (drawn) std::fprintf(stderr, "\r\x1b[K");
  });
}

}  // namespace routesim
