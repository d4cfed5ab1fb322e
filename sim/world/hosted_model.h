#pragma once

#include <cstdint>   // std::uint32_t.
#include <deque>     // std::deque.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/random.h"         // RandomKey.
#include "fare/rate_limit.h"     // RateLimits.
#include "fare/time.h"           // Duration, Instant.
#include "world/attempt.h"       // Ask, Entry, Fate, LineMove.
#include "world/hosted_cache.h"  // HostedCache.
#include "world/outage.h"        // Outages.
#include "world/quality.h"       // ModelQuality.
#include "world/world.h"         // World, WorldModel.

namespace routesim {

// One hosted model in one run: its places, the line before them, limits, faults and cache.  It
// tells what becomes of an attempt as delays, so that the run's queue of events is the only one:
//
//   Entry entry = model.send(ask, now, fate);   // kServed: serve(); kRefused: `fate` says how;
//                                               // kWaits: leave() or advance() will name its slot.
//   Fate fate = model.serve(ask, entry, now);   // It takes its place.
//   model.end(ask, entry, fate, now);           // At its end; then, if it had a place:
//   if (auto slot = model.leave(now)) ...       // Who is next in line: serve() that one.
//
// Deterministic in (world, seed, replication) and the order of calls.  Not thread-safe.  Every
// `now` is since the start of the run, and none is before an earlier one.  O(1), plus what the
// cache takes.  Memory grows with the line and what the cache holds.
class HostedModel {
 public:
  struct Options {
    std::uint64_t seed = 0;
    std::uint32_t replication = 0;
    fare::Instant start{};
  };
  // Model number `index` of the world, which must outlive it.
  HostedModel(const World& world, std::uint32_t index, const Options& options);

  bool charges_storage() const { return cache_ && cache_->charges_storage(); }

  // Its cache, if it has one.
  const HostedCache* cache() const { return cache_ ? &*cache_ : nullptr; }

  Entry send(const Ask& ask, fare::Duration now, Fate& refusal);
  Fate serve(const Ask& ask, const Entry& entry, fare::Duration now);
  void end(const Ask& ask, const Entry& entry, const Fate& fate, fare::Duration now);

  // Frees a place; the slot of the first in line, whose place it is now.
  std::optional<std::uint32_t> leave(fare::Duration now);

  // Takes an attempt out of the line whose caller has given up, instead of end().  O(1).
  // REQUIRES: it waits there.
  void withdraw(const Ask& ask, const Entry& entry, fare::Duration now);

  // When the line next moves by itself, for lack of patience or because a change gives it more
  // places or none; kNever if it does not.
  fare::Duration next_change() const;
  // The next move that is due at `now`; nothing if there is none.
  std::optional<LineMove> advance(fare::Duration now);

  // How good the answers of a phase are.
  const ModelQuality& quality(std::uint16_t phase) const { return phases_[phase].quality; }

  // What an answer's written tokens are billed as.
  fare::Meter write_meter() const;

  std::size_t waiting() const { return line_.size() - gone_; }
  std::uint32_t busy() const { return busy_; }

 private:
  // What holds from `from` on, with all changes until then.
  struct Phase {
    fare::Duration from{};
    double latency_factor = 1;
    double failure_share = 0;
    std::optional<std::uint32_t> concurrency;
    ModelQuality quality;
    bool retired = false;
    std::size_t limits = 0;  // Index into limits_.
  };
  struct Luck {
    explicit Luck(const Options& options);
    fare::RandomKey first_token;
    fare::RandomKey output_time;
    fare::RandomKey failure;
  };
  static constexpr std::uint32_t kGone = 0xffffffff;
  struct Waiting {
    std::uint32_t slot;  // kGone: withdrawn; never the first.
    fare::Duration sent;
  };

  struct Limits {
    std::unique_ptr<fare::RateLimits> rates;  // Null: not limited.
    bool needs_read = false;                  // What the cache reads does not count.
    fare::Tokens output_estimate;
  };

  void add_phase(const HostedChange& change);
  void add_limits(const std::optional<HostedLimits>& limits);
  const Phase& phase_at(fare::Duration now);
  // Why nobody is served now; kNone.
  Fault find_fault(const Phase& phase, fare::Duration now);
  Fate refuse(Fault fault, fare::Duration retry_after = {}) const;
  // Whether the limits and the ramp admit it; else how it is refused.
  std::optional<Fate> ask_limits(const Ask& ask, Entry& entry, fare::Duration now);
  std::optional<Fate> ask_ramp(fare::Duration now);
  fare::LimitUse estimate(const Ask& ask, const Entry& entry) const;
  void draw_times(const Ask& ask, const Entry& entry, const Phase& phase, Fate& fate) const;
  void draw_faults(const Ask& ask, const Phase& phase, fare::Duration now, Fate& fate) const;
  void meet_outages(fare::Duration now, Fate& fate);
  void pop_line();
  bool has_place(const Phase& phase) const {
    return !phase.concurrency || busy_ < *phase.concurrency;
  }

  const WorldModel& model_;
  fare::Instant start_;
  Luck luck_;
  std::vector<Phase> phases_;
  std::vector<Limits> limits_;
  std::size_t phase_ = 0;  // The present one.
  Outages outages_;
  Outages region_outages_;
  std::optional<HostedCache> cache_;
  std::uint32_t busy_ = 0;
  std::deque<Waiting> line_;
  std::uint64_t line_begin_ = 0;  // The place of the first in it.
  std::size_t gone_ = 0;          // Of it.
  fare::Duration ramp_from_{};    // The present window of the ramp, and what it admitted.
  std::uint64_t ramp_count_ = 0;
  std::uint64_t ramp_max_ = 0;
};

}  // namespace routesim
