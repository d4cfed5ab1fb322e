#include "fare/price_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "pricing/lint_desk.h"

namespace fare {
namespace {

constexpr std::array<LintRule, 34> kRules = {{
    {"active-future", "a row that begins later is announced, not active"},
    {"alias-family", "dated snapshots of one model cost the same"},
    {"alias-retired", "a rolling alias means a model that is served"},
    {"announced-passed", "an announced price whose day has come is confirmed"},
    {"band-flat", "a band raises every meter that has a price"},
    {"band-order", "a band never costs less than the one below it"},
    {"batch-ratio", "batch and flex cost half of standard"},
    {"cell-meter", "a cell prices every meter that the base prices"},
    {"cell-without-band", "a cell has the bands of the base"},
    {"fast-ratio", "the fast mode never costs less than standard"},
    {"history-outlier", "a price rarely moves eightfold"},
    {"missing-1h", "what most siblings price, a model prices: 1-hour writes"},
    {"missing-input", "a model that prices output prices input"},
    {"missing-read", "a model that prices cache writes prices cache reads"},
    {"missing-tier", "what most siblings price, a model prices: a tier"},
    {"missing-write", "what most siblings price, a model prices: cache writes"},
    {"near-name", "names that differ by a dot or by case cost the same"},
    {"observed-future", "nothing was read in the future"},
    {"output-below-input", "output rarely costs less than input"},
    {"peer-outlier", "a model costs about the same at every provider"},
    {"period-ended", "a model that is served has a price today"},
    {"period-gap", "a price lasts until the next begins"},
    {"priority-ratio", "priority never costs less than standard"},
    {"ratio-outlier", "meters stand in the proportions of the siblings'"},
    {"read-above-input", "a cache read never costs more than input"},
    {"read-equals-input", "a cache read costs less than input"},
    {"retired-open", "the prices of a retired model end"},
    {"row-repeats", "a new row changes something"},
    {"sibling-outlier", "a model is not thirtyfold away from all siblings"},
    {"stale", "a price was read within half a year"},
    {"unit-range", "a million tokens cost from $0.001 to $1,000"},
    {"write-1h-ratio", "a 1-hour cache write costs twice the input, and no less than a short one"},
    {"write-5m-ratio", "a short cache write costs 1.25 x input, where siblings' do"},
    {"zero-price", "a zero is a price, not a gap"},
}};

std::map<std::string, LintProvider> providers_of(const PriceBook& book, Instant now) {
  std::map<std::string, LintProvider> providers;
  for (std::size_t i = 0; i < book.size(); ++i) {
    const auto id = static_cast<ModelId>(i);
    const ModelFacts facts = book.facts(id);
    const std::span<const PricePeriod> rows = book.periods(id);
    providers[std::string(facts.provider)].push_back({facts, rows, row_in_force(rows, now)});
  }
  return providers;
}

}  // namespace

std::string_view to_string(LintLevel level) {
  switch (level) {
    case LintLevel::kInfo:
      return "info";
    case LintLevel::kWarning:
      return "warning";
    case LintLevel::kError:
      return "error";
  }
  return "unknown";
}

std::span<const LintRule> lint_rules() { return kRules; }

const PricePeriod* row_in_force(std::span<const PricePeriod> rows, Instant at) {
  for (std::size_t i = rows.size(); i-- > 0;) {
    if (rows[i].from > at || !stands(rows[i])) continue;
    return !rows[i].until || at < *rows[i].until ? &rows[i] : nullptr;
  }
  return nullptr;
}

std::optional<Rate> LintModel::rate(Meter meter) const {
  if (current == nullptr) return std::nullopt;
  return current->cells.front().bands.front().rates[meter_index(meter)];
}

std::string LintPlace::text() const {
  std::string text;
  const auto add = [&text](const std::string& part) { text += text.empty() ? part : ", " + part; };
  if (row != nullptr) add("from " + to_rfc3339(row->from));
  if (cell != nullptr) {
    if (cell->tier != ServiceTier::kStandard) add(std::string(to_string(cell->tier)));
    if (cell->speed != SpeedMode::kStandard) add(std::string(to_string(cell->speed)));
    if (!cell->region.empty()) add(cell->region);
    if (!cell->window.empty()) add(cell->window);
  }
  if (band != nullptr && band->input_over >= Tokens(0)) {
    add(fmt::format("input over {}", band->input_over.count()));
  }
  if (meter) add(std::string(to_string(*meter)));
  return text;
}

void LintDesk::add(LintLevel level, std::string_view rule, const ModelFacts& facts,
                   const LintPlace& place, Words words) {
  findings_.push_back({level, rule, std::string(facts.provider), std::string(facts.model),
                       place.text(), std::move(words.value), std::move(words.must),
                       std::move(words.suggestion)});
}

double times(Rate a, Rate b) {
  return static_cast<double>(a.count()) / static_cast<double>(b.count());
}

std::string times_text(double ratio) {
  return ratio >= 10 ? fmt::format("{:.0f} x", ratio) : fmt::format("{:.3g} x", ratio);
}

std::string rate_text(Meter meter, Rate rate) {
  return is_per_million(meter) ? to_usd_per_mtok(rate) : to_usd(rate * Tokens(1));
}

std::vector<LintFinding> lint_prices(const PriceBook& book, const LintOptions& options) {
  LintDesk desk(options);
  const std::map<std::string, LintProvider> providers = providers_of(book, options.now);
  for (const auto& [provider, models] : providers) {
    lint_ratios(models, desk);
    lint_units(models, desk);
    lint_periods(models, desk);
    lint_names(models, desk);
    lint_lattice(models, desk);
    lint_siblings(models, desk);
  }
  lint_peers(providers, desk);
  std::vector<LintFinding> findings = desk.take();
  std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
    return std::tie(b.level, a.provider, a.model) < std::tie(a.level, b.provider, b.model);
  });
  return findings;
}

}  // namespace fare
