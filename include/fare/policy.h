#pragma once

#include <functional>   // std::function.
#include <memory>       // std::shared_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.

namespace fare {

struct PolicyData;  // What a policy holds inside.

// A policy that another one extends.
struct PolicyText {
  std::string file;  // Stands for it in messages; equal only for the same policy.
  std::string text;
};

// The policy that file `from` calls `name`.  Errors: there is none, or it cannot be read.
using FindPolicy =
    std::function<Expected<PolicyText>(std::string_view name, std::string_view from)>;

// Which targets may serve which requests, and what decides between them: an immutable value.
//
//   {"format": "fare-policy/1", "name": "tiered", "expected_output_tokens": 200,
//    "classes": [{"name": "simple", "expected_output_tokens": 120}, {"name": "complex"}],
//    "targets": [{"name": "haiku", "provider": "anthropic", "model": "claude-haiku-4-5",
//                 "region": "eu", "tier": "standard", "cache": "anthropic",
//                 "capabilities": ["tools"],
//                 "quality": {"simple": 0.93, "complex": 0.71},
//                 "latency": {"first_token_ms": 600, "ms_per_output_token": 9},
//                 "limits": {"requests_per_minute": 4000, "input_tokens_per_minute": 2000000,
//                            "output_tokens_per_minute": 400000, "concurrency": 200,
//                            "burst_share": 0.5, "cache_reads_count": false}}],
//    "health": {"failures_max": 5}, "retry": {"per_1000": 100}, "forecast": {"down_percent": 105},
//    "rules": [{"name": "legal",
//               "when": {"class": ["complex"], "tags": {"team": "legal"}, "scope": ["acme", "u:*"],
//                        "language": ["de"], "hours": {"zone": "Europe/Berlin", "from": "08:00",
//                        "until": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"]}},
//               "candidates": ["opus", "haiku"], "fallback": ["gpt"], "deny": ["gpt-us"],
//               "regions": ["eu"], "quality_floor": 0.8, "latency_bound_ms": 20000,
//               "objective": "min_cost", "session": {"pin": true, "switch_usd_max": "0.05"},
//               "canary": {"target": "sonnet", "percent": "2.5", "salt": "july"},
//               "degrade": [{"name": "short", "on": ["refusal", "forecast"],
//                            "cap_output_tokens": 300, "quality_cost": 0.02}]}]}
//
// A policy.  "expected_output_tokens" (1 to 1e12) is what a request is expected to write if it does
// not say itself: of its class, or of the whole policy.  At most 64 classes, 1,000 targets, 1,000
// rules, 64 capabilities.  "health" holds Breaker::Options by name (fare/health.h; durations as
// half_life_ms ... ramp_ms).  "retry": per_1000, saved_max (fare/retry.h), and attempts_max of one
// request, 1 to 8.  "forecast", for steps on forecast: a budget that will be spent above
// down_percent (1 to 1000; 100) of its limit at its window's end steps down, and up below
// up_percent (90); half_life_ms of what was spent (30 minutes), step_time_ms from one step to the
// next (5 minutes).
//
// A target.  Prices are those of its "tier" (standard, batch, flex, priority) and "region".  Its
// quality, 0 to 1, is the probability that its answer is good enough: one for all classes or one by
// class.  Limits are per minute, 1 to 1e12; `burst_share` (above 0 to 1; 1) of a minute may come at
// once.  "cache" names its rules in the CacheRuleBook; without, it is not cached.
//
// A rule.  The first rule whose `when` holds decides; a rule that is never reached is an error.
// `when` holds if all its parts do: the class is one of these; every tag is there; a scope of the
// request is one of these ("u:*": or begins so); the language is one of these ("de" covers
// "de-AT"); the clock of the zone is in one of the days' spans (until at or before from: past
// midnight).  Candidates compete: those that satisfy regions, floor, bound, context, capabilities,
// health, limits and budgets are ranked by the objective.  Fallbacks follow the winner in the order
// given, if they satisfy the same.  Together at most 32, fallbacks at most 7; those denied are
// neither, nor a canary or a step.
//
// "quality_floor": 0 to 1; or {"min": 0.8, "confidence": 0.9}: the floor must hold with that
// probability (0.5 to 0.999): the prediction q of a model, less z * sqrt(q (1 - q) / n), must reach
// it, z the normal quantile of the confidence and n the rows it held out (HeldOut::rows).  A
// quality that the policy states is taken as it stands.
// "objective": "min_cost", the default: the least expected cost; or one of
//   {"utility": {"usd_per_answer": "0.05", "usd_per_second": "0.001"}}: the greatest quality times
//     the worth of a good answer, less cost, less seconds; in dollars, up to a million;
//   {"threshold": {"strong": "opus", "weak": "haiku", "gain": 0.1}}: strong where its quality is
//     above weak's by more than the gain, -1 to 1;
//   {"split": {"a": 3, "b": 1}}: drawn by shares, 0 to 1e6;
//   {"balance": {"slack_percent": 5}}: of those within that of the least cost, the less loaded of
//     two drawn ones.  Percentages have at most four decimals, here up to 1000.
// "canary": that percentage of sessions, by a hash with the salt (else the rule's name), tries its
// target first.  "session": a conversation stays where it is warm, unless another target saves
// money and at most switch_usd_max was spent on switching.
// "cascade": {"true_accept": 0.9, "false_accept": 0.2, "accept_min": 0.5, "scorer_usd": "0.0001",
//   "scorer_ms": 20, "stages_max": 3}: asks cheap targets first and scores their answers
//   (fare/cascade.h).  Needs a floor, the objective min_cost and two candidates.
// "hedge": {"after_ms": 800, "scope": "hedges"}: who waits so long for a first token may ask
//   Router::hedge() for a second attempt beside the first, which that scope of the budgets pays
//   too.
// "degrade": at most 8 steps, the mildest first, each with one of "shorten_input_tokens",
//   "cap_output_tokens" (both with a "quality_cost" off every quality, 0 to 1), "candidates",
//   "cached_answer": true, "defer_to" (targets of the tier batch).  Steps add up; the floor holds
//   on each.  "on": refusal (the default), forecast, or both.
//
// "extends": "base.json": this policy is the base, which must be valid by itself, with changes.
// Classes and targets of the same name change by the keys given, rules as a whole; new rules stand
// in front of the base's.  Of health, retry and forecast the keys given change.
class Policy {
 public:
  // Reads a policy; `file` stands for it in messages.  `find` looks up what it extends; without, to
  // extend is an error.  Errors: everything wrong, each with its place and file.
  [[nodiscard]] static Expected<Policy> parse(std::string_view file, std::string_view text,
                                              const FindPolicy& find = {});

  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] std::string_view file() const;
  [[nodiscard]] std::vector<std::string_view> class_names() const;

  // The policy as one JSON document, with what it extends: no white space, keys sorted.
  [[nodiscard]] std::string_view text() const;

  // Identifies the content: 128-bit XXH3 of text().
  [[nodiscard]] std::string_view hash() const;

  const PolicyData& data() const { return *data_; }  // For the library itself.

 private:
  explicit Policy(std::shared_ptr<const PolicyData> data) : data_(std::move(data)) {}

  std::shared_ptr<const PolicyData> data_;
};

}  // namespace fare
