#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.
#include <vector>    // std::vector.

#include "fare/config.h"      // Config.
#include "fare/expected.h"    // Expected.
#include "fare/policy.h"      // Policy.
#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant.
#include "study/judging.h"    // Judging.
#include "study/spending.h"   // Spending.
#include "traffic/traffic.h"  // TrafficModel.
#include "world/world.h"      // World.

namespace routesim {

// Answers that a gateway's cache holds to other requests that are much the same: a policy's step
// "cached_answer" may give them (fare/policy.h).
struct SimilarAnswers {
  std::int64_t requests_per_million = 0;  // Of those that do not hit: that there is one for.
  double quality = 0;                     // The probability that it is good enough.
};

// A gateway's own cache of whole answers: a hit costs nothing and reaches no model.
struct AnswerCache {
  std::int64_t hits_per_million = 0;  // The share of requests that hit.
  bool exact = false;                 // Hits are dealt in exact proportion within each class, not
                                      // drawn at random.
  fare::Duration latency{};           // Of whatever comes from it.
  std::optional<SimilarAnswers> similar = {};
};

// One side of the question: a policy, and what the gateway around it does.
struct Variant {
  std::string name;  // The policy's.
  fare::Policy policy;
  std::optional<AnswerCache> answer_cache;
  std::optional<Spending> spending = {};  // Without: nothing is limited by money.
  Judging judging = {};
};

// A question as data: traffic, world, prices, policies, and how often to try.
struct Scenario {
  std::string name;
  std::string question;                  // What a reader should ask of it, in a sentence or two.
  std::vector<std::string> assumptions;  // What is not known and was assumed.
  fare::Instant start{};                 // When the run begins; prices are those of that day.
  std::uint64_t seed = 1;
  std::uint32_t replications = 10;
  TrafficModel traffic;
  World world;
  fare::PriceBook prices;
  std::optional<fare::CacheRuleBook> cache_rules;  // Of the folders beside the price tables.
  std::vector<Variant> variants;
};

// What a variant's router is made from.
[[nodiscard]] fare::Config config_of(const Scenario& scenario, const Variant& variant);

// What a command line may change.
struct ScenarioOverrides {
  std::optional<std::uint64_t> seed = {};
  std::optional<std::uint32_t> replications = {};
  std::optional<std::string> trace = {};  // A path of a recording, as study/recording.h has it,
  std::string trace_format = "auto";      // instead of the scenario's.
  bool open_loop = false;
  std::optional<std::string> prices = {};  // A folder or file instead of the scenario's.
  std::vector<std::string> policies = {};  // Files of more policies; each is named by its path.
  // The judge who scores their cascades; else the only one whom the scenario's policies name.
  std::optional<std::string> scorer = {};
};

// Reads a scenario:
//   {"format": "fare-scenario/1", "name": "...", "question": "...", "assumptions": ["..."],
//    "start": "2026-11-23T00:00:00Z", "seed": 1, "replications": 10,
//    "prices": ["../pricing"],           folders or files, relative to the scenario
//                                        with a folder "cache" of cache rules in or beside them
//    "extra_prices": [PRICE FILE, ...],  inline, for models that exist only here
//    "traffic": {...}, "world": {...},
//    "recording": RECORDING (see study/recording.h) in the place of the traffic's times and more
//    "policies": [{"policy": POLICY or "file.json", "answer_cache": {"hit_share": "0.4",
//                  "mix": "random" | "exact", "latency_ms": 20,
//                  "similar": {"share": "0.3", "quality": 0.8}},
//                  "spending": SPENDING (see study/spending.h),
//                  "scorer": "rubric", "evaluation": {...} (see study/judging.h)}]}
// Every target of every policy must be a model that the world has, and every class of the traffic
// one that the policy knows.  A policy with a cascade needs a scorer, and models whose quality the
// world says.
//
// The "outcomes" of a world:
//   {"file": "outcomes.jsonl", "format": "lines", "split": "test"}
// `format`: JSON lines as fare/outcome_data.h reads them, the default; or the folder of a published
// data set, as `learn convert` names it (study/outcome_layouts.h): "routellm", "routerbench",
// "tiers".  `split`: only its rows, "train" or "test".
// Errors: everything that is wrong in the scenario and the files it names, in one go.
[[nodiscard]] fare::Expected<Scenario> load_scenario(const std::string& path,
                                                     const ScenarioOverrides& overrides);

// Reads price tables: one JSON file, or all of a folder but schema.json, in the order of their
// names.
[[nodiscard]] fare::Expected<fare::PriceBook> load_prices(const std::vector<std::string>& paths);

}  // namespace routesim
