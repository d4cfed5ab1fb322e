#include "fare/router.h"

#include <fmt/format.h>

#include "fare/check.h"
#include "router/router_state.h"

namespace fare {
namespace {

Errors adopt(Ledger* ledger, const std::vector<SpentBefore>& before, Instant now) {
  Errors errors;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const SpentBefore& one = before[i];
    const std::string where = fmt::format("spent_before/{}", i);
    if (one.spent < Money() || one.spent > kLimitMax) {
      errors.push_back({ErrorCode::kOutOfRange, where,
                        fmt::format("must be from $0 to ${}, but is ${}", to_usd(kLimitMax),
                                    to_usd(one.spent))});
    } else if (ledger == nullptr || !ledger->adopt(one.scope, one.budget, one.spent, now)) {
      errors.push_back({ErrorCode::kUnknownName, where,
                        fmt::format("\"{}/{}\" is not a scope and budget of the configuration",
                                    one.scope, one.budget)});
    }
  }
  return errors;
}

}  // namespace

Expected<std::unique_ptr<Router>> Router::create(Config config, Instant now) {
  auto state = std::make_unique<State>(config.open_tickets_max);
  state->limits = std::move(*RateLimits::create({}, now));
  const std::vector<SpentBefore> before = config.spent_before;
  const Expected<RouterReload> loaded = state->load(std::move(config), now);
  if (!loaded) return tl::unexpected<Errors>(loaded.error());
  Errors errors = adopt(state->ledger.get(), before, now);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return std::unique_ptr<Router>(new Router(std::move(state)));
}

Router::Router(std::unique_ptr<State> state) : state_(std::move(state)) {}
Router::~Router() = default;

Decision Router::route(const Request& request, Instant now) {
  Decision decision;
  state_->route(request, now, decision);
  return decision;
}

TopUp Router::top_up(Ticket ticket, const Attempt& last, TargetId target, Instant now) {
  const TicketTable::Claimed claimed = state_->tickets.claim(ticket);
  if (claimed.data == nullptr) return {};
  const TopUp answer = state_->top_up(claimed, last, target, now);
  state_->tickets.open(claimed);
  return answer;
}

TopUp Router::hedge(Ticket ticket, TargetId target, Instant now) {
  const TicketTable::Claimed claimed = state_->tickets.claim(ticket);
  if (claimed.data == nullptr) return {};
  const TopUp answer = state_->hedge(claimed, target, now);
  state_->tickets.open(claimed);
  return answer;
}

TopUpStatus Router::extend(Ticket ticket, Tokens output, Instant now) {
  FARE_CHECK(output >= Tokens());
  FARE_CHECK(output <= kTokensMax);
  const TicketTable::Claimed claimed = state_->tickets.claim(ticket);
  if (claimed.data == nullptr) return TopUpStatus::kNoTicket;
  const TopUpStatus answer = state_->extend(claimed, output, now);
  state_->tickets.open(claimed);
  return answer;
}

Settlement Router::settle(Ticket ticket, const Outcome& outcome, Instant now) {
  FARE_CHECK(outcome.attempts.size() <= kAttemptsMax);
  const TicketTable::Claimed claimed = state_->tickets.claim(ticket);
  if (claimed.data != nullptr) return state_->settle(claimed, outcome, now);
  Settlement settlement;
  settlement.status = claimed.status;
  return settlement;
}

std::size_t Router::expire(Instant now) {
  std::size_t expired = 0;
  state_->tickets.each_due(now, [&](const TicketTable::Claimed& claimed) {
    if (claimed.deadline->load(std::memory_order_relaxed) > now.time_since_epoch().count()) {
      return state_->tickets.open(claimed);  // It was topped up meanwhile.
    }
    state_->expire(claimed, now);
    ++expired;
  });
  return expired;
}

bool Router::observe(TargetId target, const VendorState& state, Instant now) {
  const Pinned pinned(state_->generations, 0);
  FARE_CHECK(static_cast<std::size_t>(target) < pinned->targets.size());
  const std::optional<LimitId>& limit = (*pinned)[target].limit;
  return limit && state_->limits->observe(*limit, state, now);
}

bool Router::hold(TargetId target, Instant until, Instant now) {
  const Pinned pinned(state_->generations, 0);
  FARE_CHECK(static_cast<std::size_t>(target) < pinned->targets.size());
  return (*pinned)[target].record->hold(until, now);
}

Expected<RouterReload> Router::reload(Config config, Instant now) {
  const std::scoped_lock guard(state_->structure);
  return state_->load(std::move(config), now);
}

RouterStats Router::stats() const { return state_->tickets.stats(); }

TargetFacts Router::target(TargetId target) const {
  const Pinned pinned(state_->generations, 0);
  FARE_CHECK(static_cast<std::size_t>(target) < pinned->targets.size());
  return {pinned->named(target).name, (*pinned)[target].facts};
}

TargetState Router::state(TargetId target, Instant now) const {
  const Pinned pinned(state_->generations, 0);
  FARE_CHECK(static_cast<std::size_t>(target) < pinned->targets.size());
  return (*pinned)[target].record->state(now);
}

std::size_t Router::targets() const { return Pinned(state_->generations, 0)->targets.size(); }

const Config& Router::config() const { return Pinned(state_->generations, 0)->config; }

std::vector<BudgetReport> Router::budgets(Instant now) const {
  const Pinned pinned(state_->generations, 0);
  return pinned->ledger == nullptr ? std::vector<BudgetReport>() : pinned->ledger->report(now);
}

}  // namespace fare
