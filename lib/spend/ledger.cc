#include "fare/ledger.h"

#include <algorithm>

#include "fare/check.h"
#include "spend/ledger_state.h"

namespace fare {
namespace {

// Below this even an observing budget refuses, so that its sums stay far from what fits.
constexpr Money kObservedMin = -kBooksMax;

bool in_range(Money amount) { return amount >= Money() && amount <= kReserveMax; }

Money max_of(Money a, Money b) { return a < b ? b : a; }

std::int64_t nanoseconds_of(Instant at) { return at.time_since_epoch().count(); }

// What one reservation learns of its budgets while it holds them.
struct Verdict {
  std::uint32_t refused_by = 0;
  Money free;
  std::optional<Instant> retry_at = kWindowsFirst;
  ReserveStatus status = ReserveStatus::kReserved;
  std::uint8_t soft_percent = 0;
  bool would_refuse = false;

  bool refused() const { return status != ReserveStatus::kReserved; }

  void refuse(std::uint32_t account, ReserveStatus why, Money left, std::optional<Instant> retry) {
    if (!refused()) {
      status = why;
      refused_by = account;
      free = left;
    }
    retry_at =
        retry && retry_at ? std::optional<Instant>(std::max(*retry, *retry_at)) : std::nullopt;
  }

  Reservation reservation() const {
    Reservation result;
    result.status = status;
    result.refused_by = BudgetId{refused_by};
    result.free = free;
    if (refused()) result.retry_at = retry_at;
    result.soft_percent = soft_percent;
    result.would_refuse = would_refuse;
    return result;
  }
};

// Holds the locks of the first accounts of a chain.
class HeldChain {
 public:
  HeldChain(const AccountBook& accounts, const std::uint32_t* account)
      : accounts_(accounts), account_(account) {}
  ~HeldChain() {
    while (held_ > 0) unlock_last();
  }
  HeldChain(const HeldChain&) = delete;
  HeldChain& operator=(const HeldChain&) = delete;

  Account& lock_next() {
    Account& account = accounts_[account_[held_]];
    account.lock.lock();
    ++held_;
    return account;
  }

  void unlock_last() { accounts_[account_[--held_]].lock.unlock(); }

 private:
  const AccountBook& accounts_;
  const std::uint32_t* account_;
  std::size_t held_ = 0;
};

bool holds_expected(const Account& account) {
  return static_cast<BudgetMode>(account.mode) == BudgetMode::kExpected;
}

bool must_fit(const Account& account) {
  return static_cast<BudgetMode>(account.mode) != BudgetMode::kObserve ||
         account.free() < kObservedMin;
}

}  // namespace

std::string_view to_string(ReserveStatus status) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "reserved",         "over_budget",   "not_open", "unknown_scope",
      "too_many_budgets", "too_many_open", "no_ticket"};
  return kNames[static_cast<std::size_t>(status)];
}

Chain Ledger::State::chain_of(std::span<const ScopeId> scopes) const {
  Chain chain;
  const std::uint32_t known = names.size();
  for (const ScopeId scope : scopes) {
    auto at = static_cast<std::uint32_t>(scope);
    if (at == 0 || at > known) return {.status = ReserveStatus::kUnknownScope};
    while (at != 0) {
      const Node& node = nodes[at];
      if (!node.is_usable.load(std::memory_order_acquire)) {
        return {.status = ReserveStatus::kUnknownScope};
      }
      for (const std::atomic<std::uint32_t>& entry : node.account) {
        const std::uint32_t account = entry.load(std::memory_order_acquire);
        if (account == 0) break;
        // Sorted in, descending; what is there already is shared by two chains.
        std::size_t place = chain.size;
        while (place > 0 && chain.account[place - 1] < account) --place;
        if (place > 0 && chain.account[place - 1] == account) continue;
        if (chain.size == kBudgetsPerTicketMax) return {.status = ReserveStatus::kTooManyBudgets};
        for (std::size_t i = chain.size; i > place; --i) chain.account[i] = chain.account[i - 1];
        chain.account[place] = account;
        ++chain.size;
      }
      at = node.parent.load(std::memory_order_acquire);
    }
  }
  return chain;
}

