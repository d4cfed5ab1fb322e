#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.

#include "base/fetch.h"           // fetch.
#include "fare/decision.h"        // Decision.
#include "fare/outcome.h"         // Settlement.
#include "fare/router.h"          // RouterStats.
#include "study/open_requests.h"  // Open.
#include "study/run.h"            // RunResult.

namespace routesim {

// Keeps the books of a run: every count and sum of its RunResult, each in one place.
class RunBooks {
 public:
  explicit RunBooks(const Scenario& scenario);

  const RunResult& result() const { return result_; }

  // Time passes while so many requests are open.
  void pass(fare::Duration by, std::uint32_t open) {
    result_.in_flight_ns += static_cast<fare::Int128>(by.count()) * open;
  }
  void arrive(const Arrival& arrival);
  // Lets the processor fetch what a request of this tenant will be booked in.
  void fetch(std::uint32_t tenant) const { fare::fetch(result_.by_tenant[tenant]); }
  void answer_from_cache(fare::Duration latency);
  void answer_as_similar(const fare::Decision& decision, fare::Duration latency) {
    ++result_.similar;
    route(decision);
    answer_from_cache(latency);
  }
  void refuse(const Arrival& arrival, const fare::Decision& decision);
  void route(const fare::Decision& decision) {
    if (decision.action == fare::Action::kDefer) ++result_.undeferred;
    result_.degraded += decision.degradations.empty() ? 0 : 1;
  }
  void hold_back(fare::TopUpStatus why) { ++result_.held_back[static_cast<std::size_t>(why)]; }

  // A second attempt is sent beside a slow one; it answers first.
  void hedge() { ++result_.hedged; }
  void win_hedge() { ++result_.hedges_won; }

  // One attempt's life: sent; in line; out of it; failed.
  void send(std::uint32_t model) { ++result_.by_model[model].attempts; }
  void send_unseen(std::uint32_t model) { ++result_.by_model[model].unseen; }
  void wait(std::uint32_t model) { ++result_.by_model[model].waits; }
  void leave_line(std::uint32_t model, fare::Duration waited) {
    result_.by_model[model].waited_ns += waited.count();
  }
  void fail(std::uint32_t model, Fault fault);

  // Its model's vendor charges for keeping what it wrote into a cache.
  void keep(std::uint32_t model) { ++result_.by_model[model].kept; }

  // Something would have happened after the clock's end.
  void end_clock() { ++result_.beyond_clock; }

  // Somebody will ask again, after a bad answer or after none.
  void ask_again(bool escalated) { ++(escalated ? result_.escalated : result_.retried); }

  // An answer is scored: what that costs is the request's at once.  Then it is accepted or not.
  void score(const Arrival& arrival, fare::Cost cost, fare::Duration delay);
  void accept(bool accepted) { ++(accepted ? result_.scoring.accepted : result_.scoring.rejected); }
  // An answer is judged beside the traffic; with a window, it is the window's of that index too.
  void evaluate(const EvaluationTally& one, std::optional<std::size_t> window);

  // A request's end: answered, failed, or abandoned; then what it cost.
  void answer(const Open& open, fare::Duration first_token, fare::Duration now);
  void answer_after(std::uint32_t stages, bool was_rejected) {
    ++result_.scoring.by_stage[stages - 1];
    result_.scoring.kept += was_rejected ? 1 : 0;
  }
  void grade(const AnswerQuality& quality, const std::optional<double>& floor);
  void give_up() { ++result_.failed; }
  void abandon() { ++result_.abandoned; }
  void cancel(std::uint32_t model) { ++result_.by_model[model].cancelled; }
  void settle(const Open& open, const fare::Settlement& settlement, fare::Duration now);

  // What a pool came to.
  void close_pool(const PoolTally& tally) { result_.pools.push_back(tally); }

  // Closes the books.  A broken invariant is a failed FARE_CHECK: see run_once().
  RunResult close(fare::Duration length, const fare::RouterStats& stats);

 private:
  void check(const fare::RouterStats& stats) const;

  RunResult result_;
};

}  // namespace routesim
