#pragma once

#include <atomic>   // std::atomic.
#include <cstdint>  // std::uint32_t.
#include <span>     // std::span.

#include "base/blocks.h"      // Blocks.
#include "fare/burn_rate.h"   // BurnRate, BurnSteps.
#include "fare/ledger.h"      // Ledger, BudgetId, ScopeId.
#include "policy/degrade.h"   // ForecastTrigger.
#include "spend/spin_lock.h"  // SpinLock.

namespace fare {

// How many steps down a ladder budgets call for that would run out early; one burn rate for each
// budget that pays under a rule with such steps.  Budgets that only observe call for none.
//
// A budget is looked at when a request is routed, at most every 64th of the half-life: between
// that an answer costs an atomic load a budget.  Thread-safe.  Memory: 8 bytes a budget, and some
// 200 for one that was asked for; allocated when it first is.
class Forecasts {
 public:
  Forecasts() = default;
  ~Forecasts();
  Forecasts(const Forecasts&) = delete;
  Forecasts& operator=(const Forecasts&) = delete;

  // The most that any budget of these scopes, or of their ancestors, calls for.  A budget begins
  // anew where the trigger is another than before.
  std::uint32_t steps(const Ledger& ledger, std::span<const ScopeId> payers,
                      const ForecastTrigger& trigger, std::uint32_t steps_max, Instant now);

 private:
  struct Entry;

  Entry& entry_of(BudgetId budget, const ForecastTrigger& trigger);

  SpinLock growth_;
  std::atomic<std::uint32_t> size_ = 0;
  Blocks<std::atomic<Entry*>, 64> entries_;
};

}  // namespace fare
