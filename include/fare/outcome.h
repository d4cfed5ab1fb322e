#pragma once

#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <span>      // std::span.

#include "fare/decision.h"     // TargetId, kAttemptsMax.
#include "fare/health.h"       // AttemptEnd.
#include "fare/inline_list.h"  // InlineList.
#include "fare/price_book.h"   // Charge.
#include "fare/terms.h"        // Terms.
#include "fare/time.h"         // Instant, Duration.
#include "fare/usage.h"        // Usage.

namespace fare {

// What became of one attempt.
struct Attempt {
  TargetId target{};
  Instant started{};             // Prices are those of this instant.
  bool answered = false;         // False: it failed, timed out or was cut off.
  std::optional<Usage> usage{};  // As the vendor reported it; nothing if it did not.
  Terms terms{};                 // As it was served: tier, speed, region; they price it.
  Duration first_token{};        // From `started`; meaningless unless answered.
  Duration total{};              // From `started` to the end.
  // How it ended, for the target's health; nothing: answered or a server error, as `answered` says.
  std::optional<AttemptEnd> end{};
  // What a stream that was cut off had given, by the gateway's own count: for
  // AbortPolicy::kChargeCounted where the vendor reports no usage.
  std::optional<Usage> counted{};
};

// What became of a request: its attempts, in order.
struct Outcome {
  std::span<const Attempt> attempts;  // At most kAttemptsMax.
};

enum class SettleStatus : std::uint8_t {
  kSettled,
  kAlreadySettled,  // This ticket was settled before; nothing was counted again.
  kUnknownTicket,   // No such ticket was ever given out by this router.
  kDraining,        // AbortPolicy::kDrain: read the stream on to its usage, and settle again.
};

enum class CostStatus : std::uint8_t {
  kPriced,           // Every attempt that used anything is priced to the last token.
  kPartiallyPriced,  // Some of it has no price.
  kUnpriced,         // None of it has a price.
  kUsageMissing,     // An attempt answered, but its vendor reported no usage.
};

[[nodiscard]] std::string_view to_string(CostStatus status);

// What a request cost in the end.  Empty but for `status` unless that is kSettled.
struct Settlement {
  SettleStatus status = SettleStatus::kUnknownTicket;
  CostStatus cost_status = CostStatus::kPriced;  // The worst of all attempts, in the order above.
  Cost total;                                    // The sum of the charges: all that is known.
  Money charged;  // To strict budgets: what is known, rounded half to even once, and for attempts
                  // whose cost is not known what was reserved.
  // What the books could not hold: zero, unless an attempt cost more than kSettleMax, or its
  // budgets have spent billions already (CloseStatus::kTooMuch).  Of such an attempt kReserveMax
  // is in `charged`, and the rest is here: it blocks nobody, and somebody has to look into it.
  Cost uncharged;
  InlineList<Charge, kAttemptsMax> charges;  // One for each attempt.
};

}  // namespace fare
