#pragma once

#include <atomic>    // std::atomic.
#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/health.h"          // Breaker.
#include "fare/latency.h"         // TargetLatency, DecayingMean.
#include "fare/outcome.h"         // Attempt.
#include "fare/router_report.h"   // TargetState.
#include "policy/policy_data.h"   // LatencyPrior.
#include "router/target_cache.h"  // TargetCache.
#include "spend/spin_lock.h"      // SpinLock.

namespace fare {

// How fast what was learnt is forgotten: halves of weight in so long.
inline constexpr Duration kLatencyHalfLife = std::chrono::minutes(5);
inline constexpr Duration kOutputHalfLife = std::chrono::hours(1);

// Outputs reserved in BudgetMode::kExpected: this share of answers is at most so long.  Until the
// answers seen lately are worth `kOutputsMin`, the upper bound is reserved.
inline constexpr double kOutputQuantile = 0.9;
inline constexpr double kOutputsMin = 32;

// What has been learnt of one target, by whatever configuration; found by the target's name.
// Thread-safe, with a lock of its own; what a decision asks of healthy targets, and whether one is
// held, is read without it.  Allocates only when it is made, and in set_classes().
class TargetRecord {
 public:
  // `id`: of this record alone, for as long as its router lives; not 0.
  TargetRecord(std::string name, std::uint64_t id, const Breaker::Options& health);

  const std::string& name() const { return name_; }
  std::uint64_t id() const { return id_; }

  // Goes on under other options; what was learnt stays.
  void set_health(const Breaker::Options& health);
  // Makes room for these classes' outputs, by name, and one for unclassified requests; gives the
  // place of each, that one last.  What was learnt of a class stays with its name.
  std::vector<std::uint32_t> set_classes(const std::vector<std::string>& names);

  // Whether it may be sent a request now; without a lock while it is healthy.
  struct Health {
    double share = 1;
    bool wants_probe = false;
    Instant probes_at{};  // Meaningful unless `share` is above 0.
  };
  Health health(Instant now) const {
    return is_unwell_.load(std::memory_order_acquire) ? ask_health(now) : Health{};
  }

  // Its vendor wants no request until then (retry-after); an earlier word may not shorten it.
  // False, and nothing is changed, if that is more than a day from now.  Without a lock.
  bool hold(Instant until, Instant now);
  // It is sent nothing before then; in the past if it is not held.
  Instant held_until() const {
    return Instant(Duration(held_until_.load(std::memory_order_relaxed)));
  }

  // An attempt begins: false, and it must not, if it was a probe, and another took the turn.
  bool begin(bool is_probe, Instant now);
  // It ended: teaches health, latency and output length.
  void end(const Attempt& attempt, std::uint32_t output_place, Instant now);
  // It was never sent, or nobody knows what became of it.
  void forget(bool was_probe, Instant now);

  // Until the last of `output` tokens; by `prior`, if there is one, as far as it is not known
  // better.  Without a lock.
  std::optional<Duration> predict(const std::optional<LatencyPrior>& prior, Tokens output,
                                  Instant now) const;

  // Peak of its first-token time, which goes towards `prior`; for balancing.
  double peak_ns(double prior, Instant now) const;
  std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }

  // A bound that kOutputQuantile of its answers keep; nothing if too few were seen.
  std::optional<double> output_upper(std::uint32_t place, Instant now) const;

  TargetState state(Instant now) const;

  // Goes on by these rules of its prompts.
  void set_cache(const CacheRules& rules);

  // For whoever restructures:
  std::uint32_t users = 0;             // Configurations that have it.
  std::optional<LimitId> limit;        // Its rate limit, the last time it had one.
  std::unique_ptr<TargetCache> cache;  // Made when it is first needed, and there from then on.

 private:
  // A mean as readers see it, as of `at_`.
  struct Published {
    std::atomic<double> weight = 0;
    std::atomic<double> mean = 0;
  };

  Health ask_health(Instant now) const;
  void publish(Published& to, const DecayingMean& from, Instant now);

  std::string name_;
  std::uint64_t id_;
  mutable SpinLock lock_;
  Breaker breaker_;
  TargetLatency latency_;
  std::vector<std::string> output_names_;
  std::vector<DecayingMean> outputs_;
  std::atomic<bool> is_unwell_ = false;  // Its breaker was not closed when an attempt ended.
  std::atomic<std::int64_t> held_until_ = Instant::min().time_since_epoch().count();
  std::atomic<std::uint32_t> open_ = 0;
  std::atomic<std::int64_t> published_at_ = 0;
  Published first_;
  Published each_;
};

}  // namespace fare
