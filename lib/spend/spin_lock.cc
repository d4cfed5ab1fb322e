#include "spend/spin_lock.h"

#include <sched.h>

#include <algorithm>

namespace fare {
namespace {

// A wait is so many pauses of the processor, which take 10 to 40 ns, doubled once for each degree
// of heat: from 0.04 to 20 microseconds, or up to 80.
constexpr int kPauses = 4;
// Sixteenths of a degree: a wait after which it is still taken adds a degree, one that was enough
// takes a sixteenth off.  So it grows hot if more than one wait in 17 is in vain.
constexpr int kDegree = 16;
constexpr int kHeatMax = 9 * kDegree;
// After so many waits for one turn the holder may be asleep.
constexpr int kPatience = 32;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void SpinLock::wait() {
  const int before = heat_.load(std::memory_order_relaxed);
  const int pauses = kPauses << before / kDegree;
  int waits = 0;
  do {
    if (++waits > kPatience) sched_yield();
    for (int i = 0; i < pauses; ++i) pause();
  } while (is_taken_.load(std::memory_order_relaxed) || take());
  const int heat = before + (waits > 1 ? kDegree : -1);
  heat_.store(static_cast<std::uint8_t>(std::clamp(heat, 0, kHeatMax)), std::memory_order_relaxed);
}

}  // namespace fare
