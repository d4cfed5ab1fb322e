#include "router/forecasts.h"

#include <algorithm>
#include <limits>
#include <mutex>

namespace fare {
namespace {

constexpr std::int64_t kLooksPerHalfLife = 64;

bool same(const ForecastTrigger& a, const ForecastTrigger& b) {
  return a.down_percent == b.down_percent && a.up_percent == b.up_percent &&
         a.half_life == b.half_life && a.step_time == b.step_time;
}

BurnSteps::Options options_of(const ForecastTrigger& trigger) {
  return {.down_percent = trigger.down_percent,
          .up_percent = trigger.up_percent,
          .step_time = trigger.step_time};
}

}  // namespace

struct Forecasts::Entry {
  explicit Entry(const ForecastTrigger& used)
      : trigger(used), rate(used.half_life), steps(options_of(used)) {}

  SpinLock lock;
  ForecastTrigger trigger;
  BurnRate rate;
  BurnSteps steps;
  std::atomic<std::int64_t> looks_at = std::numeric_limits<std::int64_t>::min();
  std::atomic<std::uint32_t> current = 0;

  void look(const Ledger& ledger, BudgetId budget, const ForecastTrigger& wanted,
            std::uint32_t steps_max, Instant now) {
    const std::scoped_lock guard(lock);
    if (!same(trigger, wanted)) {
      trigger = wanted;
      rate = BurnRate(wanted.half_life);
      steps = BurnSteps(options_of(wanted));
    }
    const BurnBooks books = ledger.burn_books(budget, now);
    rate.observe(books, now);
    const std::uint32_t count =
        books.refuses ? steps.update(rate.forecast(books, now), books.limit, steps_max, now) : 0;
    current.store(count, std::memory_order_relaxed);
    const std::int64_t pause =
        std::max<std::int64_t>(trigger.half_life.count() / kLooksPerHalfLife, 1);
    looks_at.store(now.time_since_epoch().count() + pause, std::memory_order_relaxed);
  }
};

Forecasts::~Forecasts() {
  const std::uint32_t size = size_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < size; ++i) delete entries_[i].load(std::memory_order_relaxed);
}

Forecasts::Entry& Forecasts::entry_of(BudgetId budget, const ForecastTrigger& trigger) {
  const auto index = static_cast<std::uint32_t>(budget);
  std::atomic<Entry*>* place = entries_.find(index);
  if (place != nullptr) {
    if (Entry* known = place->load(std::memory_order_acquire)) return *known;
  }
  const std::scoped_lock guard(growth_);
  if (index >= size_.load(std::memory_order_relaxed)) {
    entries_.grow(index + 1);
    size_.store(index + 1, std::memory_order_relaxed);
  }
  std::atomic<Entry*>& made = entries_[index];
  if (made.load(std::memory_order_relaxed) == nullptr) {
    made.store(new Entry(trigger), std::memory_order_release);
  }
  return *made.load(std::memory_order_relaxed);
}

std::uint32_t Forecasts::steps(const Ledger& ledger, std::span<const ScopeId> payers,
                               const ForecastTrigger& trigger, std::uint32_t steps_max,
                               Instant now) {
  std::uint32_t most = 0;
  for (const BudgetId budget : ledger.budgets_of(payers)) {
    Entry& entry = entry_of(budget, trigger);
    if (now.time_since_epoch().count() >= entry.looks_at.load(std::memory_order_relaxed)) {
      entry.look(ledger, budget, trigger, steps_max, now);
    }
    most = std::max(most, entry.current.load(std::memory_order_relaxed));
  }
  return most;
}

}  // namespace fare
