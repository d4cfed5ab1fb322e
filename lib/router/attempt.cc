#include "router/attempt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fare/check.h"

namespace fare {
namespace {

LimitTicket limit_ticket(LimitId limit, const Tried& tried) {
  LimitTicket ticket;
  ticket.limits.push_back(limit);
  ticket.estimate = tried.estimate;
  ticket.charged = tried.charged;
  return ticket;
}

// Why there are no bounds, or the bounds.
struct BoundsAnswer {
  Verdict verdict = Verdict::kChosen;
  Bounds bounds;
  Tokens output;
};

// A quantile of the output lengths seen lately, at most the bound; the bound if too few were seen.
Tokens likely_output(const RoutedTarget& target, std::uint32_t request_class, Tokens bound,
                     Instant now) {
  const auto upper = target.record->output_upper(target.output_place[request_class], now);
  if (!upper || *upper >= static_cast<double>(bound.count())) return bound;
  return Tokens(static_cast<std::int64_t>(std::ceil(*upper)));
}

BoundsAnswer bounds_of(const Snapshot& snapshot, const RoutedTarget& target, const AttemptAsk& ask,
                       Instant now) {
  BoundsAnswer answer;
  const std::optional<Tokens> bound = output_bound(target, ask.input, ask.output_max);
  if (!bound && snapshot.needs_worst) {
    answer.verdict = Verdict::kOutputUnbounded;
    return answer;
  }
  answer.output = bound.value_or(ask.expected_output);
  const auto worst = worst_cost(snapshot, target, ask.input, answer.output, now);
  if (!worst) {
    answer.verdict = Verdict::kOverBudget;
    return answer;
  }
  answer.bounds = {*worst, *worst};
  if (!snapshot.needs_expected) return answer;
  const Tokens likely = likely_output(target, ask.request_class, answer.output, now);
  answer.bounds.expected =
      std::min(*worst, worst_cost(snapshot, target, ask.input, likely, now).value_or(*worst));
  return answer;
}

// All that pay for an attempt on this target.
class Payers {
 public:
  Payers(std::span<const ScopeId> scopes, const RoutedTarget& target) {
    for (const ScopeId scope : scopes) all_.push_back(scope);
    for (const ScopeId scope : target.side_scopes) all_.push_back(scope);
  }
  std::span<const ScopeId> all() const { return {all_.begin(), all_.size()}; }

