#include "fare/policy_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/fallback_graph.h"
#include "policy/policy_reading.h"

namespace fare {
namespace {

// A target in the price tables.
struct Priced {
  std::optional<ModelFacts> facts;
  std::optional<Cost> worst;  // Of one attempt, where the tables say enough.
};

class Checker {
 public:
  Checker(const PolicyData& data, const PriceBook& prices, const PolicyCheckOptions& options)
      : data_(data), prices_(prices), options_(options) {}

  std::vector<PolicyFinding> run() {
    for (std::size_t t = 0; t < data_.targets.size(); ++t) priced_.push_back(look_up(t));
    check_use();
    for (std::size_t r = 0; r < data_.rules.size(); ++r) check_floor(r);
    for (std::size_t r = 0; r < data_.rules.size(); ++r) check_lengths(r);
    check_cycles();
    for (std::size_t r = 0; r < data_.rules.size(); ++r) check_ladder(r);
    check_triggers();
    if (options_.budgets != nullptr) {
      for (std::size_t r = 0; r < data_.rules.size(); ++r) check_worst(r);
    }
    return std::move(findings_);
  }

 private:
  using Targets = std::vector<std::uint16_t>;

  void add(std::string code, std::string where, std::string message, std::string path = "") {
    findings_.push_back({std::move(code), std::move(where), std::move(message), std::move(path)});
  }
  const std::string& name(std::uint16_t target) const { return data_.targets[target].name; }

  Priced look_up(std::size_t t) {
    const PolicyTarget& target = data_.targets[t];
    const std::string where = fmt::format("/targets/{}", t);
    const ModelMatch match = prices_.find(target.provider, target.model, options_.now);
    if (match.status != LookUp::kFound) {
      add("unknown_model", where + "/model",
          fmt::format("{}: \"{}\" is {} the price tables", target.name, target.model,
                      match.status == LookUp::kAmbiguous ? "sold by several providers in"
                                                         : "not a model of"));
      return {};
    }
    Terms terms;
    terms.tier = target.tier;
    terms.region = target.region;
    Priced priced{prices_.facts(match.model), std::nullopt};
    if (!prices_.has_price(match.model, options_.now, terms)) {
      add("unpriced_target", where,
          fmt::format("{}: \"{}\" has no price of the tier \"{}\"{} at {}: it is never used",
                      target.name, target.model, to_string(target.tier),
                      target.region.empty() ? "" : fmt::format(" in \"{}\"", target.region),
                      to_rfc3339(options_.now)));
      return priced;
    }
    const Tokens context = priced.facts->context;
    const Tokens output = priced.facts->max_output;
    if (context <= output || output == Tokens(0)) return priced;
    Usage usage;
    usage[Meter::kInput] = context - output;
    usage[Meter::kOutput] = output;
    priced.worst = prices_.cost(match.model, usage, options_.now, terms);
    return priced;
  }

  void check_use() {
    std::vector<bool> used(data_.targets.size());
    const auto use = [&used](const Targets& targets) {
      for (const std::uint16_t target : targets) used[target] = true;
    };
    for (const PolicyRule& rule : data_.rules) {
      use(rule.candidates);
      use(rule.fallback);
      if (rule.canary) used[rule.canary->target] = true;
      for (const DegradeStep& step : rule.degrade) use(step.candidates);
    }
    for (std::size_t t = 0; t < used.size(); ++t) {
      if (used[t]) continue;
      add("unused_target", fmt::format("/targets/{}", t),
          fmt::format("no rule ever names {}", data_.targets[t].name));
    }
  }

  // Whether some class of the rule may reach the floor on it; a model may know what is not stated.
  bool may_reach(const PolicyRule& rule, std::uint16_t target, double quality_cost) const {
    const auto& quality = data_.targets[target].quality;
    for (std::size_t c = 0; c < quality.size(); ++c) {
      const bool asked = rule.when.any_class || (c < 64 && (rule.when.classes >> c & 1) != 0);
      if (!asked) continue;
      if (!quality[c] || *quality[c] - quality_cost >= *rule.quality_floor) return true;
    }
    return false;
  }

  bool none_reaches(const PolicyRule& rule, const Targets& targets, double quality_cost) const {
    return rule.quality_floor &&
           std::none_of(targets.begin(), targets.end(), [&](std::uint16_t target) {
             return may_reach(rule, target, quality_cost);
           });
  }

