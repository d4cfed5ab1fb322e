#include "fare/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/json_reader.h"
#include "pricing/row_reader.h"

namespace fare {

// A change of list prices.
struct Adjustment {
  std::string provider;  // Empty: any.
  std::string model;     // Empty: any.
  std::uint32_t meters = (1u << kMeterCount) - 1;
  Instant from = Instant::min();
  Instant until = Instant::max();
  // Either a factor, in thousandths of a percent, or prices.
  std::optional<std::int64_t> factor;
  Rates rates;
  bool others_at_list = false;
};

struct ContractData {
  std::string name;
  std::vector<Adjustment> adjustments;
};

namespace {

constexpr std::string_view kFormat = "fare-contract/1";
constexpr std::size_t kNameMax = 128;
constexpr std::size_t kAdjustmentsMax = 1'000;
constexpr std::int64_t kWhole = 100'000;  // 100 %.

// "-12.5": what is taken off or added, from -100 to 1000, at most three decimals.
std::optional<std::int64_t> read_percent(const JsonNode& node) {
  const auto percent = json::read_with(&parse_usd)(node);
  if (!percent) return std::nullopt;
  constexpr Int128 kStep = 1'000'000'000;  // A thousandth.
  if (percent->count() % kStep != 0 || percent->count() < -100'000 * kStep ||
      percent->count() > 1'000'000 * kStep) {
    node.must_be(ErrorCode::kOutOfRange, "a percentage from -100 to 1000 with at most 3 decimals");
    return std::nullopt;
  }
  return kWhole + static_cast<std::int64_t>(percent->count() / kStep);
}

std::optional<std::size_t> read_meter(const JsonNode& node) {
  const auto name = json::text(kNameMax)(node);
  if (!name) return std::nullopt;
  const std::optional<Meter> meter = meter_named(*name);
  if (!meter) node.must_be(ErrorCode::kUnknownName, "the name of a meter");
  return meter ? std::optional(static_cast<std::size_t>(*meter)) : std::nullopt;
}

void read_prices(ObjectReader& reader, Adjustment& adjustment) {
  const auto tokens = reader.member("usd_per_mtok", false);
  const auto units = reader.member("usd_per_unit", false);
  if (tokens) read_rates(*tokens, true, adjustment.rates);
  if (units) read_rates(*units, false, adjustment.rates);
  std::size_t only = 0;
  adjustment.others_at_list = reader.optional("others", only, json::one_of({"list"}));
}

std::optional<Adjustment> read_adjustment(const JsonNode& node) {
  Adjustment adjustment;
  ObjectReader reader(node);
  const auto instant = json::read_with(&parse_instant);
  reader.optional("provider", adjustment.provider, json::text(kNameMax));
  reader.optional("model", adjustment.model, json::text(kNameMax));
  reader.optional("from", adjustment.from, instant);
  reader.optional("until", adjustment.until, instant);
  std::vector<std::size_t> meters;
  if (reader.optional("meters", meters, json::list(read_meter, 1, kMeterCount))) {
    adjustment.meters = 0;
    for (const std::size_t meter : meters) adjustment.meters |= 1u << meter;
  }
  std::int64_t factor = 0;
  if (reader.optional("percent", factor, read_percent)) adjustment.factor = factor;
  read_prices(reader, adjustment);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  const bool has_prices = node.has("usd_per_mtok") || node.has("usd_per_unit");
  if (node.has("percent") == has_prices) {
    node.problem(ErrorCode::kConflict, "needs either \"percent\" or prices");
  }
  if (has_prices && node.has("meters")) {
    node.problem(ErrorCode::kConflict, "prices name their meters: \"meters\" is for \"percent\"");
  }
  if (has_prices && adjustment.model.empty()) {
    node.problem(ErrorCode::kMissingKey, "prices need the key \"model\"");
  }
  if (node.has("others") && !has_prices) {
    node.problem(ErrorCode::kConflict, "\"others\" is for prices");
  }
  if (adjustment.until <= adjustment.from) {
    node.problem(ErrorCode::kConflict, "\"until\" must be after \"from\"");
  }
  return adjustment;
}

bool concerns(const Adjustment& adjustment, const ModelFacts& model, Instant at) {
  return (adjustment.provider.empty() || adjustment.provider == model.provider) &&
         (adjustment.model.empty() || adjustment.model == model.model) && at >= adjustment.from &&
         at < adjustment.until;
}

// Whether it has a word on this meter.
bool decides(const Adjustment& adjustment, std::size_t meter) {
  if (adjustment.factor) return (adjustment.meters >> meter & 1u) != 0;
  return adjustment.rates[meter].has_value() || !adjustment.others_at_list;
}

// The line at a percentage of its price.
void scale(std::int64_t factor, CostLine& line) {
  const std::int64_t divisor = std::gcd(factor, kWhole);
  std::int64_t rate = 0;
  std::int64_t parts = 0;
  line.priced = line.priced &&
                !__builtin_mul_overflow(line.rate.count(), factor / divisor, &rate) &&
                !__builtin_mul_overflow(line.parts, kWhole / divisor, &parts);
  if (!line.priced) return;
  line.rate = Rate(rate);
  line.parts = parts;
  line.cost = cost_of(line.rate, line.parts, line.count);
}

// The line at its negotiated price, or without one.
void adjust(const Adjustment& adjustment, CostLine& line) {
  if (adjustment.factor) return scale(*adjustment.factor, line);
  const std::optional<Rate>& rate = adjustment.rates[static_cast<std::size_t>(line.meter)];
  line.priced = rate.has_value();
  line.rate = rate.value_or(Rate());
  line.parts = 1;
  line.cost = line.rate * line.count;
}

}  // namespace

Expected<Contract> Contract::parse(std::string_view name, std::string_view text) {
  Problems problems{std::string(name)};
  const JsonDocument document(text, problems);
  auto data = std::make_unique<ContractData>();
  if (document.ok()) {
    ObjectReader reader(document.root());
    std::size_t only = 0;
    reader.required("format", only, json::one_of({kFormat}));
    reader.required("name", data->name, json::text(kNameMax));
    reader.required("adjustments", data->adjustments,
                    json::list(read_adjustment, 1, kAdjustmentsMax));
    reader.finish();
  }
  if (!problems.empty()) return tl::unexpected<Errors>(problems.take());
  return Contract(std::move(data));
}

std::string_view Contract::name() const { return data_->name; }

Charge Contract::apply(const ModelFacts& model, const Charge& list, Instant at) const {
  Charge charge;
  charge.gap = list.gap;
  charge.rule = list.rule;
  bool any_priced = false;
  bool all_priced = list.gap == PriceGap::kNone;
  for (const CostLine& listed : list.lines) {
    CostLine line = listed;
    const auto meter = static_cast<std::size_t>(line.meter);
    const auto& adjustments = data_->adjustments;
    const auto decisive =
        std::find_if(adjustments.rbegin(), adjustments.rend(), [&](const Adjustment& adjustment) {
          return concerns(adjustment, model, at) && decides(adjustment, meter);
        });
    if (decisive != adjustments.rend()) adjust(*decisive, line);
    charge.lines.push_back(line);
    any_priced = any_priced || line.priced;
    all_priced = all_priced && line.priced;
    if (line.priced) charge.total += line.cost;
  }
  charge.status = all_priced   ? PriceStatus::kPriced
                  : any_priced ? PriceStatus::kPartiallyPriced
                               : PriceStatus::kUnpriced;
  return charge;
}

}  // namespace fare