 private:
  InlineList<ScopeId, kScopesMax + 3> all_;
};

// Reserves the money; false, with the reason in `grant`, if there is not so much.
bool reserve(const Snapshot& snapshot, const RoutedTarget& target, const AttemptAsk& ask,
             Instant now, Grant& grant) {
  const Payers payers(ask.scopes, target);
  if (snapshot.ledger == nullptr || payers.all().empty()) return true;
  const BoundsAnswer answer = bounds_of(snapshot, target, ask, now);
  grant.verdict = answer.verdict;
  if (answer.verdict != Verdict::kChosen) return false;
  grant.tried.bounds = answer.bounds;
  grant.tried.output = answer.output;
  Ask money{
      .scopes = payers.all(), .worst = answer.bounds.worst, .expected = answer.bounds.expected};
  grant.reservation = snapshot.ledger->reserve(money, now);
  if (grant.reservation.status == ReserveStatus::kUnknownScope && !target.side_scopes.empty()) {
    // A reload that is under way may have removed the target's side scopes.
    if (ask.scopes.empty()) return true;
    money.scopes = ask.scopes;
    grant.reservation = snapshot.ledger->reserve(money, now);
  }
  grant.tried.ledger = grant.reservation.ticket;
  grant.status = grant.reservation.status;
  if (grant.status == ReserveStatus::kReserved) return true;
  grant.verdict = Verdict::kOverBudget;
  grant.retry_at = grant.reservation.retry_at;
  return false;
}

// Takes a place under the target's rate limit.
bool acquire(RateLimits& limits, LimitId limit, Instant now, Grant& grant) {
  LimitAnswer answer = limits.acquire({&limit, 1}, grant.tried.estimate, now);
  grant.tried.charged = answer.ticket.charged;
  if (answer.admission == Admission::kAdmitted) return true;
  grant.verdict = Verdict::kRateLimited;
  if (answer.admission == Admission::kWait) grant.retry_at = answer.retry_at;
  return false;
}

}  // namespace

std::optional<Tokens> output_bound(const RoutedTarget& target, Tokens input,
                                   std::optional<Tokens> output_max) {
  std::optional<Tokens> bound = output_max;
  const auto tighten = [&bound](Tokens most) { bound = bound ? std::min(*bound, most) : most; };
  const ModelFacts& facts = target.facts;
  if (facts.max_output != Tokens()) tighten(facts.max_output);
  if (facts.context != Tokens()) tighten(std::max(Tokens(), facts.context - input));
  return bound;
}

std::optional<Money> worst_cost(const Snapshot& snapshot, const RoutedTarget& target, Tokens input,
                                Tokens output, Instant at) {
  const PriceTables& prices = snapshot.config.prices.tables();
  std::optional<Cost> worst;
  const auto consider = [&](Meter input_meter, Meter output_meter) {
    Usage usage;
    usage[input_meter] = input;
    usage[output_meter] = output;
    const std::optional<Cost> cost = prices.cost(target.price, usage, input, at);
    if (cost && (!worst || *cost > *worst)) worst = cost;
  };
  for (const Meter meter : target.inputs) {
    consider(meter, Meter::kOutput);
    if (target.reasoning_apart) consider(meter, Meter::kOutputReasoning);
  }
  if (!worst) return std::nullopt;
  const std::optional<Money> money = money_rounded_up(*worst);
  return money && *money <= kReserveMax ? money : std::nullopt;
}

Grant grant(const Snapshot& snapshot, RateLimits& limits, const AttemptAsk& ask, Instant now) {
  const RoutedTarget& target = snapshot[ask.target];
  Grant grant;
  grant.tried.target = ask.target;
  grant.tried.is_probe = ask.is_probe;
  grant.tried.granted = now;
  grant.tried.estimate = {.input = ask.input - ask.cache_read,
                          .cache_read = ask.cache_read,
                          .output = ask.expected_output};
  if (!target.record->begin(ask.is_probe, now)) {
    grant.verdict = Verdict::kEjected;
    return grant;
  }
  if (target.limit && !acquire(limits, *target.limit, now, grant)) {
    target.record->forget(ask.is_probe, now);
    return grant;
  }
  if (!reserve(snapshot, target, ask, now, grant)) take_back(snapshot, limits, grant.tried, now);
  return grant;
}

void take_back(const Snapshot& snapshot, RateLimits& limits, const Tried& tried, Instant now) {
  const RoutedTarget& target = snapshot[tried.target];
  if (target.limit) limits.release(limit_ticket(*target.limit, tried), now);
  if (tried.ledger != LedgerTicket{}) snapshot.ledger->release(tried.ledger, now);
  target.record->forget(tried.is_probe, now);
}

void lose_attempt(const Snapshot& snapshot, RateLimits& limits, const Tried& tried, Instant now) {
  const RoutedTarget& target = snapshot[tried.target];
  if (target.limit) limits.settle(limit_ticket(*target.limit, tried), std::nullopt, now);
  target.record->forget(tried.is_probe, now);
}

void end_attempt(const Snapshot& snapshot, RateLimits& limits, Tried& tried, const Attempt& attempt,
                 std::uint32_t request_class, Instant now) {
  const RoutedTarget& target = snapshot[tried.target];
  tried.ended = true;
  target.record->end(attempt, target.output_place[request_class], now);
  if (!target.limit) return;
  std::optional<LimitUse> used;
  if (attempt.usage) {
    Tokens read;
    for (const Meter meter : {Meter::kCacheRead, Meter::kCacheReadAudio, Meter::kCacheReadImage,
                              Meter::kCacheReadVideo}) {
      read += Tokens((*attempt.usage)[meter]);
    }
    used = LimitUse{.input = attempt.usage->total_input() - read,
                    .cache_read = read,
                    .output = attempt.usage->total_output()};
  }
  limits.settle(limit_ticket(*target.limit, tried), used, now);
}

}  // namespace fare