  void check_floor(std::size_t r) {
    const PolicyRule& rule = data_.rules[r];
    if (!rule.quality_floor) return;
    if (!rule.cascade && none_reaches(rule, rule.candidates, 0)) {
      add("no_candidate_meets_floor", fmt::format("/rules/{}/quality_floor", r),
          fmt::format("rule \"{}\": every candidate is below the floor {} in every class",
                      rule.name, *rule.quality_floor));
    }
    for (std::size_t f = 0; f < rule.fallback.size(); ++f) {
      if (!none_reaches(rule, {rule.fallback[f]}, 0)) continue;
      add("fallback_below_floor", fmt::format("/rules/{}/fallback/{}", r, f),
          fmt::format("rule \"{}\": the fallback {} is below the floor {} in every class",
                      rule.name, name(rule.fallback[f]), *rule.quality_floor));
    }
  }

  void check_lengths(std::size_t r) {
    const PolicyRule& rule = data_.rules[r];
    for (std::size_t f = 0; f < rule.fallback.size(); ++f) {
      const std::uint16_t to = rule.fallback[f];
      if (contains(rule.candidates, to)) continue;  // Then it competes as it is.
      check_length(r, f, to, &ModelFacts::context, "a context");
      check_length(r, f, to, &ModelFacts::max_output, "an output limit");
    }
  }

  void check_length(std::size_t r, std::size_t f, std::uint16_t to, Tokens ModelFacts::*length,
                    std::string_view what) {
    if (!priced_[to].facts || (*priced_[to].facts).*length == Tokens(0)) return;
    const Tokens has = (*priced_[to].facts).*length;
    std::optional<std::uint16_t> longest;
    const auto length_of = [&](std::uint16_t t) {
      return priced_[t].facts ? (*priced_[t].facts).*length : Tokens(0);
    };
    for (const std::uint16_t from : data_.rules[r].candidates) {
      if (length_of(from) > has && (!longest || length_of(from) > length_of(*longest))) {
        longest = from;
      }
    }
    if (!longest) return;
    add("fallback_shorter", fmt::format("/rules/{}/fallback/{}", r, f),
        fmt::format("rule \"{}\": {} has {} of {} tokens, {} one of {}: longer requests cannot "
                    "fall back to it",
                    data_.rules[r].name, name(to), what, has.count(), name(*longest),
                    length_of(*longest).count()),
        name(*longest) + " -> " + name(to));
  }

  void check_cycles() {
    for (const std::vector<FallbackEdge>& cycle : fallback_cycles(data_)) {
      std::string rules;
      for (const FallbackEdge& edge : cycle) {
        rules += fmt::format("{}\"{}\"", rules.empty() ? "" : ", ", data_.rules[edge.rule].name);
      }
      add("mutual_fallback", fmt::format("/rules/{}/fallback", cycle.front().rule),
          fmt::format("the rules {} send load from {} back to itself: short of room together, "
                      "each fills the other's",
                      rules, name(cycle.front().from)),
          path_of(data_, cycle));
    }
  }

  void check_ladder(std::size_t r) {
    const PolicyRule& rule = data_.rules[r];
    Targets candidates = rule.candidates;
    double quality_cost = 0;
    for (std::size_t s = 0; s < rule.degrade.size(); ++s) {
      const DegradeStep& step = rule.degrade[s];
      const std::string where = fmt::format("/rules/{}/degrade/{}", r, s);
      if (!step.candidates.empty()) candidates = step.candidates;
      quality_cost += step.quality_cost;
      if (step.kind != DegradeKind::kCachedAnswer && none_reaches(rule, candidates, quality_cost)) {
        add("unreachable_rung", where,
            fmt::format("step \"{}\" of rule \"{}\": every candidate is below the floor {} there",
                        step.name, rule.name, *rule.quality_floor));
      }
      check_cap(where, rule, step, candidates);
    }
  }

  void check_cap(const std::string& where, const PolicyRule& rule, const DegradeStep& step,
                 const Targets& candidates) {
    const bool input = step.kind == DegradeKind::kShortenInput;
    if (!input && step.kind != DegradeKind::kCapOutput) return;
    const auto length = input ? &ModelFacts::context : &ModelFacts::max_output;
    const bool idle = std::all_of(candidates.begin(), candidates.end(), [&](std::uint16_t target) {
      if (!priced_[target].facts) return false;
      const Tokens most = (*priced_[target].facts).*length;
      return most != Tokens(0) && step.tokens >= most;
    });
    if (!idle) return;
    add("idle_rung", where,
        fmt::format("step \"{}\" of rule \"{}\": no candidate {} more than {} tokens anyway",
                    step.name, rule.name, input ? "takes" : "gives", step.tokens.count()));
  }

