#include <fmt/format.h>

#include <map>
#include <tuple>

#include "fare/check.h"
#include "spend/ledger_state.h"

namespace fare {

void Ledger::State::report(std::uint32_t account, Instant now, std::vector<BudgetReport>& out) {
  const std::size_t before = out.size();
  {
    const std::scoped_lock lock(accounts[account].lock);
    accounts.refresh(account, now, second_of(now));
    accounts.report(account, out);
  }
  const std::string_view scope = names.name(scope_of_account[account]);
  for (std::size_t i = before; i < out.size(); ++i) out[i].scope = scope;
}

std::vector<BudgetReport> Ledger::report(Instant now) const {
  const std::scoped_lock lock(state_->structure);
  std::vector<BudgetReport> lines;
  for (std::uint32_t account = 1; account <= state_->accounts.size(); ++account) {
    state_->report(account, now, lines);
  }
  return lines;
}

std::vector<BudgetReport> Ledger::report(ScopeId scope, Instant now) const {
  std::vector<BudgetReport> lines;
  const std::uint32_t node = static_cast<std::uint32_t>(scope);
  if (node == 0 || node > state_->names.size()) return lines;
  for (const std::atomic<std::uint32_t>& attached : state_->nodes[node].account) {
    const std::uint32_t account = attached.load(std::memory_order_acquire);
    if (account != 0) state_->report(account, now, lines);
  }
  return lines;
}

InlineList<BudgetId, kBudgetsPerTicketMax> Ledger::budgets_of(
    std::span<const ScopeId> scopes) const {
  InlineList<BudgetId, kBudgetsPerTicketMax> budgets;
  const Chain chain = state_->chain_of(scopes);
  for (std::size_t i = 0; i < chain.size; ++i) budgets.push_back(BudgetId{chain.account[i]});
  return budgets;
}

BurnBooks Ledger::burn_books(BudgetId budget, Instant now) const {
  const auto index = static_cast<std::uint32_t>(budget);
  Account& account = state_->accounts[index];
  const std::scoped_lock lock(account.lock);
  state_->accounts.refresh(index, now, second_of(now));
  return state_->accounts.burn_books(index);
}

bool Ledger::adopt(std::string_view scope, std::string_view budget, Money spent, Instant now) {
  FARE_CHECK(spent >= Money());
  FARE_CHECK(spent <= kLimitMax);
  const auto node = static_cast<std::uint32_t>(find_or_create(scope, now));
  if (node == 0) return false;
  for (const std::atomic<std::uint32_t>& attached : state_->nodes[node].account) {
    const std::uint32_t index = attached.load(std::memory_order_acquire);
    if (index == 0 || state_->accounts.rule(index).id != budget) continue;
    const std::scoped_lock lock(state_->accounts[index].lock);
    state_->accounts.refresh(index, now, second_of(now));
    state_->accounts.apply(index, state_->accounts[index].begin,
                           {.settled = spent, .reserved = {}, .leased = {}});
    return true;
  }
  return false;
}

std::uint64_t Ledger::open_tickets() const { return state_->slots.open_count(); }

std::vector<std::string> Ledger::audit() const {
  const AccountBook& accounts = state_->accounts;
  using Key = std::pair<std::uint32_t, Second>;
  std::map<Key, Money> held;
  state_->slots.each_open([&](const TicketSlot& slot) {
    for (std::size_t i = 0; i < slot.entries; ++i) {
      const std::uint32_t account = slot.account[i];
      if (!accounts.counts(account, slot.window[i])) continue;
      // A rolling window's slices are one line in the books.
      const bool rolling = accounts[account].is_rolling != 0;
      held[{account, rolling ? accounts[account].begin : slot.window[i]}] += slot.held(i);
    }
  });
  std::vector<std::string> differences;
  for (std::uint32_t account = 1; account <= accounts.size(); ++account) {
    std::vector<BudgetReport> lines;
    accounts.report(account, lines);
    for (const BudgetReport& line : lines) {
      const Second begin = line.is_past ? second_of(line.window.begin) : accounts[account].begin;
      const auto found = held.find({account, begin});
      const Money tickets = found == held.end() ? Money() : found->second;
      if (found != held.end()) held.erase(found);
      if (tickets == line.reserved) continue;
      differences.push_back(fmt::format("{}/{} from {}: ${} reserved, but open tickets hold ${}",
                                        state_->names.name(state_->scope_of_account[account]),
                                        line.budget, to_rfc3339(line.window.begin),
                                        to_usd(line.reserved), to_usd(tickets)));
    }
  }
  for (const auto& [key, money] : held) {
    if (money == Money()) continue;  // Who held nothing may outlive its window.
    differences.push_back(
        fmt::format("account {} has no window from second {}, but tickets hold "
                    "${} there",
                    key.first, key.second, to_usd(money)));
  }
  return differences;
}

}  // namespace fare