Reservation Ledger::State::try_reserve(const Chain& chain, const Ask& ask, Instant now,
                                       TicketSlot& slot, Shortage& shortage) {
  Verdict verdict;
  const Second second = second_of(now);
  HeldChain held(accounts, chain.account.data());
  for (std::size_t i = 0; i < chain.size; ++i) {
    const std::uint32_t index = chain.account[i];
    const Account& account = held.lock_next();
    if (account.is_removed != 0) continue;
    if (!accounts.refresh(index, now, second)) {
      verdict.refuse(index, ReserveStatus::kNotOpen, {}, accounts.retry_at(index, {}, now));
      continue;
    }
    const Money amount = holds_expected(account) ? ask.expected : ask.worst;
    if (account.free() >= amount) continue;
    if (must_fit(account)) {
      verdict.refuse(index, ReserveStatus::kOverBudget, account.free(),
                     accounts.retry_at(index, amount, now));
      if (account.is_share != 0 && shortage.account == 0) shortage = {index, amount};
    } else {
      verdict.would_refuse = true;
      accounts.note_refusal(index, second);
    }
  }
  if (verdict.refused()) return verdict.reservation();
  for (std::size_t i = chain.size; i-- > 0;) {
    const std::uint32_t index = chain.account[i];
    Account& account = accounts[index];
    const bool expected = holds_expected(account);
    slot.by_expected = static_cast<std::uint16_t>(slot.by_expected | unsigned{expected} << i);
    accounts.reserve(index, expected ? ask.expected : ask.worst, now);
    slot.window[i] = account.begin;
    if (account.has_soft != 0) {
      verdict.soft_percent = std::max(verdict.soft_percent, accounts.soft_percent(index));
    }
    held.unlock_last();
  }
  return verdict.reservation();
}

void Ledger::State::note_refusal(const Reservation& refused, Instant now) {
  const auto index = static_cast<std::uint32_t>(refused.refused_by);
  if (index == 0) return;
  const std::scoped_lock lock(accounts[index].lock);
  accounts.note_refusal(index, second_of(now));
}

Reservation Ledger::reserve(const Ask& ask, Instant now) {
  FARE_CHECK(in_range(ask.worst));
  FARE_CHECK(in_range(ask.expected));
  const Chain chain = state_->chain_of(ask.scopes);
  Reservation result;
  result.status = chain.status;
  if (chain.status != ReserveStatus::kReserved) return result;
  const TicketSlots::Claimed claimed =
      state_->slots.take(chain.account[0], nanoseconds_of(ask.deadline));
  if (claimed.slot == nullptr) {
    result.status = ReserveStatus::kTooManyOpen;
    return result;
  }
  TicketSlot& slot = *claimed.slot;
  slot.by_expected = 0;
  Shortage shortage;
  result = state_->try_reserve(chain, ask, now, slot, shortage);
  // Each time another share of the chain may be the one that lacks.
  for (std::size_t tries = chain.size; tries > 0 && state_->share_out(shortage, now); --tries) {
    shortage = {};
    result = state_->try_reserve(chain, ask, now, slot, shortage);
  }
  if (result.status != ReserveStatus::kReserved) {
    state_->slots.close(claimed);
    state_->note_refusal(result, now);
    return result;
  }
  slot.worst = ask.worst;
  slot.expected = ask.expected;
  slot.entries = chain.size;
  std::copy_n(chain.account.begin(), chain.size, slot.account.begin());
  result.ticket = claimed.ticket;
  state_->slots.open(claimed);
  return result;
}

