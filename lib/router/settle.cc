#include <algorithm>
#include <array>

#include "fare/check.h"
#include "router/attempt.h"
#include "router/router_state.h"

namespace fare {
namespace {

constexpr Cost kReserveMaxCost{Int128{kReserveMax.count()} * 1'000};  // In picodollars.

CostStatus worse(CostStatus a, CostStatus b) { return std::max(a, b); }

CostStatus status_of(const Charge& charge) {
  switch (charge.status) {
    case PriceStatus::kPriced:
      return CostStatus::kPriced;
    case PriceStatus::kPartiallyPriced:
      return CostStatus::kPartiallyPriced;
    case PriceStatus::kUnpriced:
      break;
  }
  return CostStatus::kUnpriced;
}

bool was_cut_off(const Attempt& attempt) {
  return !attempt.answered && attempt.end == AttemptEnd::kCutOff;
}

// What an attempt is billed for, as far as it is known.
std::optional<Usage> billed_usage(const Attempt& attempt, AbortPolicy on_abort) {
  if (attempt.usage) return attempt.usage;
  const bool by_count = was_cut_off(attempt) && on_abort == AbortPolicy::kChargeCounted;
  return by_count ? attempt.counted : std::nullopt;
}

// What the ledger is told, attempt by attempt.  What is known is rounded once for all of them: each
// is charged with what the rounded sum grows by.  Of an attempt whose cost is not known whole, all
// that was reserved for it, or what is known, if that is more.
class Bill {
 public:
  explicit Bill(const OpenTicket& ticket) : ticket_(ticket) {}

  void add(const Attempt& attempt, Cost cost, bool is_known) {
    std::size_t place = 0;  // An attempt that was never asked for is the first one's debt.
    for (std::size_t i = 0; i < ticket_.tried_size; ++i) {
      if (ticket_.at(i).target == attempt.target) place = i;
    }
    lines_[place].cost += cost;
    lines_[place].is_known &= is_known;
  }

  // Closes the attempts' reservations.
  void settle(Ledger& ledger, Instant now, Settlement& settlement) {
    Cost sum;  // Of what is known, as far as the books hold it.
    for (std::size_t i = 0; i < ticket_.tried_size; ++i) {
      const Tried& tried = ticket_.at(i);
      if (tried.ledger == LedgerTicket{}) continue;
      const Line& line = lines_[i];
      // A known line is charged with what the rounded sum grows by.
      const std::optional<Money> before = line.is_known ? money_half_even(sum) : Money();
      const std::optional<Money> after =
          money_half_even(line.is_known ? sum + line.cost : line.cost);
      std::optional<Money> money;
      if (after) money = *after - *before;
      const bool is_reserved = !line.is_known && money && *money <= tried.bounds.worst;
      const bool fits = money && *money <= kSettleMax &&
                        ledger.settle(tried.ledger, is_reserved ? std::nullopt : money, now) !=
                            CloseStatus::kTooMuch;
      if (fits) {
        if (line.is_known) sum += line.cost;
        settlement.charged += is_reserved ? tried.bounds.worst : *money;
        continue;
      }
      ledger.settle(tried.ledger, kReserveMax, now);
      settlement.charged += kReserveMax;
      settlement.uncharged += line.cost - kReserveMaxCost;
    }
  }

 private:
  struct Line {
    Cost cost;
    bool is_known = true;
  };

  const OpenTicket& ticket_;
  std::array<Line, kAttemptsMax> lines_;
};

// A hedge's loser was under way when it was cancelled: its vendor bills what it had written.
bool lost_to_hedge(const OpenTicket& ticket, const Attempt& attempt) {
  return ticket.is_hedged && !attempt.answered && attempt.end == AttemptEnd::kCancelled;
}

void price(const Snapshot& snapshot, const OpenTicket& ticket, const Attempt& attempt, Bill& bill,
           Settlement& settlement) {
  FARE_CHECK(static_cast<std::size_t>(attempt.target) < snapshot.targets.size());
  Charge& charge = settlement.charges.push_back({});
  CostStatus status = CostStatus::kPriced;
  if (const std::optional<Usage> usage = billed_usage(attempt, snapshot.on_abort())) {
    charge = snapshot.config.prices.charge(snapshot[attempt.target].model, *usage, attempt.started,
                                           attempt.terms);
    status = status_of(charge);
  } else {
    charge.status = PriceStatus::kPriced;
    if (attempt.answered || was_cut_off(attempt) || lost_to_hedge(ticket, attempt)) {
      status = CostStatus::kUsageMissing;
    }
  }
  settlement.total += charge.total;
  settlement.cost_status = worse(settlement.cost_status, status);
  bill.add(attempt, charge.total, status == CostStatus::kPriced);
}

// A session whose request was answered elsewhere than planned is warm there now.
void note_session(const Snapshot& snapshot, const OpenTicket& ticket, const Outcome& outcome,
                  Sessions& sessions, Instant now) {
  if (ticket.session == 0 || outcome.attempts.empty()) return;
  const Attempt& last = outcome.attempts.back();
  if (!last.answered || last.target == ticket.plan[0]) return;
  const Cost spent = sessions.find(ticket.session).value_or(Sessions::Pin{}).spent;
  sessions.put(ticket.session, {.record = snapshot[last.target].record->id(), .spent = spent}, now);
}

// Whether the caller is to read a stream on that was cut off, and settle again.
bool drains(const Snapshot& snapshot, const Outcome& outcome) {
  if (snapshot.on_abort() != AbortPolicy::kDrain) return false;
  return std::any_of(outcome.attempts.begin(), outcome.attempts.end(),
                     [](const Attempt& attempt) { return was_cut_off(attempt) && !attempt.usage; });
}

}  // namespace

void Router::State::unpin(const TicketTable::Claimed& claimed) {
  generations.unpin(claimed.data->generation, TicketTable::shard_of(claimed.ticket));
}

Settlement Router::State::settle(const TicketTable::Claimed& claimed, const Outcome& outcome,
                                 Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  Settlement settlement;
  for (const Attempt& attempt : outcome.attempts) {
    Tried* tried = ticket.find(attempt.target);
    if (tried != nullptr && !tried->ended) {
      end_attempt(snapshot, *limits, *tried, attempt, ticket.request_class, now);
    }
  }
  note_session(snapshot, ticket, outcome, sessions, now);
  if (drains(snapshot, outcome)) {
    settlement.status = SettleStatus::kDraining;
    tickets.open(claimed);
    return settlement;
  }
  Bill bill(ticket);
  for (const Attempt& attempt : outcome.attempts) {
    price(snapshot, ticket, attempt, bill, settlement);
  }
  if (snapshot.ledger != nullptr) bill.settle(*snapshot.ledger, now, settlement);
  for (std::size_t i = 0; i < ticket.tried_size; ++i) {
    if (ticket.at(i).ended) continue;
    ticket.at(i).ledger = LedgerTicket{};  // It is settled.
    take_back(snapshot, *limits, ticket.at(i), now);
  }
  settlement.status = SettleStatus::kSettled;
  unpin(claimed);
  tickets.close(claimed, {.cost = settlement.total,
                          .priced = settlement.cost_status == CostStatus::kPriced,
                          .expired = false});
  return settlement;
}

void Router::State::expire(const TicketTable::Claimed& claimed, Instant now) {
  OpenTicket& ticket = *claimed.data;
  const Snapshot& snapshot = generations[ticket.generation];
  for (std::size_t i = 0; i < ticket.tried_size; ++i) {
    const Tried& tried = ticket.at(i);
    if (!tried.ended) lose_attempt(snapshot, *limits, tried, now);
    if (tried.ledger == LedgerTicket{}) continue;
    std::optional<Money> cost;
    if (snapshot.on_expiry() == ExpiryPolicy::kChargeCounted) cost = tried.counted;
    if (snapshot.on_expiry() == ExpiryPolicy::kRelease) cost = Money();
    const CloseStatus status = snapshot.ledger->settle(tried.ledger, cost, now);
    if (status == CloseStatus::kTooMuch) snapshot.ledger->settle(tried.ledger, kReserveMax, now);
  }
  unpin(claimed);
  tickets.close(claimed, {.cost = Cost(), .priced = true, .expired = true});
}

}  // namespace fare
