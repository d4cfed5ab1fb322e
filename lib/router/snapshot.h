#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint32_t.
#include <memory>    // std::unique_ptr.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/names.h"            // NameMap.
#include "fare/config.h"           // Config.
#include "fare/inline_list.h"      // InlineList.
#include "fare/ledger.h"           // Ledger, ScopeId.
#include "policy/policy_data.h"    // PolicyData.
#include "pricing/tables.h"        // PricePlace.
#include "router/cascades.h"       // CascadeStages.
#include "router/target_cache.h"   // CachedModel.
#include "router/target_record.h"  // TargetRecord.

namespace fare {

// A policy's target, with everything that it names looked up.  What a decision reads of every
// candidate stands first.
struct RoutedTarget {
  ModelId model{};
  bool is_cached = false;  // Its prompts are, and it is known how.
  PricePlace price;        // Of model and `terms`.
  std::uint64_t capabilities = 0;
  Tokens context;  // 0 if not known, and likewise:
  Tokens output_max;
  std::optional<LatencyPrior> latency;
  TargetRecord* record = nullptr;
  Terms terms;

  ModelFacts facts;
  // What its input and output can be billed as at the dearest, as far as its table goes: meters of
  // text that have, or ever will have, a rate of their own.
  InlineList<Meter, 4> inputs;
  bool reasoning_apart = false;
  std::vector<std::uint32_t> output_place;  // By class, in the record.
  std::optional<LimitId> limit;
  InlineList<ScopeId, 2> side_scopes;  // "provider:NAME", "model:NAME".
  CachedModel cached;
  std::optional<std::uint32_t> forecast;  // Its place in ChoiceModel::targets(),
  double forecast_rows = 0;               // and how many rows the model held out for it.
};

// One configuration, with everything looked up once.  Immutable once it is published, except for
// what the records it points to learn.
struct Snapshot {
  explicit Snapshot(Config used) : config(std::move(used)), policy(config.policy.data()) {}

  Config config;
  const PolicyData& policy;
  std::vector<RoutedTarget> targets;
  std::vector<std::optional<double>> qualities;  // By class, then target: a class's lie together.
  NameMap<std::uint32_t> classes;
  std::vector<std::uint32_t> class_of_forecast;  // By class of the model.
  Ledger* ledger = nullptr;                      // Null: nothing is limited by money.
  bool needs_worst = false;                      // Some budget reserves upper bounds.
  bool needs_expected = false;                   // Some budget reserves quantiles.
  std::vector<std::uint32_t> forecast_steps;  // By rule: how many of its steps a forecast may take.
  std::uint32_t forecast_steps_max = 0;       // The most of all.
  std::vector<ScopeId> hedge_scopes;          // By rule; zero: it does not hedge.
  std::vector<std::vector<CascadeStages>> cascades;  // By rule, then class; empty without one.
  std::uint64_t generation = 0;

  const RoutedTarget& operator[](TargetId target) const {
    return targets[static_cast<std::size_t>(target)];
  }
  const PolicyTarget& named(TargetId target) const {
    return policy.targets[static_cast<std::size_t>(target)];
  }
  // The cascade of a rule for a class; null if there is none.
  const CascadeStages* cascade(std::size_t rule, std::uint32_t request_class) const {
    if (cascades[rule].empty() || cascades[rule][request_class].targets.empty()) return nullptr;
    return &cascades[rule][request_class];
  }
  const std::optional<double>& quality(std::uint32_t request_class, std::size_t target) const {
    return qualities[request_class * targets.size() + target];
  }
  AbortPolicy on_abort() const {
    return config.budgets ? config.budgets->on_abort : AbortPolicy::kChargeReserved;
  }
  ExpiryPolicy on_expiry() const {
    return config.budgets ? config.budgets->on_expiry : ExpiryPolicy::kChargeReserved;
  }
};

// Looks up all that is in the configuration itself: models, prices, classes; the rest is attached
// by the router.  Errors: Router::create()'s, all of them.
Expected<std::unique_ptr<Snapshot>> make_snapshot(Config config, Instant now);

}  // namespace fare
