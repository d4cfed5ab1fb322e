#pragma once

#include <cstddef>   // std::size_t.
#include <cstdint>   // std::int64_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <span>      // std::span.
#include <vector>    // std::vector.

#include "fare/expected.h"     // Expected.
#include "fare/inline_list.h"  // InlineList.
#include "fare/time.h"         // Instant, Duration.
#include "fare/tokens.h"       // Tokens.

namespace fare {

// `count` flow in per `per`, evenly, and at most `burst` wait.
struct Flow {
  std::int64_t count = 0;                  // 1 to 1e12.
  Duration per = std::chrono::minutes(1);  // 1 ns to a day.
  std::int64_t burst = 0;                  // 1 to 1e12; nothing larger is ever admitted at once.
};

// What a target, or a scope at a target, may be asked for.  What is absent is not limited.
struct RateLimit {
  std::optional<Flow> requests;
  std::optional<Flow> input;
  std::optional<Flow> output;
  std::optional<std::uint32_t> slots;  // Requests at a time; at least 1.
  bool cache_reads_count = true;       // As input; with some vendors they do not.
};

// A limit: its position in create()'s list, or what reload() answered.
enum class LimitId : std::uint32_t {};

inline constexpr std::size_t kLimitsMax = 16;  // That one request may be under.
enum class LimitPart : std::uint8_t { kRequests, kInput, kOutput };

// What one request takes; each in [0, kTokensMax].
struct LimitUse {
  Tokens input{};  // Without what was read from a cache.
  Tokens cache_read{};
  Tokens output{};
};

enum class Admission : std::uint8_t {
  kAdmitted,
  kWait,      // It fits at `retry_at`, if nobody else takes anything until then.
  kNoSlot,    // Too many requests are open; it may fit when one of them ends.
  kTooLarge,  // It is above a burst, or `retry_at` would be above Instant::max(): never.
};

// What an admitted request holds until it ends.
struct LimitTicket {
  InlineList<LimitId, kLimitsMax> limits;
  LimitUse estimate;
  std::uint64_t charged = 0;  // What of it each limit took: read by RateLimits alone.
};

struct LimitAnswer {
  Admission admission = Admission::kAdmitted;
  Instant retry_at{};  // With kWait.
  LimitTicket ticket;  // With kAdmitted.
};

// What a vendor's headers say of one part.
struct VendorState {
  LimitPart part = LimitPart::kRequests;
  std::int64_t remaining = 0;  // At least 0.
  // For vendors that count in fixed windows: no more than `remaining` is admitted until then.
  // Nothing for those that refill evenly: `remaining` is what waits now, and flows in as ours does.
  std::optional<Instant> window_end;
};

// Token buckets and slots, many of them, for the targets and scopes of one router.
//
// A request takes its estimate from all of its limits, or from none; when it ends, the estimate is
// corrected to what was used.  Over any stretch of time, however it is cut out, each part of each
// limit counts
//
//   taken - corrected down + corrected up  <=  burst + count * time / per + debt,
//
// where a correction counts at the instant it is made, and the debt is what corrections upwards
// drew below zero and has not flowed in since: 0 as long as estimates are upper bounds.  Nothing is
// forgiven.  A vendor that counts only what was used, and when it was sent, may see more than the
// bound without the debt, by at most the corrections downwards made in that time.
// Levels are integers, count * nanoseconds: nothing drifts, and `retry_at` is exact.
//
// A reload() within the stretch changes nothing: `burst` is the one in force at its beginning,
// count / per what is in force at each instant.
//
// A `now` before an earlier one counts as that one.  Thread-safe: each limit has a lock of its own;
// acquire() holds those of its limits at a time, in the order of their ids.
class RateLimits {
 public:
  // Errors: every value out of its range, all of them; places are "/0/input/burst".
  [[nodiscard]] static Expected<std::unique_ptr<RateLimits>> create(
      std::span<const RateLimit> limits, Instant now);  // Buckets start full.

  // Takes a new list; answers the id of each of its limits.  With from[i], an id of any list
  // before, that limit goes on: levels and debts (in units, rounded down by less than a
  // nanosecond's flow, cut to a lower burst), vendors' words, open requests.  Without, it is new
  // and starts full, like a part that was never limited; one that was has refilled meanwhile, no
  // faster than ever. A limit that is left out stays as it was: who still routes by an older list
  // is held to it, and a later list may name it again.  So tickets end here whatever was reloaded
  // since, by the rules they were taken under.  Each limit changes at one instant, not all at the
  // same.  Some 400 bytes for every limit there ever was.  Errors: create()'s, and then nothing
  // changed. REQUIRES: `from` as long as `limits`; no id twice.
  [[nodiscard]] Expected<std::vector<LimitId>> reload(std::span<const RateLimit> limits,
                                                      std::span<const std::optional<LimitId>> from,
                                                      Instant now);

  // Takes one request, a slot and the estimate from every one of `limits`, or nothing.  About 30 ns
  // a limit, settle() included; allocates nothing.  REQUIRES: at most kLimitsMax, each once.
  [[nodiscard]] LimitAnswer acquire(std::span<const LimitId> limits, const LimitUse& estimate,
                                    Instant now);

  // Ends an admitted request: its slots come back, its estimate becomes what was used; it stays as
  // it was if that is unknown.  Allocates nothing.  REQUIRES: each ticket ends once, by settle() or
  // release().
  void settle(const LimitTicket& ticket, const std::optional<LimitUse>& used, Instant now);

  // Ends a request that was never sent: everything comes back.
  void release(const LimitTicket& ticket, Instant now);

  // Takes in what a vendor says: it makes a limit tighter, never looser than configured; a later
  // word on a window replaces an earlier one.  False, and nothing is changed: the part is not
  // limited, or the window ends more than a day from now, which is hardly meant.
  bool observe(LimitId limit, const VendorState& state, Instant now);

  // Admits nothing until then (retry-after); an earlier word may not shorten it.  False, and
  // nothing is changed, if that is more than a day from now.
  bool hold(LimitId limit, Instant until, Instant now);

  // How many units of a part wait, rounded down; negative in debt.  Nothing if it is not limited.
  [[nodiscard]] std::optional<std::int64_t> level(LimitId limit, LimitPart part, Instant now) const;
  [[nodiscard]] std::uint32_t open(LimitId limit) const;

  ~RateLimits();
  RateLimits(const RateLimits&) = delete;
  RateLimits& operator=(const RateLimits&) = delete;

 private:
  struct State;
  explicit RateLimits(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fare
