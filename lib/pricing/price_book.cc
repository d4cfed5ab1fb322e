#include "fare/price_book.h"

#include <algorithm>
#include <bit>

#include "base/nearest.h"
#include "fare/check.h"
#include "pricing/tables.h"

namespace fare {
namespace {

// A request is charged only where the table names a fee; every other meter needs a rate.
constexpr bool needs_rate(std::size_t meter) {
  return meter != static_cast<std::size_t>(Meter::kRequest);
}

// The counts of a usage by the meter whose rate covers them: either priced or not, never both.
struct BilledCounts {
  std::array<Tokens, kMeterCount> count;  // Of the meters below.
  std::uint32_t priced = 0;               // Bit i: meter i.
  std::uint32_t unpriced = 0;
};

BilledCounts billed_counts(const Usage& usage, const Band* band) {
  BilledCounts billed;
  for (std::uint32_t left = usage.used(); left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const Tokens count = usage[static_cast<Meter>(i)];
    FARE_CHECK(count > Tokens(0));
    const std::uint8_t line = band == nullptr ? Band::kNoRate : band->line[i];
    if (line == Band::kNoRate) {
      if (!needs_rate(i)) continue;
      billed.count[i] = count;
      billed.unpriced |= 1u << i;
    } else {
      const bool is_first = (billed.priced >> line & 1u) == 0;
      billed.count[line] = is_first ? count : billed.count[line] + count;
      billed.priced |= 1u << line;
    }
  }
  return billed;
}

// The lines' costs, each of them rounded by itself.
Cost rounded_cost(const Usage& usage, const Band& band) {
  const BilledCounts billed = billed_counts(usage, &band);
  Cost total;
  for (std::uint32_t left = billed.priced; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    total += cost_of(band.rate[i], band.parts, billed.count[i]);
  }
  return total;
}

const Cell* cell_of(const PriceTables& tables, const Row& row, TermsKey key) {
  const Cell* end = tables.cells.data() + row.end_cell;
  for (const Cell* cell = tables.cells.data() + row.first_cell; cell != end; ++cell) {
    if (cell->key == key) return cell;  // The default terms stand first: almost always these.
  }
  return nullptr;
}

Tokens band_input(const Usage& usage, const Terms& terms) {
  return terms.band_input == Tokens(0) ? usage.total_input() : terms.band_input;
}

}  // namespace

std::string_view to_string(PriceStatus status) {
  switch (status) {
    case PriceStatus::kPriced:
      return "priced";
    case PriceStatus::kPartiallyPriced:
      return "partially_priced";
    case PriceStatus::kUnpriced:
      return "unpriced";
  }
  return "unknown";
}

std::string_view to_string(PeriodStatus status) {
  switch (status) {
    case PeriodStatus::kAnnounced:
      return "announced";
    case PeriodStatus::kActive:
      return "active";
    case PeriodStatus::kCorrected:
      return "corrected";
    case PeriodStatus::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

ModelMatch PriceBook::find(std::string_view provider, std::string_view model, Instant at) const {
  const auto found = tables_->names.find(model);
  if (found == tables_->names.end()) return {};
  ModelMatch match;
  int sellers = 0;
  int makers = 0;
  for (const NameMeaning& meaning : found->second) {
    if (!provider.empty() && (*tables_)[meaning.model].provider != provider) continue;
    if (at < meaning.from || at >= meaning.until) {
      if (match.status == LookUp::kUnknown) match.status = LookUp::kNotThen;
      continue;
    }
    ++sellers;
    const bool made_here = (*tables_)[meaning.model].maker.empty();
    makers += made_here ? 1 : 0;
    if (match.status != LookUp::kFound || made_here) {
      match = {.status = LookUp::kFound, .model = meaning.model};
    }
  }
  if (sellers > 1 && makers != 1) return {.status = LookUp::kAmbiguous};
  match.resold = sellers > 1;
  return match;
}

ModelFacts PriceBook::facts(ModelId model) const {
  const PricedModel& found = (*tables_)[model];
  return {.id = model,
          .provider = found.provider,
          .model = found.id,
          .maker = found.maker.empty() ? found.provider : found.maker,
          .context = found.context,
          .max_output = found.max_output,
          .min_cacheable = found.min_cacheable,
          .retired = found.retired,
          .capabilities = found.capabilities,
          .aliases = found.aliases};
}

std::span<const PricePeriod> PriceBook::periods(ModelId model) const {
  return (*tables_)[model].periods;
}

const PricePeriod* PriceBook::period_at(ModelId model, Instant at, Instant known) const {
  const Row* row = tables_->row_at(model, at, known);
  if (row == nullptr) return nullptr;
  const PricedModel& found = (*tables_)[model];
  return &found.periods[static_cast<std::size_t>(row - &tables_->rows[found.first_row])];
}

const Row* PriceTables::row_at(ModelId model, Instant at, Instant known) const {
  const PricedModel& priced = (*this)[model];
  // Newest first: almost every question is about today.
  for (std::uint32_t i = priced.end_row; i-- > priced.first_row;) {
    const Row& row = rows[i];
    if (at < row.from || known < row.known_from) continue;
    // A row that was never withdrawn is known for ever.
    if (known >= row.known_until && row.known_until != Instant::max()) continue;
    return at < row.until || row.until == Instant::max() ? &row : nullptr;
  }
  return nullptr;
}

TermsCode PriceTables::code_of(const Terms& terms) const {
  std::uint16_t region = 0;
  if (!terms.region.empty() && terms.region != "global") {
    const auto named = std::find(regions.begin(), regions.end(), terms.region);
    if (named == regions.end()) return {.is_known = false};
    region = static_cast<std::uint16_t>(named - regions.begin() + 1);
  }
  return {.key = terms_key(terms.tier, terms.speed, region, 0)};
}

PriceTables::Found PriceTables::band_at(ModelId model, Tokens total_input, Instant at,
                                        TermsCode terms, Instant known) const {
  const Row* row = row_at(model, at, known);
  if (row == nullptr) return {.gap = PriceGap::kNoRow};
  if (!terms.is_known) return {.gap = PriceGap::kNoTerms};
  TermsKey key = terms.key;
  for (std::uint32_t i = row->first_window; i < row->end_window; ++i) {
    const auto answer = windows[row_windows[i] - 1u].contains(at);
    if (answer == WeekWindow::Answer::kUnknown) return {.gap = PriceGap::kNoCalendar};
    if (answer == WeekWindow::Answer::kOutside) continue;
    key = in_window(key, row_windows[i]);
    break;
  }
  const Cell* cell = cell_of(*this, *row, key);
  if (cell == nullptr) return {.gap = PriceGap::kNoTerms};
  return {.band = &band_of(*cell, total_input)};
}

PricePlace PriceTables::place_at(ModelId model, const Terms& terms, Instant at) const {
  PricePlace place{.model = model, .terms = code_of(terms)};
  const Row* row = row_at(model, at, Instant::max());
  // Windows come and go by the hour: those are looked up each time.
  if (row == nullptr || !place.terms.is_known || row->first_window != row->end_window) return place;
  place.cell = cell_of(*this, *row, place.terms.key);
  if (place.cell == nullptr) return place;
  place.from = row->from;
  place.until = row->until;
  const Row* end = rows.data() + (*this)[model].end_row;
  for (const Row* next = row + 1; next != end; ++next) {
    if (next->known_until == Instant::max()) place.until = std::min(place.until, next->from);
  }
  return place;
}

Charge PriceBook::charge(ModelId model, const Usage& usage, Instant at, const Terms& terms,
                         Instant known) const {
  const PriceTables::Found found =
      tables_->band_at(model, band_input(usage, terms), at, tables_->code_of(terms), known);
  const Band* band = found.band;
  const BilledCounts billed = billed_counts(usage, band);
  Charge charge;
  charge.gap = found.gap;
  if (band != nullptr) charge.rule = band->rule;
  for (std::uint32_t left = billed.priced | billed.unpriced; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const auto meter = static_cast<Meter>(i);
    const Tokens count = billed.count[i];
    if ((billed.unpriced >> i & 1u) != 0) {
      charge.lines.push_back({meter, count, Rate(), 1, Cost(), false});
      continue;
    }
    const Cost cost = cost_of(band->rate[i], band->parts, count);
    charge.lines.push_back({meter, count, band->rate[i], band->parts, cost, true});
    charge.total += cost;
  }
  if (band != nullptr && billed.unpriced == 0) {
    charge.status = PriceStatus::kPriced;
  } else if (billed.priced != 0) {
    charge.status = PriceStatus::kPartiallyPriced;
  }
  return charge;
}

std::optional<Cost> PriceTables::cost(const PricePlace& place, const Usage& usage,
                                      Tokens total_input, Instant at) const {
  const Band* band = nullptr;
  if (at >= place.from && at < place.until) {
    band = &band_of(*place.cell, total_input);
  } else {
    band = band_at(place.model, total_input, at, place.terms, Instant::max()).band;
  }
  if (band == nullptr) return std::nullopt;
  Int128 total = 0;
  for (std::uint32_t left = usage.used(); left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const Tokens count = usage[static_cast<Meter>(i)];
    FARE_CHECK(count > Tokens(0));
    const std::uint8_t line = band->line[i];
    if (line != Band::kNoRate) {
      total += (band->rate[line] * count).count();
    } else if (needs_rate(i)) {
      return std::nullopt;
    }
  }
  return band->parts == 1 ? Cost(total) : rounded_cost(usage, *band);
}

std::optional<Cost> PriceBook::cost(ModelId model, const Usage& usage, Instant at,
                                    const Terms& terms) const {
  const PricePlace anywhen{.model = model, .terms = tables_->code_of(terms)};
  return tables_->cost(anywhen, usage, band_input(usage, terms), at);
}

bool PriceBook::has_price(ModelId model, Instant at, const Terms& terms) const {
  const TermsCode code = tables_->code_of(terms);
  return tables_->band_at(model, Tokens(0), at, code, Instant::max()).band != nullptr;
}

std::string_view PriceBook::hash() const { return tables_->hash; }

std::size_t PriceBook::size() const { return tables_->models.size(); }

std::string_view PriceBook::nearest_model(std::string_view model) const {
  std::vector<std::string_view> names;
  for (const PricedModel& known : tables_->models) {
    names.push_back(known.id);
    for (const ModelAlias& alias : known.aliases) names.push_back(alias.id);
  }
  return nearest(model, names);
}

}  // namespace fare
