#pragma once

#include <atomic>   // std::atomic.
#include <cstdint>  // std::uint64_t.
#include <thread>   // std::jthread.

namespace routesim {

// A progress bar on stderr, drawn from a second after its construction until its destruction, which
// wipes it.  Draws nothing unless stderr is a terminal and `wanted`.
class Progress {
 public:
  Progress(const std::atomic<std::uint64_t>& done, double expected, bool wanted);

 private:
  std::jthread painter_;
};

}  // namespace routesim
