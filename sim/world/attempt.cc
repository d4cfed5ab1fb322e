#include "world/attempt.h"

#include "fare/quantity.h"

namespace routesim {

fare::AttemptEnd end_of(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return fare::AttemptEnd::kAnswered;
    case Fault::kTimeout:
      return fare::AttemptEnd::kTimeout;
    case Fault::kCutOff:
      return fare::AttemptEnd::kCutOff;
    case Fault::kRateLimit:
    case Fault::kRamp:
    case Fault::kQueueFull:
      return fare::AttemptEnd::kRateLimited;
    case Fault::kRetired:
    case Fault::kTooLong:
      return fare::AttemptEnd::kRejected;
    case Fault::kServerError:
    case Fault::kOutage:
    case Fault::kRegionOutage:
    case Fault::kNoCapacity:
      break;
  }
  return fare::AttemptEnd::kServerError;
}

fare::Tokens given_until(const Fate& fate, fare::Duration at) {
  if (!fate.begins || at < fate.first_token) return fare::Tokens();
  const std::int64_t span = (fate.total - fate.first_token).count();
  if (span <= 0) return fate.output;
  const fare::Int128 later = fate.output.count() - 1;
  const fare::Int128 given = later * (at - fate.first_token).count() / span;
  return fare::Tokens(1 + static_cast<std::int64_t>(given));
}

Fate cancelled_at(const Fate& fate, fare::Duration at) {
  Fate cancelled = fate;
  cancelled.end = fare::AttemptEnd::kCancelled;
  cancelled.fault = Fault::kNone;
  cancelled.output = given_until(fate, at);
  cancelled.begins = fate.begins && at >= fate.first_token;
  cancelled.total = at;
  cancelled.retry_after = fare::Duration(0);
  return cancelled;
}

}  // namespace routesim
