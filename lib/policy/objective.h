#pragma once

#include <cstdint>      // std::uint16_t.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/decision.h"  // Candidate, Verdict.
#include "fare/money.h"     // Cost.

namespace fare {

enum class ObjectiveKind : std::uint8_t {
  kMinCost,    // The least expected cost; of equals the one named first.
  kUtility,    // The greatest quality * quality_worth - cost - seconds * second_worth.
  kThreshold,  // `strong` where its predicted quality is above `weak`'s by `threshold`, else
               // `weak`.
  kSplit,      // Drawn by shares.
  kBalance,    // Those within `slack_ppm` of the least cost, by the power of two choices.
};

// What decides among the candidates that satisfy everything else.
struct Objective {
  ObjectiveKind kind = ObjectiveKind::kMinCost;
  Cost quality_worth;        // kUtility: what a good answer is worth.
  Cost second_worth;         // kUtility: what a second of latency costs.
  std::uint16_t strong = 0;  // kThreshold: target indices.
  std::uint16_t weak = 0;
  double threshold = 0;
  std::vector<std::uint32_t> shares;  // kSplit: by candidate of the rule.
  std::uint32_t slack_ppm = 0;        // kBalance: millionths of the least cost.
};

// A share of requests that tries one target, whatever the objective says: those whose hash of
// `salt` and session (or, without one, request) falls below it; so a session stays on its side.
struct Canary {
  std::uint16_t target = 0;  // Need not be among the rule's candidates.
  std::uint32_t share_ppm = 0;
  std::string salt;
};

// A session stays on the target that last served it, where it is warm, unless leaving it pays.
struct SessionPin {
  // Leaves it although it would do, if that saves money at once and, over the session's life, at
  // most so much was spent on switching; nothing: never leaves a target that would do.
  std::optional<Cost> switch_max;
};

// What the objective needs to know of a candidate beyond what Candidate says.
struct CandidateLoad {
  double peak_latency_ns = 0;  // DecayingPeak::value(), the pool's median for who is not known.
  std::uint32_t open = 0;
  double share = 1;  // Breaker::share().
  bool wants_probe = false;
};

// The winner's index, if anyone would do, and the probability with which it was chosen, over luck.
struct Choice {
  std::optional<std::size_t> winner;
  double propensity = 1;
};

// Which one of those whose verdict is kCostsMore ("would do") is chosen.  The verdicts of the
// losers become the reason why they lost; the winner's is left to the caller.  Of equals the one
// named first wins.
//
//   kUtility    Qualities count in billionths.  Whose quality is not known has none; where seconds
//               are worth something, whose latency is not known loses to all that are known.
//   kThreshold  A quality that is not known counts as 0.  If only one of the two would do, it wins;
//               if neither, the least cost decides.
//   kSplit      Drawn among those that would do, by their shares.  Where all of these are 0, or the
//               candidates are not the rule's (a degraded rung's), the least cost decides.
//   kBalance    Of those whose cost is above the least by at most `slack_ppm` of it, two different
//               ones are drawn evenly, and the less loaded one of the pair wins: one that wants a
//               probe counts as idle, the others as peak_latency_ns * (open + 1) / share.
//
// `luck`: 64 uniform bits.  `loads` is read by kBalance only, and may be empty otherwise.
// Pure; allocates nothing; O(n), kBalance O(n^2).  REQUIRES: at most kCandidatesMax candidates,
// each that would do with a cost of at most 1e27 picodollars; a load for each with kBalance.
[[nodiscard]] Choice choose(const Objective& objective, std::span<Candidate> candidates,
                            std::span<const CandidateLoad> loads, std::uint64_t luck);

// Where `id` stands among millionths: evenly spread, the same for the same salt for ever.
[[nodiscard]] std::uint32_t canary_place(std::string_view salt, std::uint64_t id);

// Whether a request is one of the canary's.  `id`: its session, or its own number without one.
// Who is in at a share stays in at every greater one.
[[nodiscard]] bool is_canary(const Canary& canary, std::uint64_t id);

}  // namespace fare
