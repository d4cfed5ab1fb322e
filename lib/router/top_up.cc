#include <algorithm>

#include "router/attempt.h"
#include "router/router_state.h"

namespace fare {
namespace {

bool is_in_plan(const OpenTicket& ticket, TargetId target) {
  const auto end = ticket.plan.begin() + ticket.plan_size;
  return std::find(ticket.plan.begin(), end, target) != end;
}

TopUpStatus status_of(NextAttempt answer) {
  switch (answer) {
    case NextAttempt::kGo:
      break;
    case NextAttempt::kVisited:
      return TopUpStatus::kVisited;
    case NextAttempt::kNoAttemptsLeft:
      return TopUpStatus::kNoAttemptsLeft;
    case NextAttempt::kTooLate:
      return TopUpStatus::kTooLate;
  }
  return TopUpStatus::kGranted;
}

TopUpStatus status_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kChosen:
      return TopUpStatus::kGranted;
    case Verdict::kEjected:
      return TopUpStatus::kEjected;
    case Verdict::kRateLimited:
      return TopUpStatus::kRateLimited;
    default:
      return TopUpStatus::kOverBudget;
  }
}

// Whether the request may go on to the target, as far as it alone is asked.
TopUpStatus check_next(const Snapshot& snapshot, const OpenTicket& ticket, TargetId target,
                       Instant now) {
  if (!is_in_plan(ticket, target)) return TopUpStatus::kNotInPlan;
  std::array<TargetId, kAttemptsMax> visited;
  for (std::size_t i = 0; i < ticket.tried_size; ++i) visited[i] = ticket.at(i).target;
  const Progress progress{.visited = {visited.data(), ticket.tried_size},
                          .attempts_max = snapshot.policy.attempts_max,
                          .deadline = ticket.deadline.value_or(Instant::max())};
  const auto expected =
      snapshot[target].record->predict(snapshot[target].latency, ticket.expected_output, now);
  return status_of(next_attempt(progress, target, expected.value_or(Duration(0)), now));
}

// Notes what an attempt that ended is known to have cost, for ExpiryPolicy::kChargeCounted; of more
// than books hold, kReserveMax.
void count(const Snapshot& snapshot, Tried& tried, const Attempt& last) {
  if (!last.usage) return;
  const auto cost = snapshot.config.prices.cost(snapshot[last.target].model, *last.usage,
                                                last.started, last.terms);
  if (!cost) return;
  const std::optional<Money> money = money_rounded_up(*cost);
  tried.counted = money && *money <= kSettleMax ? *money : kReserveMax;
}

}  // namespace

TopUp Router::State::top_up(const TicketTable::Claimed& claimed, const Attempt& last,
                            TargetId target, Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  if (Tried* tried = ticket.find(last.target); tried != nullptr && !tried->ended) {
    end_attempt(snapshot, *limits, *tried, last, ticket.request_class, now);
    count(snapshot, *tried, last);
  }
  // An answer that was not good enough is no failure, and what follows is no retry.
  return grant_next(claimed, target, !last.answered, {ticket.payers.begin(), ticket.payers.size()},
                    now);
}

TopUp Router::State::hedge(const TicketTable::Claimed& claimed, TargetId target, Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  const ScopeId scope = snapshot.hedge_scopes[ticket.rule];
  const Tried* open = ticket.only_open();
  if (scope == ScopeId{} || open == nullptr) {
    return {.status = TopUpStatus::kNoHedge, .retry_at = {}, .reserved = {}};
  }
  const Instant due = open->granted + snapshot.policy.rules[ticket.rule].hedge->after;
  if (now < due) return {.status = TopUpStatus::kTooEarly, .retry_at = due, .reserved = {}};
  InlineList<ScopeId, kScopesMax + 1> payers;
  for (const ScopeId payer : ticket.payers) payers.push_back(payer);
  payers.push_back(scope);
  const TopUp answer = grant_next(claimed, target, true, {payers.begin(), payers.size()}, now);
  ticket.is_hedged |= answer.status == TopUpStatus::kGranted;
  return answer;
}

TopUp Router::State::grant_next(const TicketTable::Claimed& claimed, TargetId target, bool is_retry,
                                std::span<const ScopeId> payers, Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  TopUp answer;
  answer.status = check_next(snapshot, ticket, target, now);
  if (answer.status != TopUpStatus::kGranted) return answer;
  const TargetRecord::Health health = snapshot[target].record->health(now);
  const Instant held_until = snapshot[target].record->held_until();
  if (health.share <= 0 && !health.wants_probe) {
    return {.status = TopUpStatus::kEjected,
            .retry_at = std::max(health.probes_at, held_until),
            .reserved = {}};
  }
  if (now < held_until) {
    return {.status = TopUpStatus::kRateLimited, .retry_at = held_until, .reserved = {}};
  }
  if (is_retry && !retries.take(tickets.routed())) {
    answer.status = TopUpStatus::kNoRetriesLeft;
    return answer;
  }
  const Grant granted = grant(snapshot, *limits,
                              {.target = target,
                               .request_class = ticket.request_class,
                               .input = ticket.input,
                               .cache_read = Tokens(),
                               .expected_output = ticket.expected_output,
                               .output_max = ticket.output_max,
                               .is_probe = health.wants_probe,
                               .scopes = payers},
                              now);
  answer.status = status_of(granted.verdict);
  answer.retry_at = granted.retry_at;
  if (answer.status != TopUpStatus::kGranted) {
    if (is_retry) retries.give_back();
    return answer;
  }
  tickets.add_try(claimed, granted.tried);
  answer.reserved = granted.tried.bounds.worst;
  const Instant deadline = now + snapshot.config.ticket_life;
  if (deadline.time_since_epoch().count() > claimed.deadline->load(std::memory_order_relaxed)) {
    claimed.deadline->store(deadline.time_since_epoch().count(), std::memory_order_relaxed);
  }
  tickets.count_top_up(claimed.ticket);
  return answer;
}

TopUpStatus Router::State::extend(const TicketTable::Claimed& claimed, Tokens output, Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  Tried& tried = ticket.at(ticket.tried_size - 1u);
  if (tried.ended) return TopUpStatus::kNotInPlan;
  if (tried.ledger == LedgerTicket{} || output <= tried.output) return TopUpStatus::kGranted;
  const auto worst = worst_cost(snapshot, snapshot[tried.target], ticket.input, output, now);
  if (!worst) return TopUpStatus::kOverBudget;
  const Money more = std::max(Money(), *worst - tried.bounds.worst);
  const Money likely = std::max(Money(), *worst - tried.bounds.expected);
  const Reservation reservation = snapshot.ledger->top_up(tried.ledger, more, likely, kNever, now);
  if (reservation.status != ReserveStatus::kReserved) return TopUpStatus::kOverBudget;
  tried.bounds.worst += more;
  tried.bounds.expected += likely;
  tried.output = output;
  return TopUpStatus::kGranted;
}

}  // namespace fare