Reservation Ledger::State::try_top_up(TicketSlot& slot, const Ask& ask, Instant now,
                                      Shortage& shortage) {
  Verdict verdict;
  HeldChain held(accounts, slot.account.data());
  std::size_t done = 0;
  const auto more = [&](std::size_t i) {
    return slot.holds_expected(i) ? ask.expected : ask.worst;
  };
  for (std::size_t i = 0; i < slot.entries; ++i) {
    const std::uint32_t index = slot.account[i];
    const Account& account = held.lock_next();
    if (account.is_rolling != 0) accounts.refresh(index, now, second_of(now));
    if (accounts.top_up(index, slot.window[i], slot.held(i), more(i), must_fit(account))) {
      done = i + 1;
      verdict.would_refuse |= account.free() < Money();
      continue;
    }
    verdict.refuse(index, ReserveStatus::kOverBudget, account.free(), std::nullopt);
    const bool is_past = slot.window[i] != account.begin;
    if (account.is_share != 0 && !is_past) shortage = {index, more(i)};
    break;
  }
  for (std::size_t i = 0; verdict.refused() && i < done; ++i) {
    accounts.apply(slot.account[i], slot.window[i],
                   {.settled = {}, .reserved = -more(i), .leased = {}});
  }
  return verdict.reservation();
}

Reservation Ledger::top_up(LedgerTicket ticket, Money worst, Money expected, Instant deadline,
                           Instant now) {
  FARE_CHECK(in_range(worst));
  FARE_CHECK(in_range(expected));
  const TicketSlots::Claimed claimed = state_->slots.claim(ticket);
  if (claimed.slot == nullptr) {
    Reservation none;
    none.status = ReserveStatus::kNoTicket;
    return none;
  }
  TicketSlot& slot = *claimed.slot;
  const Ask more{{}, worst, expected, deadline};
  Shortage shortage;
  Reservation result = state_->try_top_up(slot, more, now, shortage);
  for (std::size_t tries = slot.entries; tries > 0 && state_->share_out(shortage, now); --tries) {
    shortage = {};
    result = state_->try_top_up(slot, more, now, shortage);
  }
  if (result.status == ReserveStatus::kReserved) {
    slot.worst += worst;
    slot.expected += expected;
    slot.deadline.store(
        std::max(slot.deadline.load(std::memory_order_relaxed), nanoseconds_of(deadline)),
        std::memory_order_relaxed);
    result.ticket = ticket;
  }
  state_->slots.open(claimed);
  return result;
}

CloseStatus Ledger::State::close(const TicketSlots::Claimed& claimed, std::optional<Money> cost) {
  if (claimed.slot == nullptr) return claimed.status;
  const TicketSlot& slot = *claimed.slot;
  // No two budgets need be closed at the same instant: each one's equation holds all the time.
  for (std::size_t i = 0; i < slot.entries; ++i) {
    const Money held = slot.held(i);
    Account& account = accounts[slot.account[i]];
    const std::scoped_lock lock(account.lock);
    accounts.apply(slot.account[i], slot.window[i],
                   {.settled = cost.value_or(held), .reserved = -held, .leased = {}});
  }
  slots.close(claimed);
  return CloseStatus::kClosed;
}

// A cost that no reservation can have promised: rare, so it may hold all of its budgets.
CloseStatus Ledger::State::close_far_above(const TicketSlots::Claimed& claimed, Money cost) {
  if (claimed.slot == nullptr) return claimed.status;
  const TicketSlot& slot = *claimed.slot;
  {
    HeldChain held(accounts, slot.account.data());
    bool fits = true;
    for (std::size_t i = 0; i < slot.entries; ++i) {
      held.lock_next();
      fits = fits && accounts.can_settle(slot.account[i], slot.window[i], cost);
    }
    if (!fits) {
      slots.open(claimed);
      return CloseStatus::kTooMuch;
    }
    for (std::size_t i = 0; i < slot.entries; ++i) {
      accounts.apply(slot.account[i], slot.window[i],
                     {.settled = cost, .reserved = -slot.held(i), .leased = {}});
    }
  }
  slots.close(claimed);
  return CloseStatus::kClosed;
}

