// Rules on how rates of one row stand to each other.  Vendors publish rounded prices ($0.30 for
// 1.25 x $0.25), so a ratio has a tolerance, and only a gross miss is an error.

#include <fmt/format.h>

#include <array>

#include "pricing/lint_desk.h"

namespace fare {
namespace {

constexpr double kClose = 0.02;  // Of what a ratio should be.
constexpr double kGross = 1.5;

bool is_close(double ratio, double expected) {
  return ratio >= expected * (1 - kClose) && ratio <= expected * (1 + kClose);
}

bool is_positive(const std::optional<Rate>& rate) { return rate && *rate > Rate(0); }

std::string multiple(Rate rate, std::int64_t numerator, std::int64_t denominator) {
  return to_usd_per_mtok(Rate(rate.count() * numerator), denominator);
}

// The band of `cell` that holds where `band` begins.
const PriceBand& band_at(const PriceCell& cell, const PriceBand& band) {
  const PriceBand* found = &cell.bands.front();
  for (const PriceBand& other : cell.bands) {
    if (other.input_over <= band.input_over) found = &other;
  }
  return *found;
}

// Whether most of a provider's short cache writes cost 1.25 x input.
bool has_usual_writes(const LintProvider& models) {
  std::size_t usual = 0;
  std::size_t all = 0;
  for (const LintModel& model : models) {
    const auto input = model.rate(Meter::kInput);
    const auto write = model.rate(Meter::kCacheWrite5m);
    if (!is_positive(input) || !is_positive(write)) continue;
    ++all;
    if (is_close(times(*write, *input), 1.25)) ++usual;
  }
  return 2 * usual > all;
}

class RatioRules {
 public:
  RatioRules(const LintModel& model, bool usual_writes, LintDesk& desk)
      : facts_(model.facts), usual_writes_(usual_writes), desk_(desk) {}

  void check(const PricePeriod& row) {
    for (const PriceCell& cell : row.cells) {
      for (std::size_t i = 0; i < cell.bands.size(); ++i) {
        const LintPlace place{&row, &cell, &cell.bands[i], {}};
        check_writes(cell.bands[i].rates, place);
        check_reads(cell.bands[i].rates, place);
        if (i > 0) check_order(cell.bands[i - 1].rates, cell.bands[i].rates, place);
        if (&cell != &row.cells.front()) check_terms(row.cells.front(), cell, place);
      }
    }
  }

 private:
  static std::optional<Rate> of(const Rates& rates, Meter meter) {
    return rates[meter_index(meter)];
  }

  void check_writes(const Rates& rates, LintPlace place) {
    const auto input = of(rates, Meter::kInput);
    const auto brief = of(rates, Meter::kCacheWrite5m);
    const auto hour = of(rates, Meter::kCacheWrite1h);
    if (is_positive(input) && is_positive(hour)) {
      place.meter = Meter::kCacheWrite1h;
      const double ratio = times(*hour, *input) / 2;
      const bool below_brief = brief && *hour < *brief;
      if (below_brief || !is_close(ratio, 1)) {
        const bool gross = below_brief || ratio >= kGross || ratio <= 1 / kGross;
        desk_.add(gross ? LintLevel::kError : LintLevel::kWarning, "write-1h-ratio", facts_, place,
                  {to_usd_per_mtok(*hour),
                   fmt::format("is {} input; must be 2 x, {}", times_text(2 * ratio),
                               multiple(*input, 2, 1)),
                   "compare with the vendor's page; a copied row is the usual cause"});
      }
    }
    if (!usual_writes_ || !is_positive(input) || !is_positive(brief)) return;
    place.meter = Meter::kCacheWrite5m;
    const double ratio = times(*brief, *input);
    if (is_close(ratio, 1.25)) return;
    desk_.add(LintLevel::kWarning, "write-5m-ratio", facts_, place,
              {to_usd_per_mtok(*brief),
               fmt::format("is {} input; siblings have 1.25 x, {}", times_text(ratio),
                           multiple(*input, 5, 4)),
               "compare with the vendor's page; where it is rounded there, say so in the note"});
  }

  void check_reads(const Rates& rates, LintPlace place) {
    const auto input = of(rates, Meter::kInput);
    const auto read = of(rates, Meter::kCacheRead);
    const auto output = of(rates, Meter::kOutput);
    if (is_positive(input) && read && *read >= *input) {
      place.meter = Meter::kCacheRead;
      const bool above = *read > *input;
      desk_.add(above ? LintLevel::kError : LintLevel::kInfo,
                above ? "read-above-input" : "read-equals-input", facts_, place,
                {to_usd_per_mtok(*read),
                 fmt::format("must be {} input, {}", above ? "at most" : "below",
                             to_usd_per_mtok(*input)),
                 above ? "look for exchanged columns" : "leave it out if the vendor names none"});
    }
    if (is_positive(input) && is_positive(output) && *output < *input) {
      place.meter = Meter::kOutput;
      desk_.add(
          LintLevel::kInfo, "output-below-input", facts_, place,
          {to_usd_per_mtok(*output), fmt::format("is below input, {}", to_usd_per_mtok(*input)),
           "look for exchanged columns"});
    }
  }

