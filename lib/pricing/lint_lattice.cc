// Rules on cells that are not there.  What most siblings price, a model ought to price; "most" is
// three of five, and at least three models.

#include <fmt/format.h>

#include <algorithm>

#include "pricing/lint_desk.h"

namespace fare {
namespace {

// How many models could have something, and how many do.
struct Share {
  std::size_t could = 0;
  std::size_t have = 0;

  bool is_usual() const { return have >= 3 && 5 * have >= 3 * could; }
};

bool has_tier(const PricePeriod& row, ServiceTier tier) {
  const auto is_it = [tier](const auto& terms) { return terms.tier == tier; };
  return std::any_of(row.cells.begin(), row.cells.end(), is_it) ||
         std::any_of(row.multipliers.begin(), row.multipliers.end(), is_it);
}

// Meters that models with `given` usually have too.
void check_meter(const LintProvider& models, Meter given, Meter wanted, std::string_view rule,
                 LintDesk& desk) {
  Share share;
  for (const LintModel& model : models) {
    if (!model.rate(given)) continue;
    ++share.could;
    if (model.rate(wanted)) ++share.have;
  }
  if (!share.is_usual()) return;
  for (const LintModel& model : models) {
    if (!model.rate(given) || model.rate(wanted)) continue;
    desk.add(LintLevel::kWarning, rule, model.facts, {model.current, nullptr, nullptr, wanted},
             {"none",
              fmt::format("{} of {} siblings with {} have it", share.have, share.could,
                          to_string(given)),
              "look it up, or say in the note that there is none"});
  }
}

void check_tier(const LintProvider& models, ServiceTier tier, LintDesk& desk) {
  Share share;
  for (const LintModel& model : models) {
    if (model.current == nullptr) continue;
    ++share.could;
    if (has_tier(*model.current, tier)) ++share.have;
  }
  if (!share.is_usual()) return;
  for (const LintModel& model : models) {
    if (model.current == nullptr || has_tier(*model.current, tier)) continue;
    desk.add(LintLevel::kInfo, "missing-tier", model.facts, {model.current, nullptr, nullptr, {}},
             {fmt::format("no {}", to_string(tier)),
              fmt::format("{} of {} siblings have it", share.have, share.could),
              "look it up, or say in the note that there is none"});
  }
}

// A model by itself: what a price makes no sense without.
void check_alone(const LintModel& model, LintDesk& desk) {
  if (model.current == nullptr) return;
  const auto miss = [&](Meter given, Meter wanted, std::string_view rule) {
    if (!model.rate(given) || *model.rate(given) == Rate(0) || model.rate(wanted)) return;
    desk.add(LintLevel::kWarning, rule, model.facts, {model.current, nullptr, nullptr, wanted},
             {"none", fmt::format("but {} has a price", to_string(given)), "look it up"});
  };
  miss(Meter::kCacheWrite5m, Meter::kCacheRead, "missing-read");
  miss(Meter::kOutput, Meter::kInput, "missing-input");
}

// A cell against the base: what it lacks is unpriced under its terms.
void check_cells(const LintModel& model, LintDesk& desk) {
  if (model.current == nullptr) return;
  const PriceCell& base = model.current->cells.front();
  for (std::size_t i = 1; i < model.current->cells.size(); ++i) {
    const PriceCell& cell = model.current->cells[i];
    if (base.bands.size() > 1 && cell.bands.size() == 1) {
      desk.add(LintLevel::kWarning, "cell-without-band", model.facts,
               {model.current, &cell, nullptr, {}},
               {"no band",
                fmt::format("the base has one, input over {}", base.bands[1].input_over.count()),
                "look up what long input costs under these terms"});
    }
    for (std::size_t meter = 0; meter <= meter_index(Meter::kOutputImage); ++meter) {
      if (!base.bands.front().rates[meter] || cell.bands.front().rates[meter]) continue;
      desk.add(LintLevel::kWarning, "cell-meter", model.facts,
               {model.current, &cell, nullptr, static_cast<Meter>(meter)},
               {"none", "but the base has a price", "look up what it costs under these terms"});
    }
  }
}

}  // namespace

void lint_lattice(const LintProvider& models, LintDesk& desk) {
  check_meter(models, Meter::kCacheRead, Meter::kCacheWrite5m, "missing-write", desk);
  check_meter(models, Meter::kCacheWrite5m, Meter::kCacheWrite1h, "missing-1h", desk);
  for (const ServiceTier tier : {ServiceTier::kBatch, ServiceTier::kFlex, ServiceTier::kPriority}) {
    check_tier(models, tier, desk);
  }
  for (const LintModel& model : models) {
    check_alone(model, desk);
    check_cells(model, desk);
  }
}

}  // namespace fare