CloseStatus Ledger::settle(LedgerTicket ticket, std::optional<Money> cost, Instant) {
  const TicketSlots::Claimed claimed = state_->slots.claim(ticket);
  if (!cost || in_range(*cost)) return state_->close(claimed, cost);
  FARE_CHECK(*cost >= Money());
  FARE_CHECK(*cost <= kSettleMax);
  return state_->close_far_above(claimed, *cost);
}

CloseStatus Ledger::release(LedgerTicket ticket, Instant) {
  return state_->close(state_->slots.claim(ticket), Money());
}

void Ledger::count(LedgerTicket ticket, Money so_far) {
  FARE_CHECK(in_range(so_far));
  TicketSlot* slot = state_->slots.find(ticket);
  if (slot != nullptr) slot->counted.store(so_far.count(), std::memory_order_relaxed);
}

namespace {

// What was counted, if anything was.
std::optional<Money> counted(const TicketSlot& slot) {
  const std::int64_t nanodollars = slot.counted.load(std::memory_order_relaxed);
  return nanodollars < 0 ? std::nullopt : std::optional<Money>(nanodollars);
}

}  // namespace

CloseStatus Ledger::abort(LedgerTicket ticket, Instant) {
  const TicketSlots::Claimed claimed = state_->slots.claim(ticket);
  if (claimed.slot == nullptr) return claimed.status;
  switch (state_->on_abort.load(std::memory_order_relaxed)) {
    case AbortPolicy::kChargeReserved:
      return state_->close(claimed, std::nullopt);
    case AbortPolicy::kChargeCounted:
      return state_->close(claimed, counted(*claimed.slot));
    case AbortPolicy::kDrain:
      break;
  }
  state_->slots.open(claimed);
  return CloseStatus::kDraining;
}

std::size_t Ledger::expire(Instant now) {
  std::size_t expired = 0;
  const ExpiryPolicy policy = state_->on_expiry.load(std::memory_order_relaxed);
  state_->slots.each_due(nanoseconds_of(now), [&](const TicketSlots::Claimed& claimed) {
    if (claimed.slot->deadline.load(std::memory_order_relaxed) > nanoseconds_of(now)) {
      return state_->slots.open(claimed);  // It was topped up meanwhile.
    }
    std::optional<Money> cost;
    if (policy == ExpiryPolicy::kChargeCounted) cost = counted(*claimed.slot);
    if (policy == ExpiryPolicy::kRelease) cost = Money();
    state_->close(claimed, cost);
    ++expired;
  });
  return expired;
}

LedgerLease Ledger::lease_out(BudgetId budget, Money amount, Instant now) {
  FARE_CHECK(amount >= Money());
  const auto index = static_cast<std::uint32_t>(budget);
  AccountBook& accounts = state_->accounts;
  Account& account = accounts[index];
  const std::scoped_lock lock(account.lock);
  if (!accounts.refresh(index, now, second_of(now))) return {};
  LedgerLease lease;
  lease.amount = max_of(Money(), std::min(amount, account.free()));
  if (account.is_removed != 0) lease.amount = Money();
  lease.window = {instant_of(account.begin), instant_of(account.fresh_until)};
  accounts.apply(index, account.begin, {.settled = {}, .reserved = {}, .leased = lease.amount});
  return lease;
}

void Ledger::take_back(BudgetId budget, Instant window_begin, Money amount, Money spent, Instant) {
  FARE_CHECK(spent >= Money());
  const auto index = static_cast<std::uint32_t>(budget);
  Account& account = state_->accounts[index];
  const std::scoped_lock lock(account.lock);
  state_->accounts.apply(index, second_of(window_begin),
                         {.settled = spent, .reserved = {}, .leased = -amount});
}

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

}  // namespace fare
