#pragma once

#include <sched.h>  // sched_yield.
#include <atomic>   // std::atomic.
#include <cstdint>  // std::uint32_t.

namespace fare {

// A lock of four bytes for sections of some nanoseconds: unlike std::mutex it fits beside what it
// guards, and costs one atomic exchange.  Whoever waits long lets others run, so a holder that was
// put to sleep is not kept from waking.
class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(1, std::memory_order_acquire) != 0) wait();
  }
  void unlock() { locked_.store(0, std::memory_order_release); }

 private:
  static constexpr int kSpins = 100;

  void wait() {
    for (int i = 0; locked_.load(std::memory_order_relaxed) != 0; ++i) {
      if (i < kSpins) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      } else {
        sched_yield();
      }
    }
  }

  std::atomic<std::uint32_t> locked_ = 0;
};

}  // namespace fare
