#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.

#include "fare/inline_list.h"  // InlineList.
#include "fare/money.h"        // Cost, Money.
#include "fare/time.h"         // Duration, Instant.
#include "fare/tokens.h"       // Tokens.

namespace fare {

// A target of the router that made the decision: provider, model and what the policy says of them.
enum class TargetId : std::uint16_t {};

// The most candidates a rule may name, and the most attempts a plan may hold.
inline constexpr std::size_t kCandidatesMax = 32;
inline constexpr std::size_t kAttemptsMax = 8;

// Why a candidate stands where it stands.
enum class Verdict : std::uint8_t {
  kChosen,           // The first attempt.
  kFallback,         // A later attempt of the plan.
  kCostsMore,        // It would do, but another one is expected to cost less.
  kLessUseful,       // It would do, but another one has the better utility.
  kNotDrawn,         // It would do, but the draw of a split, canary or balance fell to another.
  kSwitchTooDear,    // Leaving the session's warm target for it costs more than the rule allows.
  kBelowFloor,       // Its predicted quality is below the rule's floor.
  kQualityUnknown,   // The rule has a floor, and no quality is predicted for this class.
  kTooSlow,          // Its predicted latency is above the bound, or ends after the deadline.
  kLatencyUnknown,   // There is a bound, and no latency is predicted.
  kContextTooShort,  // Input and expected output do not fit into its context.
  kOutputTooLong,    // More output is wanted than it can give.
  kLacksCapability,  // It lacks a required capability.
  kDenied,           // The rule denies it, or its region is not one that the rule allows.
  kUnpriced,         // No price is known for it now; what cannot be priced is not used.
  kEjected,          // It failed too often lately (fare/health.h).
  kRateLimited,      // No room under its rate limits (fare/rate_limit.h), or Router::hold().
  kOverBudget,       // Some budget has less left than it may cost.
  kOutputUnbounded,  // Neither request nor price table bounds its output, and a budget that must
                     // not be exceeded pays for it.
};

inline constexpr std::size_t kVerdictCount = 19;

// The stable, lower-case name: "below_floor".
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Candidate {
  TargetId target{};
  Verdict verdict = Verdict::kUnpriced;
  std::optional<Cost> expected_cost;  // Exact, for the expected output; nothing if unpriced.
  std::optional<double> quality;      // Predicted, 0 to 1.
  std::optional<Duration> latency;    // Predicted, until the last token; a century stands for more.
  Cost cache_effect;  // Of expected_cost: what it is above (writes) or below (reads) a cold price.
};

// Why a request gets no plan.  A refusal is an answer, not an error.
enum class Refusal : std::uint8_t {
  kNone,
  kUnknownClass,       // The request names a class that the policy does not.
  kUnknownCapability,  // It needs a capability that no target of the policy has.
  kUnknownOutput,      // Neither request nor policy says how much output to expect.
  kNoRule,             // No rule matches.
  kNoTarget,           // A rule matches, but every candidate was ruled out; see the verdicts.
  kTooManyOpen,        // More tickets are open than the router may hold.
  kUnknownScope,       // A scope that the budgets do not know.
  kOverBudget,         // Budgets refused every candidate that would do; see retry_at.
  kRateLimited,        // Rate limits refused some, budgets perhaps the others; see retry_at.
  kTooManyBudgets,     // More than kBudgetsPerTicketMax budgets apply to it.
};

inline constexpr std::size_t kRefusalCount = 11;

[[nodiscard]] std::string_view to_string(Refusal refusal);

// What the gateway is to do.
enum class Action : std::uint8_t {
  kServe,         // Call the targets of the plan.
  kAnswerCached,  // Give Request::cached_answer; no target is called, nothing is reserved.
  kDefer,         // Call the targets of the plan, later: they are a batch tier's.
};

// One step down the ladder that was taken.
struct Degradation {
  std::string_view step;     // The policy's name for it.
  bool by_forecast = false;  // Taken because the budget would run out early; else on refusal.
};

inline constexpr std::size_t kDegradeStepsMax = 8;

// Stands for an open request until it is settled.  Zero is no ticket.
enum class Ticket : std::uint64_t {};

// What the router decided, and why.  A value; it allocates nothing.  The views live until the
// ticket is settled, or, if there is none, until the next reload.
struct Decision {
  Refusal refusal = Refusal::kNone;
  Action action = Action::kServe;
  std::uint64_t generation = 0;         // Of the configuration whose TargetIds these are.
  Ticket ticket{};                      // To settle; none if refused or answered from the cache.
  std::string_view rule;                // The name of the rule that matched; empty if none did.
  std::string_view request_class;       // As given, or as classified; empty: neither.
  std::optional<double> quality_floor;  // The rule's.
  std::array<TargetId, kAttemptsMax> attempt{};
  std::uint8_t attempts = 0;
  // Everyone the rule named, its candidates first and then its fallbacks, each once.
  InlineList<Candidate, kCandidatesMax> candidates;

  InlineList<Degradation, kDegradeStepsMax> degradations;  // In the order they were taken.
  std::optional<Tokens> input_max;   // Of a step that shortens the context: tokens to keep.
  std::optional<Tokens> output_max;  // Of a step that caps the output.
  Money reserved;  // What the first attempt may cost at most; 0 if no budget pays for it.
  // Of a rule with a cascade: so many of the attempts, the first ones, are its stages.  Have the
  // answer of any but the last of them scored: one that gets less than `accept_min` is not good
  // enough; then ask top_up() for the next target of the plan, with that answer as the attempt
  // before.
  std::uint8_t stages = 0;
  std::optional<double> accept_min;
  // Of a rule that hedges: an attempt without its first token after so long may be hedged, see
  // Router::hedge().
  std::optional<Duration> hedge_after;
  // If refused: the first instant at which any candidate may do, as far as one is known.
  std::optional<Instant> retry_at;
  std::uint8_t soft_percent = 0;  // The highest soft threshold of a budget that was reached.
  bool would_refuse = false;      // A budget that only observes would have refused.
  double propensity = 1;          // The probability with which this first attempt was chosen.

  // The targets to try, in order, until one answers.
  std::span<const TargetId> plan() const { return {attempt.data(), attempts}; }
  std::span<const Candidate> considered() const { return {candidates.begin(), candidates.end()}; }
  // The candidate behind the first attempt.  REQUIRES: not refused, and an action with a plan.
  const Candidate& chosen() const;
};

}  // namespace fare
