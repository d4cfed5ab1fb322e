#pragma once

#include <cstdint>  // std::uint64_t.
#include <mutex>    // std::scoped_lock.

#include "fare/retry.h"       // RetryBudget.
#include "spend/spin_lock.h"  // SpinLock.

namespace fare {

// The retry budget of all requests together.  Requests are counted where they are routed, each in
// its own shard, and come in here only when somebody wants to try again.  Thread-safe.
class RetryGate {
 public:
  // Another budget starts empty; the same one goes on.
  void set(const RetryBudget::Options& options, std::uint64_t routed) {
    const std::scoped_lock guard(lock_);
    if (options.per_1000 == options_.per_1000 && options.saved_max == options_.saved_max) return;
    options_ = options;
    budget_ = RetryBudget(options);
    seen_ = routed;
  }

  // Takes one further attempt; `routed` is how many requests have come so far.
  bool take(std::uint64_t routed) {
    const std::scoped_lock guard(lock_);
    if (routed > seen_) {
      budget_.add_requests(routed - seen_);
      seen_ = routed;
    }
    return budget_.take();
  }

  // Gives one back that was not made.
  void give_back() {
    const std::scoped_lock guard(lock_);
    budget_.give_back();
  }

 private:
  SpinLock lock_;
  RetryBudget::Options options_;
  RetryBudget budget_{RetryBudget::Options{}};
  std::uint64_t seen_ = 0;
};

}  // namespace fare
