#pragma once

// Start here.
//
//   auto prices = fare::PriceBook::parse(sources);                  // pricing/*.json, read by you.
//   auto policy = fare::Policy::parse("policy.json", text);
//   auto router = fare::Router::create({*prices, *policy}, now);    // Or every reason why not.
//
//   fare::Decision decision = (*router)->route(request, now);       // About a microsecond.
//   // Try decision.plan() in order until a target answers, asking top_up() before each further
//   // attempt, then report all attempts:
//   fare::Settlement settlement = (*router)->settle(decision.ticket, {attempts}, now);
//
// The router reads no clock, draws no random number, performs no I/O and starts no thread.  The
// simulator calls this very class, so what was simulated is what runs.

#include <cstddef>      // std::size_t.
#include <memory>       // std::unique_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/config.h"         // Config.
#include "fare/decision.h"       // Decision.
#include "fare/expected.h"       // Expected.
#include "fare/ledger_report.h"  // BudgetReport.
#include "fare/outcome.h"        // Outcome, Settlement.
#include "fare/rate_limit.h"     // VendorState.
#include "fare/request.h"        // Request.
#include "fare/router_report.h"  // RouterStats, TargetFacts, TargetState, RouterReload, TopUp.

namespace fare {

// Decides which target serves a request, and reserves what that may cost.  Thread-safe: any number
// of threads may call any function at the same time; reload() waits for other reload()s only.
//
// What is promised of money, where Config has budgets: a strict budget is exceeded by exactly 0
// whatever the threads, retries and aborted streams do, as long as no attempt costs more than its
// input tokens as counted, and its output cap (the request's, the model's, or what its context
// leaves: the least), at the worst rates of text that apply under the target's tier and region at
// the instant it is asked for, which is to be Attempt::started.  An attempt is paid for before it
// is made: the first one by route(), each further one by top_up().
class Router {
 public:
  // Errors: a target whose model the price book does not know, knows from several providers, or has
  // no price for at `now`; budgets that are not valid; a class of the model that the policy lacks;
  // all of them at once, with their place.  After those: what was spent before in a budget that is
  // not there.
  [[nodiscard]] static Expected<std::unique_ptr<Router>> create(Config config, Instant now);

  // Decides and reserves.  About a microsecond for 20 candidates and four budgets.  Allocates
  // nothing, except that tables grow, by doubling, when more tickets are open than ever before.
  // REQUIRES: 0 <= request.input <= kTokensMax, and likewise for the other token counts; at most
  // kScopesMax scopes.
  [[nodiscard]] Decision route(const Request& request, Instant now);

  // Asks for a further attempt on `target`, one of the decision's plan: may it be made, and paid
  // for?  Reserves it, under budgets and rate limits.  `last` is the attempt that ended just now,
  // and its target's health learns from it at once: it failed, and then the retry budget must allow
  // another; or it answered, not well enough (Decision::accept_min).  Refused, the ticket stays as
  // it was: try the next target, or settle.
  [[nodiscard]] TopUp top_up(Ticket ticket, const Attempt& last, TargetId target, Instant now);

  // Asks for a second attempt on `target`, one of the decision's plan, beside the only one under
  // way, which was granted Decision::hedge_after ago and has not begun to answer.  Reserves it as
  // top_up() does, retry budget included, and besides in the scope that the rule names: so hedges
  // never cost more than its budgets hold.  Whoever begins first may go on; cancel the other, and
  // report both to settle(), in the order they were granted: the other as AttemptEnd::kCancelled,
  // which is no failure of its target, and is charged with what was reserved unless its usage is
  // given.  Refused, the ticket stays as it was.
  [[nodiscard]] TopUp hedge(Ticket ticket, TargetId target, Instant now);

  // Asks for more output on the attempt that was granted last, in all `output` tokens: when a
  // stream passes the bound it was reserved with.  Refused, the ticket stays as it was: cut the
  // stream. kNotInPlan: it is not under way.
  [[nodiscard]] TopUpStatus extend(Ticket ticket, Tokens output, Instant now);

  // Closes a ticket with what the attempts used, and prices each of them exactly.  Idempotent: only
  // the first call counts.  A failed attempt without usage is taken as not billed, a stream that
  // was cut off (AttemptEnd::kCutOff) by the budgets' AbortPolicy; an answer without usage is
  // `kUsageMissing`, not free: it settles at what was reserved.  An attempt that was granted and is
  // not among them was never sent.  Teaches health, latency and output lengths.  Allocates nothing.
  // REQUIRES: at most kAttemptsMax attempts, all of them on targets of the decision's plan; counts
  // in [0, kTokensMax].
  Settlement settle(Ticket ticket, const Outcome& outcome, Instant now);

  // Closes every ticket whose deadline (Config::ticket_life after its last reservation) is at or
  // before `now`, by the budgets' ExpiryPolicy; returns how many.  Cheap if there is nothing to do.
  std::size_t expire(Instant now);

  // Takes in what a vendor's headers say of a target's limits: tighter, never looser than
  // configured.  False, and nothing is changed: the target has no limits in the policy, or where
  // RateLimits::observe() says so.
  bool observe(TargetId target, const VendorState& state, Instant now);

  // Sends a target nothing until then: the retry-after of a 429, whether or not the policy limits
  // it.  route() passes it over as kRateLimited, or as kEjected if it is that too, with `until` for
  // a retry_at; as a fallback it stays in the plan, for top_up() and hedge() to refuse as long as
  // it is held.  What ends earlier does not shorten it; it goes on by the target's name over any
  // reload().  False, and nothing is changed, if `until` is more than a day from now, which is
  // hardly meant.  Allocates nothing.
  bool hold(TargetId target, Instant until, Instant now);

  // Takes a new configuration: validated off path, swapped once.  Decisions made before it settle
  // as they were made.  Budgets, health, latencies, rate limits and holds go on by stable ids:
  // scope and budget ids, target names.  A limit below what is spent blocks.  TargetIds of new
  // decisions are those of the new policy; those of an open ticket's plan stay what they were.
  // Errors: create()'s, and tickets still open from 63 earlier configurations; then nothing
  // changed.
  [[nodiscard]] Expected<RouterReload> reload(Config config, Instant now);

  [[nodiscard]] RouterStats stats() const;
  [[nodiscard]] TargetFacts target(TargetId target) const;
  [[nodiscard]] TargetState state(TargetId target, Instant now) const;
  [[nodiscard]] std::size_t targets() const;   // TargetIds are 0 ... targets() - 1.
  [[nodiscard]] const Config& config() const;  // Until the next reload.

  // The books, as Ledger::report(); empty without budgets.
  [[nodiscard]] std::vector<BudgetReport> budgets(Instant now) const;

  // A decision in words, one line a candidate, for logs and people.
  [[nodiscard]] std::string explain(const Decision& decision) const;

  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

 private:
  struct State;
  explicit Router(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fare
