#include "router/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/names.h"
#include "base/nearest.h"

namespace fare {
namespace {

constexpr std::uint32_t kOpenTicketsMin = 16;

// Reads a configuration into a snapshot; what is wrong goes into `errors`.
class SnapshotMaker {
 public:
  SnapshotMaker(Snapshot& snapshot, Instant now, Errors& errors)
      : snapshot_(snapshot), config_(snapshot.config), now_(now), errors_(errors) {}

  void make() {
    check_numbers();
    for (std::size_t i = 0; i < snapshot_.policy.targets.size(); ++i) add_target(i);
    for (std::size_t k = 0; k <= snapshot_.policy.classes.size(); ++k) {
      for (const PolicyTarget& one : snapshot_.policy.targets) {
        snapshot_.qualities.push_back(one.quality[k]);
      }
    }
    for (std::size_t i = 0; i < snapshot_.policy.classes.size(); ++i) {
      snapshot_.classes[snapshot_.policy.classes[i].name] = static_cast<std::uint32_t>(i);
    }
    for (const PolicyRule& rule : snapshot_.policy.rules) {
      const auto count = static_cast<std::uint32_t>(
          std::count_if(rule.degrade.begin(), rule.degrade.end(),
                        [](const DegradeStep& step) { return step.on_forecast; }));
      snapshot_.forecast_steps.push_back(count);
      snapshot_.forecast_steps_max = std::max(snapshot_.forecast_steps_max, count);
    }
    if (config_.model) match_model();
    if (config_.budgets) read_budgets();
    for (std::size_t i = 0; i < snapshot_.policy.rules.size(); ++i) check_hedge(i);
  }

 private:
  void problem(ErrorCode code, std::string where, std::string message) {
    errors_.push_back({code, std::move(where), std::move(message)});
  }

  void check_numbers() {
    if (config_.open_tickets_max < kOpenTicketsMin) {
      problem(
          ErrorCode::kOutOfRange, "open_tickets_max",
          fmt::format("must be at least {}, but is {}", kOpenTicketsMin, config_.open_tickets_max));
    }
    if (config_.ticket_life <= Duration(0)) {
      problem(ErrorCode::kOutOfRange, "ticket_life",
              fmt::format("must be above 0, but is {} ns", config_.ticket_life.count()));
    }
  }

  std::string place(std::size_t target, std::string_view key) const {
    return fmt::format("{}#/targets/{}/{}", snapshot_.policy.file, target, key);
  }

  void add_target(std::size_t i) {
    const PolicyTarget& wanted = snapshot_.policy.targets[i];
    RoutedTarget& target = snapshot_.targets.emplace_back();
    target.terms.tier = wanted.tier;
    target.terms.region = wanted.region;
    target.capabilities = wanted.capabilities;
    target.latency = wanted.latency;
    const ModelMatch match = config_.prices.find(wanted.provider, wanted.model, now_);
    if (match.status == LookUp::kUnknown || match.status == LookUp::kNotThen) {
      problem(
          ErrorCode::kUnknownName, place(i, "model"),
          fmt::format("\"{}\" is not a model {} the price tables{}", wanted.model,
                      wanted.provider.empty() ? "of" : fmt::format("of \"{}\" in", wanted.provider),
                      did_you_mean(config_.prices.nearest_model(wanted.model))));
      return;
    }
    if (match.status == LookUp::kAmbiguous) {
      problem(ErrorCode::kConflict, place(i, "model"),
              fmt::format("\"{}\" is sold by several providers: name one with the key \"provider\"",
                          wanted.model));
      return;
    }
    target.model = match.model;
    target.facts = config_.prices.facts(match.model);
    target.context = target.facts.context;
    target.output_max = target.facts.max_output;
    target.price = config_.prices.tables().place_at(target.model, target.terms, now_);
    check_price(i, wanted, target);
    find_meters(target);
    if (config_.cache_rules && !wanted.cache.empty()) find_cache_rules(i, wanted, target);
  }

  void check_price(std::size_t i, const PolicyTarget& wanted, const RoutedTarget& target) {
    if (config_.prices.has_price(target.model, now_, target.terms)) return;
    if (!config_.prices.has_price(target.model, now_)) {
      problem(ErrorCode::kConflict, place(i, "model"),
              fmt::format("\"{}\" has no price at {}", wanted.model, to_rfc3339(now_)));
      return;
    }
    problem(ErrorCode::kConflict, place(i, "model"),
            fmt::format(
                "\"{}\" has a price at {}, but none for the tier \"{}\"{}", wanted.model,
                to_rfc3339(now_), to_string(wanted.tier),
                wanted.region.empty() ? "" : fmt::format(" in the region \"{}\"", wanted.region)));
  }

  void find_meters(RoutedTarget& target) {
    const auto has_rate = [&](Meter meter) {
      const auto in_band = [meter](const PriceBand& band) {
        return band.rates[static_cast<std::size_t>(meter)].has_value();
      };
      const auto in_cell = [&](const PriceCell& cell) {
        return std::any_of(cell.bands.begin(), cell.bands.end(), in_band);
      };
      const auto periods = config_.prices.periods(target.model);
      return std::any_of(periods.begin(), periods.end(), [&](const PricePeriod& period) {
        return std::any_of(period.cells.begin(), period.cells.end(), in_cell);
      });
    };
    target.inputs.push_back(Meter::kInput);
    for (const Meter meter : {Meter::kCacheWrite5m, Meter::kCacheWrite1h, Meter::kCacheWrite12h}) {
      if (has_rate(meter)) target.inputs.push_back(meter);
    }
    target.reasoning_apart = has_rate(Meter::kOutputReasoning);
  }

