#include <fmt/format.h>

#include <algorithm>

#include "base/names.h"
#include "fare/budget.h"

namespace fare {
namespace {

// The longest a window of this kind may last; kNever's distance if it has no end.
Duration longest(const WindowSpec& window) {
  using std::chrono::days;
  switch (window.kind) {
    case WindowKind::kDay:
      return days(2);  // A day may have 25 hours.
    case WindowKind::kWeek:
      return days(8);
    case WindowKind::kMonth:
      return days(32);
    case WindowKind::kQuarter:
      return days(93);
    case WindowKind::kYear:
      return days(367);
    case WindowKind::kRolling:
    case WindowKind::kSession:
      return window.length;
    case WindowKind::kAbsolute:
      return window.until == kNever ? Duration::max() : window.until - window.from;
  }
  return Duration::max();
}

class Checker {
 public:
  explicit Checker(const BudgetConfig& config) : config_(config) {
    for (std::size_t i = 0; i < config.scopes.size(); ++i) {
      index_.emplace(config.scopes[i].id, i);
      if (!config.scopes[i].parent.empty()) children_[config.scopes[i].parent].push_back(i);
    }
  }

  std::vector<BudgetFinding> run() {
    for (std::size_t i = 0; i < config_.scopes.size(); ++i) {
      for (std::size_t k = 0; k < config_.scopes[i].budgets.size(); ++k) check_budget(i, k);
      check_unlimited(i);
    }
    return std::move(findings_);
  }

 private:
  void add(std::string code, std::string where, std::string message) {
    findings_.push_back({std::move(code), std::move(where), std::move(message)});
  }

  const Scope* parent_of(const Scope& scope) const {
    const auto found = index_.find(scope.parent);
    return found == index_.end() ? nullptr : &config_.scopes[found->second];
  }

  void check_budget(std::size_t i, std::size_t k) {
    const Scope& scope = config_.scopes[i];
    const Budget& budget = scope.budgets[k];
    const std::string where = fmt::format("/scopes/{}/budgets/{}", i, k);
    const std::string name = fmt::format("{}/{}", scope.id, budget.id);
    check_parents(where, name, scope, budget);
    const bool endless =
        budget.window.kind == WindowKind::kAbsolute && budget.window.until == kNever;
    if (endless) {
      add("never_resets", where, fmt::format("{} has no end: once spent, it stays so", name));
    }
    if (budget.limit == Money() && budget.raises.empty() && budget.carry_over_max == Money()) {
      add("zero_limit", where, fmt::format("{} is $0: nothing that costs can pass", name));
    } else {
      check_worst_request(where, name, budget);
    }
    check_raises(where, name, budget);
    check_shared(where, name, scope, budget);
    if (budget.share) check_share(where, name, scope, budget);
    if (config_.on_expiry == ExpiryPolicy::kRelease && budget.mode == BudgetMode::kStrict) {
      add("release_breaks_strict", where,
          fmt::format("{} is strict, but a ticket that expires is released: what it spent after "
                      "all is not counted",
                      name));
    }
  }

  // A budget above an ancestor's that lasts at least as long: the ancestor's always stops first.
  void check_parents(const std::string& where, const std::string& name, const Scope& scope,
                     const Budget& budget) {
    for (const Scope* up = parent_of(scope); up != nullptr; up = parent_of(*up)) {
      for (const Budget& above : up->budgets) {
        const bool covers =
            above.window == budget.window || longest(above.window) > longest(budget.window);
        const bool blocks = above.mode != BudgetMode::kObserve && above.raises.empty() &&
                            above.carry_over_max == Money();
        if (!covers || !blocks || above.limit >= budget.limit) continue;
        add("child_above_parent", where,
            fmt::format("{} is ${}, above {}/{} with ${}, which stops first", name,
                        to_usd(budget.limit), up->id, above.id, to_usd(above.limit)));
        return;
      }
    }
  }

