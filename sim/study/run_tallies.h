#pragma once

#include <array>    // std::array.
#include <cstdint>  // std::uint64_t.

#include "fare/money.h"    // Cost, Int128.
#include "fare/time.h"     // Duration.
#include "fare/usage.h"    // kMeterCount, Tokens.
#include "world/faults.h"  // kFaultCount.

namespace routesim {

// What one model did and cost.
struct ModelTally {
  std::uint64_t attempts = 0;
  std::uint64_t failures = 0;
  std::uint64_t cancelled = 0;  // By whoever asked, or another answered first; no failures.
  std::uint64_t unseen = 0;     // Attempts at a model with a cache that had no prompt to go by.
  // Attempts that wrote into a cache whose vendor charges for keeping, which no cost here has.
  std::uint64_t kept = 0;
  std::uint64_t waits = 0;                           // Attempts that found all of its places taken.
  fare::Int128 waited_ns = 0;                        // The sum of their waits: 292 years are few.
  std::array<fare::Tokens, fare::kMeterCount> used;  // By meter.
  std::array<fare::Cost, fare::kMeterCount> cost;
  std::array<std::uint64_t, kFaultCount> faults{};  // By Fault; they add up to `failures`.
};

// What one self-hosted pool did, and what its GPUs cost: whoever owns them pays for that, whether
// or not anything is asked.  It is no part of RunResult::cost.
struct PoolTally {
  std::uint32_t model = 0;  // Index into World::models.
  std::int64_t gpus_per_replica = 1;
  fare::Int128 replica_ns = 0;  // Paid for, over all replicas.
  fare::Int128 busy_ns = 0;     // Of them, in iterations.
  fare::Cost cost;
  std::uint64_t preemptions = 0;
  std::uint64_t held = 0;          // Requests that found no replica ready.
  std::uint32_t replicas_max = 0;  // The most there ever were.

  // busy_ns / replica_ns; 0 without replicas.
  double utilisation() const {
    return replica_ns > 0 ? static_cast<double>(busy_ns) / static_cast<double>(replica_ns) : 0;
  }
};

// What one class or tenant did and cost.
struct GroupTally {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  fare::Cost cost;
};

}  // namespace routesim