  void find_cache_rules(std::size_t i, const PolicyTarget& wanted, RoutedTarget& target) {
    const Expected<CacheChoice> found = config_.cache_rules->find(wanted.cache, now_);
    if (!found) {
      for (const Error& error : found.error())
        problem(error.code, place(i, "cache"), error.message);
      return;
    }
    target.is_cached = true;
    target.cached.rules = found->rules;
    target.cached.lifetime = found->lifetime;
    target.cached.minimum = found->rules->minimum_for(target.facts.model);
    for (std::size_t k = 0; k < found->rules->lifetimes.size(); ++k) {
      // Where the table has no rate for it, a vendor bills what is written as input.
      const Duration ttl = found->rules->lifetimes[k].ttl;
      const Meter meter = ttl <= std::chrono::minutes(30) ? Meter::kCacheWrite5m
                          : ttl <= std::chrono::hours(1)  ? Meter::kCacheWrite1h
                                                          : Meter::kCacheWrite12h;
      const bool apart =
          std::find(target.inputs.begin(), target.inputs.end(), meter) != target.inputs.end();
      target.cached.written[k] = apart ? meter : Meter::kInput;
    }
  }

  void match_model() {
    const ChoiceModel& model = *config_.model;
    if (model.reads_answer()) {
      problem(ErrorCode::kConflict, "model",
              "scores answers: a router needs one that reads prompts");
    }
    std::vector<std::string_view> known;
    for (const PolicyClass& one : snapshot_.policy.classes) known.push_back(one.name);
    for (const std::string& name : model.classes()) {
      const auto found = snapshot_.classes.find(name);
      if (found == snapshot_.classes.end()) {
        problem(ErrorCode::kUnknownName, "model#/classes",
                fmt::format("\"{}\" is not a class of the policy{}", name,
                            did_you_mean(nearest(name, known))));
        continue;
      }
      snapshot_.class_of_forecast.push_back(found->second);
    }
    match_targets(model);
  }

  void match_targets(const ChoiceModel& model) {
    std::vector<std::string_view> known;
    for (const PolicyTarget& one : snapshot_.policy.targets) known.push_back(one.name);
    for (std::size_t i = 0; i < model.targets().size(); ++i) {
      const std::string& name = model.targets()[i];
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end()) {
        problem(ErrorCode::kUnknownName, "model#/targets",
                fmt::format("\"{}\" is not a target of the policy{}", name,
                            did_you_mean(nearest(name, known))));
        continue;
      }
      RoutedTarget& target = snapshot_.targets[static_cast<std::size_t>(found - known.begin())];
      target.forecast = static_cast<std::uint32_t>(i);
      for (const HeldOut& held : model.held_out()) {
        if (held.name == name && held.slice.empty()) {
          target.forecast_rows = static_cast<double>(held.rows);
        }
      }
    }
  }

  void read_budgets() {
    const Errors found = validate(*config_.budgets, "budgets");
    errors_.insert(errors_.end(), found.begin(), found.end());
    for (const Scope& scope : config_.budgets->scopes) {
      for (const Budget& budget : scope.budgets) {
        const bool expected = budget.mode == BudgetMode::kExpected;
        (expected ? snapshot_.needs_expected : snapshot_.needs_worst) = true;
      }
    }
  }

  // Hedges need money of their own that ends.
  void check_hedge(std::size_t i) {
    const std::optional<HedgeRule>& hedge = snapshot_.policy.rules[i].hedge;
    if (!hedge) return;
    const std::string where = fmt::format("{}#/rules/{}/hedge/scope", snapshot_.policy.file, i);
    std::vector<std::string_view> known;
    if (config_.budgets) {
      for (const Scope& scope : config_.budgets->scopes) known.push_back(scope.id);
    }
    const auto found = std::find(known.begin(), known.end(), hedge->scope);
    if (found == known.end()) {
      return problem(ErrorCode::kUnknownName, where,
                     fmt::format("\"{}\" is not a scope of the budgets{}", hedge->scope,
                                 did_you_mean(nearest(hedge->scope, known))));
    }
    const auto& budgets = config_.budgets->scopes[found - known.begin()].budgets;
    const bool is_limited = std::any_of(budgets.begin(), budgets.end(), [](const Budget& one) {
      return one.mode != BudgetMode::kObserve;
    });
    if (is_limited) return;
    problem(ErrorCode::kConflict, where,
            fmt::format("\"{}\" has no budget that limits what hedges cost", hedge->scope));
  }

  Snapshot& snapshot_;
  const Config& config_;
  Instant now_;
  Errors& errors_;
};

}  // namespace

Expected<std::unique_ptr<Snapshot>> make_snapshot(Config config, Instant now) {
  Errors errors;
  auto snapshot = std::make_unique<Snapshot>(std::move(config));
  SnapshotMaker(*snapshot, now, errors).make();
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  for (const PolicyRule& rule : snapshot->policy.rules) {
    std::vector<CascadeStages>& stages = snapshot->cascades.emplace_back();
    if (!rule.cascade) continue;
    for (std::uint32_t k = 0; k <= snapshot->policy.classes.size(); ++k) {
      stages.push_back(plan_stages(*snapshot, rule, k, now));
    }
  }
  return snapshot;
}

}  // namespace fare