  // A band against the one below it.
  void check_order(const Rates& below, const Rates& above, LintPlace place) {
    const auto low = of(below, Meter::kInput);
    const auto high = of(above, Meter::kInput);
    const bool input_rises = low && high && *high > *low;
    for (std::size_t i = 0; i <= meter_index(Meter::kOutputImage); ++i) {
      if (!below[i] || !above[i]) continue;
      place.meter = static_cast<Meter>(i);
      if (*above[i] < *below[i]) {
        desk_.add(
            LintLevel::kError, "band-order", facts_, place,
            {to_usd_per_mtok(*above[i]),
             fmt::format("must be at least {}, as below the band", to_usd_per_mtok(*below[i])),
             "look for a missing or exchanged price"});
      } else if (input_rises && *above[i] == *below[i] && is_positive(below[i])) {
        desk_.add(LintLevel::kWarning, "band-flat", facts_, place,
                  {to_usd_per_mtok(*above[i]), "does not rise with the band, but input does",
                   "look up its price in the band"});
      }
    }
  }

  // A cell under other terms against the base.
  void check_terms(const PriceCell& base, const PriceCell& cell, LintPlace place) {
    if (!cell.window.empty() || !cell.region.empty()) return;  // They may cost more or less.
    const Rates& standard = band_at(base, *place.band).rates;
    for (std::size_t i = 0; i <= meter_index(Meter::kOutputImage); ++i) {
      const std::optional<Rate>& rate = place.band->rates[i];
      if (!is_positive(standard[i]) || !rate) continue;
      place.meter = static_cast<Meter>(i);
      check_term(cell, times(*rate, *standard[i]), *rate, *standard[i], place);
    }
  }

  void check_term(const PriceCell& cell, double ratio, Rate rate, Rate standard,
                  const LintPlace& place) {
    const bool is_half = cell.tier == ServiceTier::kBatch || cell.tier == ServiceTier::kFlex;
    if (is_half && cell.speed == SpeedMode::kStandard) {
      if (is_close(ratio, 0.5)) return;
      return desk_.add(ratio > 1 + kClose ? LintLevel::kError : LintLevel::kWarning, "batch-ratio",
                       facts_, place,
                       {to_usd_per_mtok(rate),
                        fmt::format("is {} standard; usual is 0.5 x, {}", times_text(ratio),
                                    multiple(standard, 1, 2)),
                        "compare with the vendor's page"});
    }
    if (is_half || ratio >= 1 - kClose) return;
    desk_.add(LintLevel::kWarning, cell.speed == SpeedMode::kFast ? "fast-ratio" : "priority-ratio",
              facts_, place,
              {to_usd_per_mtok(rate),
               fmt::format("must be at least standard, {}", to_usd_per_mtok(standard)),
               "compare with the vendor's page"});
  }

  const ModelFacts& facts_;
  bool usual_writes_;
  LintDesk& desk_;
};

// What a unit may cost, in picodollars.
struct Range {
  Rate least;
  Rate most;
};

constexpr Range range_of(Meter meter) {
  constexpr std::int64_t kDollar = 1'000'000'000'000;
  switch (meter) {
    case Meter::kRequest:
    case Meter::kSearch:
      return {Rate(kDollar / 10'000), Rate(10 * kDollar)};
    case Meter::kReservedHour:
      return {Rate(kDollar / 100), Rate(1'000 * kDollar)};
    default:
      return {Rate(1'000), Rate(1'000'000'000)};  // $0.001 to $1,000 per million.
  }
}

void check_units(const LintModel& model, const LintPlace& place, LintDesk& desk) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const std::optional<Rate>& rate = place.band->rates[i];
    if (!is_positive(rate)) continue;
    const auto meter = static_cast<Meter>(i);
    const Range range = range_of(meter);
    if (*rate >= range.least && *rate <= range.most) continue;
    LintPlace exact = place;
    exact.meter = meter;
    desk.add(is_per_million(meter) ? LintLevel::kError : LintLevel::kWarning, "unit-range",
             model.facts, exact,
             {rate_text(meter, *rate),
              fmt::format("must be {} to {} dollars per {}", rate_text(meter, range.least),
                          rate_text(meter, range.most), is_per_million(meter) ? "million" : "unit"),
              "look for a price per thousand, in cents, or per token"});
  }
}

// A row whose tokens are all free, or whose input is although its output is not.
void check_zeros(const LintModel& model, const PricePeriod& row, LintDesk& desk) {
  const Rates& base = row.cells.front().bands.front().rates;
  bool any = false;
  bool any_positive = false;
  for (std::size_t i = 0; i <= meter_index(Meter::kOutputImage); ++i) {
    any = any || base[i].has_value();
    any_positive = any_positive || is_positive(base[i]);
  }
  const auto input = base[meter_index(Meter::kInput)];
  if (!any || (any_positive && !(input && *input == Rate(0)))) return;
  desk.add(LintLevel::kWarning, "zero-price", model.facts, {&row, nullptr, nullptr, Meter::kInput},
           {"0", any_positive ? "is free while other meters are not" : "all tokens are free",
            "leave out what is not known; keep a zero only where the vendor says free"});
}

}  // namespace

void lint_ratios(const LintProvider& models, LintDesk& desk) {
  const bool usual_writes = has_usual_writes(models);
  for (const LintModel& model : models) {
    RatioRules rules(model, usual_writes, desk);
    for (const PricePeriod& row : model.rows) {
      if (stands(row)) rules.check(row);
    }
  }
}

void lint_units(const LintProvider& models, LintDesk& desk) {
  for (const LintModel& model : models) {
    for (const PricePeriod& row : model.rows) {
      if (!stands(row)) continue;
      check_zeros(model, row, desk);
      for (const PriceCell& cell : row.cells) {
        for (const PriceBand& band : cell.bands) check_units(model, {&row, &cell, &band, {}}, desk);
      }
    }
  }
}

}  // namespace fare
