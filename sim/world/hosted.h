#pragma once

#include <cstdint>      // std::uint32_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "base/json_reader.h"    // JsonNode, ObjectReader.
#include "fare/cache_rules.h"    // CacheRuleBook.
#include "fare/rate_limit.h"     // RateLimit.
#include "fare/time.h"           // Duration, Instant.
#include "fare/tokens.h"         // Tokens.
#include "world/hosted_cache.h"  // CacheModel.
#include "world/outage.h"        // OutagePlan.

namespace routesim {

// What a vendor lets an account ask for, and how it counts that.
struct HostedLimits {
  fare::RateLimit rate;                   // Requests, input and output; no slots.
  std::optional<bool> cache_reads_count;  // As input.  Nothing: as the cache's rules say.
  fare::Tokens output_estimate;           // What a request counts until it ends; then what it gave.
};

// How fast traffic may grow: in every window of `window` from the start of the run at most
// max(floor, growth * what was admitted in the window before) requests are admitted.
struct RampLimit {
  fare::Duration window{};  // Above 0.
  double growth = 1;        // At least 1.
  std::uint64_t floor = 1;  // At least 1.
};

// From an instant on, what is named here is so.
struct HostedChange {
  fare::Duration at{};  // Since the start of the run.
  std::optional<double> latency_factor;
  std::optional<double> failure_share;
  std::optional<std::uint32_t> concurrency;
  std::optional<HostedLimits> limits;  // Their buckets start full.
  std::vector<double> skill;           // By class, of a model that has one.  Empty: unchanged.
  bool retired = false;                // For good.
};

// How a hosted model behaves beyond its latencies; all of it may be left out.  Keys of the model's
// object in the scenario:
//   "queue_max": 50                     a longest line; needs "concurrency", here or in a change
//   "first_token_ms_per_1k_cached": 2   for input read from the cache
//   "load": {"first_token_ms_per_busy": 1.5, "output_share_per_busy": 0.01}
//                                       added for each other attempt in service at its start
//   "timeout_ms": 30000                 no first token so long after sending: the attempt ends
//   "timeout_share": 0.001              attempts that never give one; needs "timeout_ms"
//   "cut_share": 0.002                  streams that break, anywhere, and are billed until there
//   "refusal_ms": 20                    how long it takes to say no
//   "limits": {"requests_per_minute": 1000, "input_per_minute": 1e6, "output_per_minute": 2e5,
//              "burst_s": 60, "cache_reads_count": true, "output_estimate": 0}
//   "ramp": {"window_s": 60, "growth": 2, "floor": 100}
//   "outages": [OUTAGE, ...]            world/outage.h
//   "region": "us-east"                 one of the world's "regions"
//   "changes": [{"at": INSTANT, "latency_factor": 2, "failure_share": 0.1, "concurrency": 10,
//                "limits": {...}, "skill": ..., "retired": true}, ...]     in order of time
//   "cache": {...}                      world/hosted_cache.h
struct HostedPhysics {
  std::optional<std::uint32_t> queue_max;
  double first_token_ms_per_1k_cached = 0;
  double first_token_ms_per_busy = 0;
  double output_share_per_busy = 0;
  fare::Duration timeout{};  // 0: none.
  double timeout_share = 0;
  double cut_share = 0;
  fare::Duration refusal{};
  std::optional<HostedLimits> limits;
  std::optional<RampLimit> ramp;
  std::vector<OutagePlan> outages;
  std::optional<std::uint32_t> region;  // Index into World::regions.
  std::vector<HostedChange> changes;    // Ascending by time.
  std::optional<CacheModel> cache;
};

// What names in it may refer to.
struct HostedNames {
  fare::Instant start{};
  std::vector<std::string_view> regions;
  const fare::CacheRuleBook* cache_rules = nullptr;  // Null: there are none.
  const std::vector<std::string>& classes;           // Of the traffic.
};

// Reads the keys above from a model's object.  Anything wrong is recorded in its Problems.
void read_hosted(fare::ObjectReader& reader, const HostedNames& names, HostedPhysics& physics);

// A parser of a concurrency: 0 (no places at all) to 1e9.
std::optional<std::uint32_t> read_places(const fare::JsonNode& node);

}  // namespace routesim
