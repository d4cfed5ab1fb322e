#pragma once

#include <array>       // std::array.
#include <atomic>      // std::atomic.
#include <cstdint>     // std::uint64_t.
#include <functional>  // std::function.
#include <optional>    // std::optional.
#include <vector>      // std::vector.

#include "engine/histogram.h"    // Histogram.
#include "fare/decision.h"       // Refusal.
#include "fare/money.h"          // Cost.
#include "fare/router.h"         // Router, TopUpStatus.
#include "study/answer_tally.h"  // ScoringTally, EvaluationTally, QualityTally.
#include "study/run_tallies.h"   // ModelTally, PoolTally, GroupTally.
#include "study/scenario.h"      // Scenario, Variant.

namespace routesim {

// What one replication of one variant came to.  Sums are exact; nothing in it is rounded.
struct RunResult {
  // == answered + from_cache + failed + abandoned + all refusals.  Who asks again is another one.
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;    // By a model.
  std::uint64_t from_cache = 0;  // By the gateway's answer cache;
  std::uint64_t similar = 0;     // of them: on a step of the policy's ladder, to a similar request.
  std::uint64_t failed = 0;      // Every attempt of the plan failed.
  std::uint64_t abandoned = 0;   // Whoever asked gave up before the answer was whole.
  std::uint64_t retried = 0;     // Askings again after a refusal or failure,
  std::uint64_t escalated = 0;   // and after a bad answer; both are requests too.
  std::array<std::uint64_t, fare::kRefusalCount> refused{};  // By fare::Refusal.
  // Further attempts that the router did not grant, by fare::TopUpStatus.
  std::array<std::uint64_t, fare::kTopUpStatusCount> held_back{};
  std::uint64_t degraded = 0;          // Requests that took a step down a ladder.
  std::uint64_t refused_unpriced = 0;  // Of them: some candidate had no price at that instant.
  std::uint64_t not_priced = 0;        // Requests whose cost is not whole.
  std::uint64_t hedged = 0;            // Attempts sent beside a slow one; of them
  std::uint64_t hedges_won = 0;        // these answered first.
  std::uint64_t beyond_clock = 0;      // What would have come or ended a century after the start.
  std::uint64_t undeferred = 0;        // Requests to be sent later: runs send them at once.
  // == the sums by class and by tenant == that by model and meter + scoring.cost.  The router's own
  // books, and budgets in them, have all of it but the scores, which it is never asked to pay.
  fare::Cost cost;
  std::vector<ModelTally> by_model;   // As World::models.
  std::vector<PoolTally> pools;       // Of the models that are pools, in the same order.
  std::vector<GroupTally> by_class;   // As TrafficModel::classes.
  std::vector<GroupTally> by_tenant;  // As TrafficModel::tenants.
  // From arrival, of answered requests.  An answer that is scored is held back until it is given as
  // a whole: its first token comes with its last one.
  Histogram first_token;
  Histogram end_to_end;
  ScoringTally scoring;
  EvaluationTally evaluation;
  std::vector<EvaluationTally> by_window;  // By Evaluation::window, from the start of the run on.
  QualityTally quality;
  std::uint64_t judged = 0;       // Answers whose quality is known.
  double quality_sum = 0;         // Over them.
  std::uint64_t with_floor = 0;   // Those of them whose rule has a floor.
  std::uint64_t above_floor = 0;  // Those whose quality reaches it.
  fare::Duration length{};        // From the start to the last event; of several, the longest.
  fare::Int128 in_flight_ns = 0;  // The integral of the number of open requests over time.
  fare::Int128 sojourn_ns = 0;    // The sum of the times that requests were open.

  std::uint64_t refusals() const;
};

// How one request that was not refused ended.
struct RequestEnd {
  std::uint64_t index = 0;  // As Arrival::index.
  fare::Duration arrived{};
  fare::Duration ended{};
  fare::Duration waited{};  // In lines, over all attempts.
  std::uint32_t found = 0;  // How many were open when it came.
  bool answered = false;
  std::optional<bool> good = {};  // Whether the answer was, if it was given and that is known.
};

// Watches a run, for those who need more than sums.
class RunObserver {
 public:
  virtual ~RunObserver() = default;

  // Is told of each request as it ends.
  virtual void on_end(const RequestEnd&) {}

  // Looks at the router: when the run begins, and again whenever it asked to, as long as anything
  // still happens; when it wants to look next, later than `now`, or nothing.
  virtual std::optional<fare::Instant> look(const fare::Router&, fare::Instant /*now*/) {
    return std::nullopt;
  }
  // Looks once more when everything is over.
  virtual void look_last(const fare::Router&, fare::Instant /*now*/) {}
};

// Replays the scenario's traffic of one replication through a real fare::Router, its users reacting
// to what they get.  Deterministic in (scenario, variant, replication).  Adds to `progress` once
// for every thousand requests that come by themselves.
//
// Under a rule with a cascade the answer of every stage but the last is scored by the variant's
// scorer, at its price and after its delay.  One whose grade is below accept_min sends the request
// on, if top_up() grants a further attempt; if none is granted, or none of them answers, the last
// answer is given: a plan's last answer is taken whatever it is worth (fare/cascade.h).
//
// Under a rule that hedges, the next target of the plan is asked too once a try has no first token
// after hedge_after, if Router::hedge() grants it.  Who answers first is taken; the other is cut
// off, and costs what it has given.
//
// At the end the invariants of the run are checked, always: every request has one end, every ticket
// is settled, costs sum to the same total by model and score, by class, by tenant and, less the
// scores, in the router's own books.  A broken one is a failed FARE_CHECK.  `observer` may be null.
RunResult run_once(const Scenario& scenario, const Variant& variant, std::uint32_t replication,
                   std::atomic<std::uint64_t>& progress, RunObserver* observer = nullptr);

// Who watches a replication of a variant, given by their numbers; null: nobody.
using ObserverOf = std::function<RunObserver*(std::size_t, std::uint32_t)>;

// All replications of some variants: result[variant][replication].  `threads` changes only how long
// it takes.  `observer_of` is called from any of them.
std::vector<std::vector<RunResult>> run_all_replications(
    const Scenario& scenario, const std::vector<const Variant*>& variants, unsigned threads,
    std::atomic<std::uint64_t>& progress, const ObserverOf& observer_of = {});

}  // namespace routesim
