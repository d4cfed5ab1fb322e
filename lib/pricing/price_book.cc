#include "fare/price_book.h"

#include "base/nearest.h"
#include "fare/check.h"
#include "pricing/tables.h"

namespace fare {
namespace {

constexpr bool has_rate(const Band& band, std::size_t meter) {
  return (band.has_rate >> meter & 1u) != 0;
}

// A request is charged only where the table names a fee; every other meter needs a rate.
constexpr bool needs_rate(std::size_t meter) {
  return meter != static_cast<std::size_t>(Meter::kRequest);
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

ModelMatch PriceBook::find(std::string_view provider, std::string_view model) const {
  const auto found = tables_->names.find(model);
  if (found == tables_->names.end()) return {};
  const std::vector<ModelId>& sellers = found->second;
  if (provider.empty()) {
    if (sellers.size() > 1) return {.status = LookUp::kAmbiguous};
    return {.status = LookUp::kFound, .model = sellers.front()};
  }
  for (const ModelId seller : sellers) {
    if ((*tables_)[seller].provider == provider) return {.status = LookUp::kFound, .model = seller};
  }
  return {};
}

ModelFacts PriceBook::facts(ModelId model) const {
  const PricedModel& found = (*tables_)[model];
  return {found.provider, found.id, found.context, found.max_output};
}

const Band* PriceTables::band_at(ModelId model, Tokens total_input, Instant at) const {
  const PricedModel& priced = (*this)[model];
  // Newest first: almost every question is about today.
  for (std::uint32_t i = priced.end_row; i-- > priced.first_row;) {
    const PriceRow& row = rows[i];
    if (at < row.from) continue;
    if (at >= row.until) return nullptr;
    std::uint32_t band = row.end_band - 1;
    while (band > row.first_band && total_input <= bands[band].input_over) --band;
    return &bands[band];
  }
  return nullptr;
}

Charge PriceBook::charge(ModelId model, const Usage& usage, Instant at) const {
  Charge charge;
  const Band* band = tables_->band_at(model, usage.total_input(), at);
  static const Band kNoRates;  // Not constexpr: clang 14 cannot, for its string.
  const Band& rates = band != nullptr ? *band : kNoRates;
  charge.rule = rates.rule;
  bool all_priced = band != nullptr;
  bool any_priced = false;
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const Meter meter = static_cast<Meter>(i);
    const Tokens count = usage[meter];
    FARE_CHECK(count.count() >= 0);
    const bool known = has_rate(rates, i);
    if (count == Tokens(0) || (!known && !needs_rate(i))) continue;
    CostLine& line = charge.line[charge.lines++];
    line = {.meter = meter, .count = count, .rate = rates.rate[i], .cost = {}, .priced = known};
    if (known) {
      line.cost = line.rate * count;
      charge.total += line.cost;
    }
    all_priced = all_priced && known;
    any_priced = any_priced || known;
  }
  charge.status = all_priced   ? PriceStatus::kPriced
                  : any_priced ? PriceStatus::kPartiallyPriced
                               : PriceStatus::kUnpriced;
  return charge;
}

std::optional<Cost> PriceBook::cost(ModelId model, const Usage& usage, Instant at) const {
  const Band* band = tables_->band_at(model, usage.total_input(), at);
  if (band == nullptr) return std::nullopt;
  Int128 total = 0;
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const Tokens count = usage[static_cast<Meter>(i)];
    if (count == Tokens(0)) continue;
    FARE_CHECK(count.count() > 0);
    if (!has_rate(*band, i) && needs_rate(i)) return std::nullopt;
    total += (band->rate[i] * count).count();
  }
  return Cost(total);
}

bool PriceBook::has_price(ModelId model, Instant at) const {
  return tables_->band_at(model, Tokens(0), at) != nullptr;
}

std::string_view PriceBook::hash() const { return tables_->hash; }

std::vector<ModelFacts> PriceBook::models() const {
  std::vector<ModelFacts> models;
  models.reserve(tables_->models.size());
  for (const PricedModel& model : tables_->models) {
    models.push_back({model.provider, model.id, model.context, model.max_output});
  }
  return models;
}

std::string_view PriceBook::nearest_model(std::string_view model) const {
  std::vector<std::string_view> names;
  for (const PricedModel& known : tables_->models) {
    names.push_back(known.id);
    names.insert(names.end(), known.aliases.begin(), known.aliases.end());
  }
  return nearest(model, names);
}

}  // namespace fare