  void check_worst_request(const std::string& where, const std::string& name,
                           const Budget& budget) {
    if (!config_.attempt_max || budget.mode == BudgetMode::kObserve) return;
    const Int128 worst = Int128{config_.attempt_max->count()} * config_.attempts_max;
    const bool may_borrow = !budget.share || budget.share->borrow;
    const Money most = may_borrow ? budget.limit : std::min(budget.limit, budget.share->guarantee);
    if (worst <= most.count()) return;
    const Cost cost(worst * 1'000);
    add("request_above_limit", where,
        fmt::format("{} is ${}{}, but {} attempts of ${} may take ${}", name, to_usd(most),
                    may_borrow ? "" : " and may not borrow", config_.attempts_max,
                    to_usd(*config_.attempt_max), to_usd(cost)));
  }

  void check_raises(const std::string& where, const std::string& name, const Budget& budget) {
    const WindowSpec& window = budget.window;
    if (window.kind != WindowKind::kAbsolute) return;
    for (std::size_t r = 0; r < budget.raises.size(); ++r) {
      const Raise& raise = budget.raises[r];
      if (raise.from < window.until && raise.until > window.from) continue;
      add("raise_never_holds", fmt::format("{}/raises/{}", where, r),
          fmt::format("a raise of {} lies outside its window", name));
    }
  }

  // What children are promised of a budget, and who spends of it without a share.
  void check_shared(const std::string& where, const std::string& name, const Scope& scope,
                    const Budget& budget) {
    const auto found = children_.find(scope.id);
    if (found == children_.end()) return;
    Int128 guarantees = 0;
    bool is_shared = false;
    for (const std::size_t child : found->second) {
      const Share* share = share_of(config_.scopes[child], budget.id);
      is_shared |= share != nullptr;
      if (share != nullptr) guarantees += share->guarantee.count();
    }
    if (!is_shared) return;
    if (guarantees > budget.limit.count()) {
      add("guarantees_above_parent", where,
          fmt::format("{} is ${}, but its children are guaranteed ${} together", name,
                      to_usd(budget.limit), to_usd(Cost(guarantees * 1'000))));
    }
    for (const std::size_t child : found->second) {
      if (share_of(config_.scopes[child], budget.id) != nullptr) continue;
      add("unshared_child", fmt::format("/scopes/{}", child),
          fmt::format("{} spends of {} without a share: its siblings' guarantees do not hold "
                      "against it",
                      config_.scopes[child].id, name));
    }
  }

  static const Share* share_of(const Scope& scope, std::string_view id) {
    for (const Budget& budget : scope.budgets) {
      if (budget.share && budget.share->of == id) return &*budget.share;
    }
    return nullptr;
  }

  void check_share(const std::string& where, const std::string& name, const Scope& scope,
                   const Budget& budget) {
    const Share& share = *budget.share;
    if (share.guarantee > budget.limit) {
      add("guarantee_above_limit", where,
          fmt::format("{} is guaranteed ${}, but its own limit is ${}", name,
                      to_usd(share.guarantee), to_usd(budget.limit)));
    }
    if (share.guarantee == Money() && !share.borrow) {
      add("empty_share", where,
          fmt::format(
              "{} is guaranteed nothing of {}/{} and may not borrow: nothing that costs can "
              "pass",
              name, scope.parent, share.of));
    }
  }

  // Only scopes at the end of a chain: those under them say what they miss.
  void check_unlimited(std::size_t i) {
    const Scope* at = &config_.scopes[i];
    if (at->kind > ScopeKind::kSession) return;  // A side scope may only report.
    for (; at != nullptr; at = parent_of(*at)) {
      for (const Budget& budget : at->budgets) {
        if (budget.mode != BudgetMode::kObserve) return;
      }
    }
    const std::string where = fmt::format("/scopes/{}", i);
    add("unlimited_scope", where,
        fmt::format("no budget stops {} or anyone above it", config_.scopes[i].id));
  }

  const BudgetConfig& config_;
  NameMap<std::size_t> index_;
  NameMap<std::vector<std::size_t>> children_;
  std::vector<BudgetFinding> findings_;
};

}  // namespace

std::vector<BudgetFinding> check(const BudgetConfig& config) { return Checker(config).run(); }

}  // namespace fare
