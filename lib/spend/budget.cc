#include "fare/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/names.h"
#include "base/nearest.h"
#include "spend/budget_names.h"

namespace fare {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kHintsMax = 2'000;  // Scopes beyond which no "did you mean" is looked for.

bool is_whole_second(Instant at) {
  return at.time_since_epoch() % std::chrono::seconds(1) == Duration(0);
}

bool may_have_parent(ScopeKind kind, ScopeKind parent) {
  if (kind == ScopeKind::kModel) return parent == ScopeKind::kProvider;
  return kind <= ScopeKind::kSession && parent < kind;
}

// Where the parts of a configuration stand, and how they hang together.
class Validator {
 public:
  Validator(const BudgetConfig& config, std::string_view file) : config_(config), file_(file) {}

  Errors run() {
    for (std::size_t i = 0; i < config_.scopes.size(); ++i) {
      const Scope& scope = config_.scopes[i];
      if (scope.id.empty()) continue;  // Its reader said so.
      const bool is_new = index_.emplace(scope.id, i).second;
      if (!is_new) add(scope_place(i) + "/id", ErrorCode::kDuplicateKey, stands_twice(scope.id));
    }
    for (std::size_t i = 0; i < config_.scopes.size(); ++i) {
      check_scope(i);
      for (std::size_t k = 0; k < config_.scopes[i].budgets.size(); ++k) check_budget(i, k);
    }
    check_cycles();
    return std::move(errors_);
  }

 private:
  static std::string scope_place(std::size_t scope) { return fmt::format("/scopes/{}", scope); }
  static std::string stands_twice(std::string_view id) {
    return fmt::format("\"{}\" stands twice", id);
  }

  void add(std::string place, ErrorCode code, std::string message) {
    errors_.push_back({code, fmt::format("{}#{}", file_, place), std::move(message)});
  }

  std::size_t find(const std::string& id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? kNone : found->second;
  }

  void check_scope(std::size_t i) {
    const Scope& scope = config_.scopes[i];
    if (scope.id.size() > kScopeIdMax) {
      add(scope_place(i) + "/id", ErrorCode::kOutOfRange,
          fmt::format("must be at most {} bytes", kScopeIdMax));
    }
    if (scope.budgets.size() > kBudgetsMax) {
      add(scope_place(i) + "/budgets", ErrorCode::kOutOfRange,
          fmt::format("must be at most {} budgets", kBudgetsMax));
    }
    if (scope.parent.empty()) return;
    const std::string place = scope_place(i) + "/parent";
    const std::size_t parent = find(scope.parent);
    if (parent == kNone) {
      add(place, ErrorCode::kUnknownName,
          fmt::format("\"{}\" is not a scope of this file{}", scope.parent, hint(scope.parent)));
    } else if (scope.parent.ends_with('*')) {
      add(place, ErrorCode::kConflict, "is a template, which stands for many scopes");
    } else if (!may_have_parent(scope.kind, config_.scopes[parent].kind)) {
      add(place, ErrorCode::kConflict,
          fmt::format("a {} cannot be under a {}: the order is org, team, user, key, session; a "
                      "model may be under a provider",
                      to_string(scope.kind), to_string(config_.scopes[parent].kind)));
    }
  }

  std::string hint(std::string_view id) const {
    if (config_.scopes.size() > kHintsMax) return {};
    std::vector<std::string_view> known;
    for (const Scope& scope : config_.scopes) known.push_back(scope.id);
    return did_you_mean(nearest(id, known));
  }

  // Kinds that must descend leave no cycle; a file with wrong kinds may hold one all the same.
  void check_cycles() {
    std::vector<std::size_t> seen_from(config_.scopes.size(), kNone);
    for (std::size_t i = 0; i < config_.scopes.size(); ++i) {
      std::size_t at = i;
      while (at != kNone && seen_from[at] == kNone) {
        seen_from[at] = i;
        at = find(config_.scopes[at].parent);
      }
      if (at == kNone || seen_from[at] != i) continue;
      add(scope_place(at) + "/parent", ErrorCode::kConflict,
          fmt::format("\"{}\" is its own ancestor", config_.scopes[at].id));
    }
  }

