#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/decision.h"  // TargetId.
#include "fare/money.h"     // Money.
#include "fare/time.h"      // Instant, Duration.

namespace fare {

// How many further attempts all requests of a pool may make together, fallbacks and hedges
// included.  Each request adds `per_1000` thousandths of an attempt; an attempt takes a whole one.
// At every instant, whatever fails,
//
//   further attempts  <=  requests * per_1000 / 1000,
//
// so upstream calls are at most 1.1 times the requests by default, in a full outage too: nothing
// is there at the start.  `saved_max` bounds how many may come at once after a quiet time.
// (gRPC proposal A6 has the same bucket, but starts full.)
// A value of integers; not thread-safe: the owner locks.
class RetryBudget {
 public:
  struct Options {
    int per_1000 = 100;  // 0 to 1000.
    int saved_max = 10;  // 1 to a million.
  };
  explicit RetryBudget(const Options& options);  // REQUIRES: in range.

  void add_request() { add_requests(1); }  // Once for each request, not for each attempt.
  void add_requests(std::uint64_t count);  // As so many add_request().

  // Takes one further attempt; false, and takes nothing, if there is none.
  [[nodiscard]] bool take();

  void give_back();  // One that was taken, and not made.

 private:
  std::int64_t per_request_;
  std::int64_t max_;
  std::int64_t thousandths_ = 0;
};

// What a request has tried.
struct Progress {
  std::span<const TargetId> visited;  // In any order.
  std::size_t attempts_max = 1;
  Instant deadline{};
};

enum class NextAttempt : std::uint8_t {
  kGo,
  kVisited,         // It was tried already.
  kNoAttemptsLeft,  // `attempts_max` were made.
  kTooLate,         // What it is expected to take would end after the deadline.
};

// Whether a request may go on to that target.  So it makes at most `attempts_max` attempts, each on
// another target, none of them after its deadline.  Pure; O(visited).  REQUIRES: expected >= 0.
[[nodiscard]] NextAttempt next_attempt(const Progress& progress, TargetId target, Duration expected,
                                       Instant now);

// A second attempt beside one that is slow to begin.
struct HedgeQuestion {
  bool is_repeatable = false;  // Two answers do no harm.
  bool has_begun = false;      // The first attempt's first token is here.
  Duration waited{};           // Since it was sent.
  Duration patience{};         // Say, DecayingMean::upper(0.9) of its first token.
  Duration expected{};         // What the second attempt takes.
  Instant deadline{};
  std::optional<Money> worst{};  // Of the second attempt; nothing if it has no price.
  Money left;                    // For hedges, in their budget.
};

enum class Hedge : std::uint8_t {
  kGo,  // Reserve `worst` first: whoever loses is paid all the same.
  kNotRepeatable,
  kHasBegun,
  kTooEarly,
  kTooLate,     // It would end after the deadline.
  kUnpriced,    // What cannot be priced is not hedged.
  kOverBudget,  // `worst` is above `left`.
};

// Whether to send it; the first of the reasons above that holds.  If `left` falls by `worst` at
// each kGo and by nothing else, hedges never cost more than it was, as long as none costs more than
// its `worst`.  Pure.  Where RetryBudget applies, take() from it too.
[[nodiscard]] Hedge hedge(const HedgeQuestion& question, Instant now);

}  // namespace fare
