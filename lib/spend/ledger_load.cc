#include <algorithm>
#include <utility>

#include "fare/check.h"
#include "spend/ledger_state.h"

namespace fare {

Expected<std::unique_ptr<Ledger>> Ledger::create(const BudgetConfig& config, Instant now,
                                                 Options options) {
  FARE_CHECK(options.tickets_max >= 16);
  Errors errors = validate(config, "budgets");
  if (config.scopes.size() > options.scopes_max) {
    errors.push_back({ErrorCode::kOutOfRange, "budgets#/scopes", "more scopes than scopes_max"});
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  auto state = std::make_unique<State>(options, now);
  state->load(config, now);
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

Expected<std::unique_ptr<Ledger>> Ledger::create(const BudgetConfig& config, Instant now) {
  return create(config, now, Options{});
}

Expected<ReloadReport> Ledger::reload(const BudgetConfig& config, Instant now) {
  Errors errors = validate(config, "budgets");
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  const std::scoped_lock lock(state_->structure);
  return state_->load(config, now);
}

ScopeId Ledger::find(std::string_view id) const {
  const std::uint32_t node = state_->names.find(id);
  const bool usable = node != 0 && state_->nodes[node].is_usable.load(std::memory_order_acquire);
  return ScopeId{usable ? node : 0};
}

ScopeId Ledger::find_or_create(std::string_view id, Instant now) {
  const ScopeId known = find(id);
  if (known != ScopeId{}) return known;
  const std::scoped_lock lock(state_->structure);
  const State::Template* found = state_->template_of(id);
  if (found == nullptr || state_->names.size() >= state_->options.scopes_max) return ScopeId{};
  ReloadReport ignored;
  const std::uint32_t node = state_->node_of(id);
  state_->parts.clear();
  state_->put(node, found->scope, found->parent, now, ignored);
  for (const ShareGroups::Part& part : state_->parts) state_->shares.add(part);
  return ScopeId{node};
}

std::string_view Ledger::name(ScopeId scope) const {
  return state_->names.name(static_cast<std::uint32_t>(scope));
}

std::uint32_t Ledger::State::node_of(std::string_view id) {
  const std::uint32_t known = names.find(id);
  if (known != 0) return known;
  nodes.grow(names.size() + 2);  // Whoever finds the name finds its node.
  return names.add(id);
}

const Ledger::State::Template* Ledger::State::template_of(std::string_view id) const {
  const Template* longest = nullptr;
  if (id.size() > 255) return nullptr;
  for (const auto& [prefix, one] : templates) {
    if (!id.starts_with(prefix) || id.ends_with('*')) continue;
    if (longest == nullptr || one.scope.id.size() > longest->scope.id.size()) longest = &one;
  }
  return longest;
}

ReloadReport Ledger::State::load(const BudgetConfig& config, Instant now) {
  ReloadReport report;
  ++loads;
  parts.clear();
  on_expiry = config.on_expiry;
  on_abort = config.on_abort;
  for (const Scope& scope : config.scopes) node_of(scope.id);
  templates.clear();
  // Parents first, so that a chain's root has the lowest accounts; kinds descend along it.
  std::vector<const Scope*> ordered;
  for (const Scope& scope : config.scopes) ordered.push_back(&scope);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Scope* a, const Scope* b) { return a->kind < b->kind; });
  for (const Scope* scope : ordered) {
    const std::uint32_t node = names.find(scope->id);
    const std::uint32_t parent = scope->parent.empty() ? 0 : names.find(scope->parent);
    nodes[node].listed = loads;
    if (scope->id.ends_with('*')) {
      templates[scope->id.substr(0, scope->id.size() - 1)] = {*scope, parent};
      if (nodes[node].is_usable) drop(nodes[node], report);
    } else {
      put(node, *scope, parent, now, report);
    }
  }
  for (std::uint32_t node = 1; node <= names.size(); ++node) {
    if (nodes[node].listed == loads || !nodes[node].is_usable) continue;
    const Template* found = template_of(names.name(node));
    if (found == nullptr) {
      drop(nodes[node], report);
    } else {
      put(node, found->scope, found->parent, now, report);
    }
  }
  shares.replace(parts, accounts);
  return report;
}

void Ledger::State::put(std::uint32_t node, const Scope& scope, std::uint32_t parent, Instant now,
                        ReloadReport& report) {
  Node& entry = nodes[node];
  for (const std::atomic<std::uint32_t>& attached : entry.account) {
    const std::uint32_t index = attached.load(std::memory_order_relaxed);
    if (index == 0) break;
    const std::scoped_lock lock(accounts[index].lock);
    const std::string& id = accounts.rule(index).id;
    const bool listed = std::any_of(scope.budgets.begin(), scope.budgets.end(),
                                    [&id](const Budget& budget) { return budget.id == id; });
    if (listed) continue;
    report.budgets_removed += accounts[index].is_removed == 0 ? 1 : 0;
    accounts[index].is_removed = 1;
  }
  for (const Budget& budget : scope.budgets) {
    const std::uint32_t account = put_budget(node, budget, now, report);
    if (budget.share) parts.push_back(part_of(account, *budget.share, parent));
  }
  entry.parent.store(parent, std::memory_order_release);
  if (!entry.is_usable.exchange(true, std::memory_order_release)) ++report.scopes_added;
}

ShareGroups::Part Ledger::State::part_of(std::uint32_t child, const Share& share,
                                         std::uint32_t parent) {
  ShareGroups::Part part{0, child, share.weight, share.borrow};
  for (const std::atomic<std::uint32_t>& attached : nodes[parent].account) {
    const std::uint32_t index = attached.load(std::memory_order_relaxed);
    if (index == 0) break;
    const std::scoped_lock lock(accounts[index].lock);
    if (accounts[index].is_removed == 0 && accounts.rule(index).id == share.of) part.parent = index;
  }
  FARE_CHECK(part.parent != 0);
  return part;
}

std::atomic<std::uint32_t>* Ledger::State::room_in(Node& node, std::uint32_t instead_of) {
  for (std::atomic<std::uint32_t>& attached : node.account) {
    if (attached.load(std::memory_order_relaxed) == instead_of) return &attached;
  }
  for (std::atomic<std::uint32_t>& attached : node.account) {
    Account& account = accounts[attached.load(std::memory_order_relaxed)];
    const std::scoped_lock lock(account.lock);
    if (account.is_removed != 0) return &attached;
  }
  return nullptr;
}

std::uint32_t Ledger::State::put_budget(std::uint32_t node, const Budget& budget, Instant now,
                                        ReloadReport& report) {
  const std::uint32_t rule = accounts.rule_of(budget);
  std::uint32_t same_id = 0;
  for (const std::atomic<std::uint32_t>& attached : nodes[node].account) {
    const std::uint32_t index = attached.load(std::memory_order_relaxed);
    if (index == 0) break;
    const std::scoped_lock lock(accounts[index].lock);
    if (accounts.rule(index).id == budget.id) same_id = index;
  }
  Money debt;
  if (same_id != 0) {
    Account& account = accounts[same_id];
    const std::scoped_lock lock(account.lock);
    if (accounts.rule(same_id).window.spec() == budget.window) {
      const bool same = account.rule == rule && account.base == budget.limit &&
                        account.mode == static_cast<std::uint32_t>(budget.mode);
      report.budgets_added += account.is_removed;
      if (account.is_removed != 0 || !same) accounts.configure(same_id, budget, rule, now);
      report.budgets_changed += same ? 0 : 1;
      return same_id;
    }
    account.is_removed = 1;
    accounts.refresh(same_id, now, second_of(now));
    if (budget.keep_debt) debt = std::min(Money(), account.free());
    ++report.windows_changed;
  } else {
    ++report.budgets_added;
  }
  // Removed budgets give way, unless one of this id is there; six of both fit always.
  std::atomic<std::uint32_t>* room = room_in(nodes[node], same_id);
  FARE_CHECK(room != nullptr);
  const std::uint32_t index = accounts.add_account(budget, rule, debt, now);
  scope_of_account.grow(index + 1);
  scope_of_account[index] = node;
  room->store(index, std::memory_order_release);
  return index;
}

void Ledger::State::drop(Node& node, ReloadReport& report) {
  node.is_usable.store(false, std::memory_order_release);
  ++report.scopes_removed;
}

}  // namespace fare
