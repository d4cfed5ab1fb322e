#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string_view>  // std::string_view.

#include "fare/money.h"  // Cost.
#include "fare/time.h"   // Duration.

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
  kBelowFloor,       // Its predicted quality is below the rule's floor.
  kQualityUnknown,   // The rule has a floor, and no quality is predicted for this class.
  kTooSlow,          // Its predicted latency is above the bound.
  kLatencyUnknown,   // There is a bound, and no latency is predicted.
  kContextTooShort,  // Input and expected output do not fit into its context.
  kOutputTooLong,    // More output is wanted than it can give.
  kLacksCapability,  // It lacks a required capability.
  kUnpriced,         // No price is known for it now; what cannot be priced is not used.
};

// The stable, lower-case name: "below_floor".
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Candidate {
  TargetId target{};
  Verdict verdict = Verdict::kUnpriced;
  std::optional<Cost> expected_cost;  // Exact, for the expected output; nothing if unpriced.
  std::optional<double> quality;      // Predicted, 0 to 1.
  std::optional<Duration> latency;    // Predicted, until the last token; a century stands for more.
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
};

inline constexpr std::size_t kRefusalCount = 7;

[[nodiscard]] std::string_view to_string(Refusal refusal);

// Stands for an open request until it is settled.  Zero is no ticket.
enum class Ticket : std::uint64_t {};

// What the router decided, and why.  A value; it allocates nothing.  The views live as long as the
// router.
struct Decision {
  Refusal refusal = Refusal::kNone;
  Ticket ticket{};                      // To settle; none if refused.
  std::string_view rule;                // The name of the rule that matched; empty if none did.
  std::optional<double> quality_floor;  // The rule's.
  std::array<TargetId, kAttemptsMax> attempt{};
  std::uint8_t attempts = 0;
  std::array<Candidate, kCandidatesMax> candidate;  // Filled up to `candidates`.
  std::uint8_t candidates = 0;

  // The targets to try, in order, until one answers.
  std::span<const TargetId> plan() const { return {attempt.data(), attempts}; }
  // Everyone the rule named, its candidates first and then its fallbacks, each once.
  std::span<const Candidate> considered() const { return {candidate.data(), candidates}; }
  // The candidate behind the first attempt.  REQUIRES: not refused.
  const Candidate& chosen() const;
};

}  // namespace fare