  void check_budget(std::size_t i, std::size_t k) {
    const Budget& budget = config_.scopes[i].budgets[k];
    const std::string place = fmt::format("/scopes/{}/budgets/{}", i, k);
    for (std::size_t before = 0; before < k && !budget.id.empty(); ++before) {
      if (config_.scopes[i].budgets[before].id != budget.id) continue;
      add(place + "/id", ErrorCode::kDuplicateKey, stands_twice(budget.id));
    }
    for (const Money money : {budget.limit, budget.carry_over_max}) {
      if (money >= Money() && money <= kLimitMax) continue;
      add(place, ErrorCode::kOutOfRange, "money must be from 0 to a billion dollars");
    }
    Int128 most = Int128{budget.limit.count()} + budget.carry_over_max.count();
    for (const Raise& raise : budget.raises) most += raise.amount.count();
    if (most > kLimitMax.count() * Int128{4}) {
      add(place, ErrorCode::kOutOfRange,
          "limit, carry-over and raises must be at most four billion dollars together");
    }
    check_window(place, budget);
    if (budget.share) check_share(place + "/share", config_.scopes[i], budget);
    const bool ascends = std::is_sorted(budget.soft_percent.begin(), budget.soft_percent.end(),
                                        [](int a, int b) { return a <= b; });
    const auto in_range = [](int percent) { return percent >= 1 && percent <= 99; };
    if (!ascends || budget.soft_percent.size() > kSoftMax ||
        !std::all_of(budget.soft_percent.begin(), budget.soft_percent.end(), in_range)) {
      add(place + "/soft_percent", ErrorCode::kOutOfRange,
          "must be at most four whole numbers from 1 to 99, ascending");
    }
    if (budget.window.kind == WindowKind::kSession && !budget.raises.empty()) {
      add(place + "/raises", ErrorCode::kConflict,
          "a session's limit cannot be raised for a while");
    }
    for (std::size_t r = 0; r < budget.raises.size(); ++r) check_raise(place, r, budget.raises[r]);
  }

  void check_window(const std::string& place, const Budget& budget) {
    // A configuration has few kinds of windows and many budgets.
    const auto known = std::find(good_.begin(), good_.end(), budget.window);
    if (known == good_.end()) {
      const Expected<Window> window = Window::create(budget.window);
      if (window && good_.size() < 64) good_.push_back(budget.window);
      if (!window) {
        for (const Error& error : window.error()) {
          add(place + "/window/" + error.where, error.code, error.message);
        }
      }
    }
    const bool has_next = budget.window.kind <= WindowKind::kYear;
    if (!has_next && budget.carry_over_max != Money()) {
      add(place + "/carry_over_usd_max", ErrorCode::kConflict,
          fmt::format("a window of kind \"{}\" has no next one to carry over to",
                      to_string(budget.window.kind)));
    }
  }

  void check_share(const std::string& place, const Scope& scope, const Budget& budget) {
    const Share& share = *budget.share;
    const bool in_range = share.weight >= 1 && share.weight <= kShareWeightMax &&
                          share.guarantee >= Money() && share.guarantee <= kLimitMax;
    if (!in_range) {
      add(place, ErrorCode::kOutOfRange,
          fmt::format("must have a weight from 1 to {} and a guarantee from 0 to a billion dollars",
                      kShareWeightMax));
    }
    if (scope.id.ends_with('*') && share.guarantee != Money()) {
      add(place + "/guarantee_usd", ErrorCode::kConflict,
          "must be 0: a template stands for any number of scopes");
    }
    if (budget.window.kind == WindowKind::kRolling || budget.window.kind == WindowKind::kSession ||
        !budget.raises.empty() || budget.carry_over_max != Money()) {
      add(place, ErrorCode::kConflict,
          "cannot be of a rolling or session window, and has no raises and no carry-over");
    }
    const auto shares = std::count_if(
        scope.budgets.begin(), scope.budgets.end(),
        [&share](const Budget& one) { return one.share && one.share->of == share.of; });
    if (shares > 1) {
      add(place + "/of", ErrorCode::kDuplicateKey,
          fmt::format("\"{}\" has two shares of \"{}\"", scope.id, share.of));
    }
    check_shared(place + "/of", scope, budget);
  }

  void check_shared(const std::string& place, const Scope& scope, const Budget& budget) {
    const std::size_t parent = scope.parent.empty() ? kNone : find(scope.parent);
    if (parent == kNone) return add(place, ErrorCode::kConflict, "needs a parent scope to share");
    for (const Budget& above : config_.scopes[parent].budgets) {
      if (above.id != budget.share->of) continue;
      if (above.window == budget.window && above.mode == budget.mode &&
          above.mode != BudgetMode::kObserve) {
        return;
      }
      return add(place, ErrorCode::kConflict,
                 fmt::format("{}/{} has another window or mode than {}/{}, or only observes",
                             scope.parent, above.id, scope.id, budget.id));
    }
    add(place, ErrorCode::kUnknownName,
        fmt::format("\"{}\" is not a budget of \"{}\"", budget.share->of, scope.parent));
  }

  void check_raise(const std::string& place, std::size_t r, const Raise& raise) {
    const bool ordered = raise.from >= kWindowsFirst && raise.from < raise.until &&
                         raise.until < kWindowsEnd && is_whole_second(raise.from) &&
                         is_whole_second(raise.until);
    const bool in_range = raise.amount >= Money() && raise.amount <= kLimitMax;
    if (ordered && in_range) return;
    add(fmt::format("{}/raises/{}", place, r), ErrorCode::kOutOfRange,
        "must be 0 to a billion dollars, from a whole second of 1970 to 2100 until a later one");
  }

  const BudgetConfig& config_;
  std::string_view file_;
  NameMap<std::size_t> index_;
  std::vector<WindowSpec> good_;
  Errors errors_;
};

}  // namespace

std::string_view to_string(ScopeKind kind) {
  return kScopeKindNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(BudgetMode mode) { return kModeNames[static_cast<std::size_t>(mode)]; }

Errors validate(const BudgetConfig& config, std::string_view file) {
  return Validator(config, file).run();
}

}  // namespace fare