  void check_triggers() {
    const BudgetConfig* budgets = options_.budgets;
    const bool can_forecast =
        budgets == nullptr ||
        std::any_of(budgets->scopes.begin(), budgets->scopes.end(),
                    [](const Scope& scope) { return !scope.budgets.empty(); });
    for (std::size_t r = 0; r < data_.rules.size(); ++r) {
      const PolicyRule& rule = data_.rules[r];
      for (std::size_t s = 0; s < rule.degrade.size() && !can_forecast; ++s) {
        if (!rule.degrade[s].on_forecast) continue;
        add("idle_trigger", fmt::format("/rules/{}/degrade/{}/on", r, s),
            fmt::format("step \"{}\" of rule \"{}\" waits for a forecast, but there is no budget",
                        rule.degrade[s].name, rule.name));
      }
      if (rule.canary && rule.canary->share_ppm == 0) {
        add("canary_off", fmt::format("/rules/{}/canary/percent", r),
            fmt::format("the canary {} of rule \"{}\" gets 0 %", name(rule.canary->target),
                        rule.name));
      }
    }
  }

  // The dearest plan: the dearest candidate, then the fallbacks that may follow it.
  void check_worst(std::size_t r) {
    const PolicyRule& rule = data_.rules[r];
    Targets plan;
    for (const Targets* some : {&rule.candidates, &rule.fallback}) {
      for (const std::uint16_t target : *some) {
        if (priced_[target].worst && !contains(plan, target)) plan.push_back(target);
      }
    }
    if (rule.canary && priced_[rule.canary->target].worst && !contains(plan, rule.canary->target)) {
      plan.push_back(rule.canary->target);
    }
    if (plan.empty()) return;
    std::stable_sort(plan.begin(), plan.end(), [this](std::uint16_t a, std::uint16_t b) {
      return *priced_[a].worst > *priced_[b].worst;
    });
    const std::size_t stages = rule.cascade ? rule.cascade->stages_max : 1;
    plan.resize(std::min({plan.size(), data_.attempts_max, rule.fallback.size() + stages}));
    const std::string where = fmt::format("/rules/{}", r);
    const Cost dearest = *priced_[plan.front()].worst;
    const auto attempt_max = options_.budgets->attempt_max;
    if (attempt_max && dearest.count() > Int128{attempt_max->count()} * 1'000) {
      add("attempt_above_limit", where,
          fmt::format("rule \"{}\": an attempt on {} may cost ${}, above the budgets' ${}",
                      rule.name, name(plan.front()), to_usd(dearest), to_usd(*attempt_max)));
    }
    check_budgets(where, rule, plan);
  }

  void check_budgets(const std::string& where, const PolicyRule& rule, const Targets& plan) {
    Cost sum;
    std::string path;
    for (const std::uint16_t target : plan) {
      sum += *priced_[target].worst;
      path += (path.empty() ? "" : " -> ") + name(target);
    }
    for (const Scope& scope : options_.budgets->scopes) {
      for (const Budget& budget : scope.budgets) {
        const bool limits = budget.mode != BudgetMode::kObserve;
        if (!limits || sum.count() <= Int128{budget.limit.count()} * 1'000) continue;
        add("request_above_limit", where,
            fmt::format("rule \"{}\": {} attempt{} of one request may cost ${}, above {}/{} with "
                        "${}",
                        rule.name, plan.size(), plan.size() == 1 ? "" : "s", to_usd(sum), scope.id,
                        budget.id, to_usd(budget.limit)),
            path);
      }
    }
  }

  const PolicyData& data_;
  const PriceBook& prices_;
  const PolicyCheckOptions& options_;
  std::vector<Priced> priced_;
  std::vector<PolicyFinding> findings_;
};

}  // namespace

std::vector<PolicyFinding> check(const Policy& policy, const PriceBook& prices,
                                 const PolicyCheckOptions& options) {
  return Checker(policy.data(), prices, options).run();
}

}  // namespace fare
