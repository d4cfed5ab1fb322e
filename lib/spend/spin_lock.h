#pragma once

#include <atomic>   // std::atomic.
#include <cstdint>  // std::uint8_t.

namespace fare {

// A lock of four bytes for sections of some nanoseconds: unlike std::mutex it fits beside what it
// guards, and costs one atomic exchange.
//
// Whoever finds it taken waits the longer, up to some microseconds, the more often it was taken
// still after a wait: threads that press for one lock then take it in runs, each with the guarded
// memory in its own cache, instead of passing both to and fro.  Where threads seldom meet, a wait
// is short.  After long others are let run, so a holder that was put to sleep is not kept from
// waking.
class SpinLock {
 public:
  void lock() {
    if (take()) wait();
  }
  void unlock() { is_taken_.store(false, std::memory_order_release); }

 private:
  // Whether it was taken before.
  bool take() { return is_taken_.exchange(true, std::memory_order_acquire); }
  void wait();

  std::atomic<bool> is_taken_ = false;
  std::atomic<std::uint8_t> heat_ = 0;  // Set by who holds it, after a wait.
};

}  // namespace fare
