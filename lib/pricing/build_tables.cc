#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "base/names.h"
#include "pricing/model_draft.h"

namespace fare {
namespace {

constexpr auto kLastToken = static_cast<std::size_t>(Meter::kOutputImage);

// A cell under construction: one set of terms and the bands that price it.
struct CellDraft {
  TermsKey key = 0;
  std::string terms;  // For the rule: ", batch", ", region us x 1.1".
  std::vector<Band> bands;
};

// Which axes of a key a multiplier sets.
TermsKey multiplier_key(const PriceMultiplier& multiplier, std::uint16_t region) {
  return terms_key(multiplier.tier, multiplier.speed, region, 0);
}

TermsKey axis_mask(TermsKey key) {
  TermsKey mask = 0;
  if ((key & 0xff) != 0) mask |= 0xff;
  if ((key & 0xff00) != 0) mask |= 0xff00;
  if ((key & 0xffff0000) != 0) mask |= 0xffff0000;
  return mask;
}

// A ratio as the decimal it was written as: its denominator divides a power of ten.
std::string decimal_text(std::int64_t numerator, std::int64_t denominator) {
  return to_usd_per_mtok(Rate(numerator * 1'000'000), denominator);
}

std::string terms_text(const PriceCell& cell) {
  std::string text;
  if (cell.tier != ServiceTier::kStandard) text += fmt::format(", {}", to_string(cell.tier));
  if (cell.speed != SpeedMode::kStandard) text += fmt::format(", {}", to_string(cell.speed));
  if (!cell.region.empty()) text += fmt::format(", region {}", cell.region);
  if (!cell.window.empty()) text += fmt::format(", {}", cell.window);
  return text;
}

std::string terms_text(const PriceMultiplier& multiplier) {
  const PriceCell cell{.tier = multiplier.tier,
                       .speed = multiplier.speed,
                       .region = multiplier.region,
                       .window = {},
                       .bands = {}};
  return fmt::format("{} x {}", terms_text(cell),
                     decimal_text(multiplier.numerator, multiplier.denominator));
}

// Whose rate covers a meter in these rates: its own, or its parent's unless the two are priced
// apart elsewhere: cached audio is not covered by cached text where audio has a price of its own.
std::uint8_t line_of(const Rates& rates, std::size_t meter) {
  if (rates[meter]) return static_cast<std::uint8_t>(meter);
  const auto parent = static_cast<std::size_t>(parent_of(static_cast<Meter>(meter)));
  if (!rates[parent]) return Band::kNoRate;
  constexpr auto kFirstRead = static_cast<std::size_t>(Meter::kCacheRead);
  constexpr auto kLastRead = static_cast<std::size_t>(Meter::kCacheReadVideo);
  const bool is_read = meter > kFirstRead && meter <= kLastRead;
  if (is_read && rates[meter - kFirstRead]) return Band::kNoRate;
  return static_cast<std::uint8_t>(parent);
}

bool has_rates(const PriceCell& cell) {
  const Rates& rates = cell.bands.front().rates;
  return std::any_of(rates.begin(), rates.end(), [](const auto& rate) { return rate.has_value(); });
}

Band filled(const PriceBand& from, const Rates& base) {
  Band band;
  band.input_over = from.input_over;
  Rates rates = from.rates;
  // Fees and storage are those of the base where a cell names none.
  for (std::size_t i = kLastToken + 1; i < kMeterCount; ++i) {
    if (!rates[i]) rates[i] = base[i];
  }
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    band.rate[i] = rates[i].value_or(Rate());
    band.line[i] = line_of(rates, i);
  }
  return band;
}

// The same rates times a ratio.  What is not a whole number of picodollars stays exact as parts.
Band multiplied(Band band, const PriceMultiplier& by) {
  // The reader has made sure that each product fits, but not what stands before the division.
  std::int64_t parts = 1;
  for (std::size_t i = 0; i <= kLastToken; ++i) {
    const std::int64_t amount = band.rate[i].count() * by.numerator;
    parts = std::lcm(parts, by.denominator / std::gcd(amount, by.denominator));
  }
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const Int128 amount = Int128{band.rate[i].count()} * parts;
    const Int128 product = i <= kLastToken ? amount * by.numerator / by.denominator : amount;
    band.rate[i] = Rate(static_cast<std::int64_t>(product));
  }
  band.parts *= parts;
  return band;
}

class TablesBuilder {
 public:
  explicit TablesBuilder(PriceDrafts drafts) : drafts_(std::move(drafts)) {
    std::sort(drafts_.models.begin(), drafts_.models.end(), [](const auto& a, const auto& b) {
      return std::tie(a.model.provider, a.model.id) < std::tie(b.model.provider, b.model.id);
    });
  }

  std::shared_ptr<const PriceTables> build() {
    number_regions();
    number_windows();
    for (ModelDraft& draft : drafts_.models) add_model(std::move(draft.model));
    tables_->named_windows = std::move(drafts_.windows);
    tables_->sources = std::move(drafts_.sources);
    tables_->hash = content_hash(canonical_);
    return std::move(tables_);
  }

 private:
  void number_regions() {
    std::set<std::string> regions;
    for (const ModelDraft& draft : drafts_.models) {
      for (const PricePeriod& period : draft.model.periods) {
        for (const PriceCell& cell : period.cells) regions.insert(cell.region);
        for (const PriceMultiplier& by : period.multipliers) regions.insert(by.region);
      }
    }
    regions.erase("");
    tables_->regions.assign(regions.begin(), regions.end());
  }

  void number_windows() {
    for (auto& [vendor, windows] : drafts_.windows) {
      for (auto& [name, window] : windows) {
        tables_->windows.push_back(window);
        window_numbers_[{vendor, name}] = static_cast<std::uint16_t>(tables_->windows.size());
        say(fmt::format("window{}{}\t{}\n", counted(vendor), counted(name),
                        window.canonical_text()));
      }
    }
  }

  std::uint16_t region_number(const std::string& region) const {
    if (region.empty()) return 0;
    const auto found = std::lower_bound(tables_->regions.begin(), tables_->regions.end(), region);
    return static_cast<std::uint16_t>(found - tables_->regions.begin() + 1);
  }

  void add_model(PricedModel model) {
    std::sort(model.aliases.begin(), model.aliases.end(), [](const auto& a, const auto& b) {
      return std::tie(a.id, a.from) < std::tie(b.id, b.from);
    });
    std::sort(model.capabilities.begin(), model.capabilities.end());
    std::sort(model.periods.begin(), model.periods.end(), [](const auto& a, const auto& b) {
      return std::tie(a.from, a.known_from) < std::tie(b.from, b.known_from);
    });
    say_model(model);
    const auto id = static_cast<ModelId>(tables_->models.size());
    tables_->names[model.id].push_back({id, Instant::min(), Instant::max()});
    for (const ModelAlias& alias : model.aliases) {
      tables_->names[alias.id].push_back(
          {id, alias.from.value_or(Instant::min()), alias.until.value_or(Instant::max())});
    }
    model.first_row = static_cast<std::uint32_t>(tables_->rows.size());
    for (std::size_t i = 0; i < model.periods.size(); ++i) add_row(model, i);
    model.end_row = static_cast<std::uint32_t>(tables_->rows.size());
    tables_->models.push_back(std::move(model));
  }

  void add_row(const PricedModel& model, std::size_t index) {
    const PricePeriod& period = model.periods[index];
    Row row{.from = period.from,
            .until = period.until.value_or(Instant::max()),
            .known_from = period.known_from,
            .known_until = period.known_until.value_or(Instant::max())};
    row.first_window = static_cast<std::uint32_t>(tables_->row_windows.size());
    add_windows(model.provider, period);
    row.end_window = static_cast<std::uint32_t>(tables_->row_windows.size());
    say(fmt::format("row\t{}\t{}\t{}\t{}\n", row.from.time_since_epoch().count(),
                    row.until.time_since_epoch().count(), row.known_from.time_since_epoch().count(),
                    row.known_until.time_since_epoch().count()));
    row.first_cell = static_cast<std::uint32_t>(tables_->cells.size());
    const std::string rule =
        fmt::format("{}/{} from {}", model.provider, model.id, to_rfc3339(period.from));
    for (CellDraft& cell : expand(model.provider, period)) add_cell(std::move(cell), rule);
    row.end_cell = static_cast<std::uint32_t>(tables_->cells.size());
    tables_->rows.push_back(row);
  }

  void add_windows(const std::string& vendor, const PricePeriod& period) {
    std::set<std::uint16_t> numbers;
    for (const PriceCell& cell : period.cells) {
      if (!cell.window.empty()) numbers.insert(window_numbers_.at({vendor, cell.window}));
    }
    tables_->row_windows.insert(tables_->row_windows.end(), numbers.begin(), numbers.end());
  }

  // The cells that the row states, then those that its multipliers fill, by key.
  std::vector<CellDraft> expand(const std::string& vendor, const PricePeriod& period) const {
    std::vector<CellDraft> cells;
    for (const PriceCell& from : period.cells) {
      if (!has_rates(from)) continue;  // A row may state its cells alone.
      const std::uint16_t window =
          from.window.empty() ? std::uint16_t{0} : window_numbers_.at({vendor, from.window});
      CellDraft cell{.key = terms_key(from.tier, from.speed, region_number(from.region), window),
                     .terms = terms_text(from),
                     .bands = {}};
      const Rates& base = period.cells.front().bands.front().rates;
      for (const PriceBand& band : from.bands) cell.bands.push_back(filled(band, base));
      cells.push_back(std::move(cell));
    }
    for (const PriceMultiplier& by : period.multipliers) multiply(cells, by);
    std::sort(cells.begin(), cells.end(),
              [](const CellDraft& a, const CellDraft& b) { return a.key < b.key; });
    return cells;
  }

  // Adds, for every cell that stands at the default of the multiplier's axis, its product; but not
  // where the row states that cell itself.
  void multiply(std::vector<CellDraft>& cells, const PriceMultiplier& by) const {
    const TermsKey key = multiplier_key(by, region_number(by.region));
    const std::size_t count = cells.size();
    for (std::size_t i = 0; i < count; ++i) {
      if ((cells[i].key & axis_mask(key)) != 0) continue;
      const TermsKey product = cells[i].key | key;
      const bool is_stated =
          std::any_of(cells.begin(), cells.end(),
                      [product](const CellDraft& cell) { return cell.key == product; });
      if (is_stated) continue;
      CellDraft cell{
          .key = product, .terms = cells[i].terms + terms_text(by), .bands = cells[i].bands};
      for (Band& band : cell.bands) band = multiplied(std::move(band), by);
      cells.push_back(std::move(cell));
    }
  }

  void add_cell(CellDraft draft, const std::string& rule) {
    say(fmt::format("cell\t{}\n", draft.key));
    Cell cell{.key = draft.key, .first_band = static_cast<std::uint32_t>(tables_->bands.size())};
    for (Band& band : draft.bands) {
      band.rule = rule + draft.terms;
      if (band.input_over >= Tokens(0)) {
        band.rule += fmt::format(", input over {} tokens", band.input_over.count());
      }
      say(fmt::format("band\t{}\t{}", band.input_over.count(), band.parts));
      for (std::size_t i = 0; i < kMeterCount; ++i) {
        say(fmt::format("\t{}:{}", band.line[i], band.rate[i].count()));
      }
      say("\n");
      tables_->bands.push_back(std::move(band));
    }
    cell.end_band = static_cast<std::uint32_t>(tables_->bands.size());
    tables_->cells.push_back(cell);
  }

  // A name with its length, so that no two lists of names have the same text.
  static std::string counted(std::string_view name) {
    return fmt::format("\t{}:{}", name.size(), name);
  }

  static std::int64_t count_of(const std::optional<Instant>& at) {
    return at.value_or(Instant::max()).time_since_epoch().count();
  }

  void say_model(const PricedModel& model) {
    say("model" + counted(model.provider) + counted(model.id) + counted(model.maker));
    say(fmt::format("\t{}\t{}\t{}\t{}", model.context.count(), model.max_output.count(),
                    model.min_cacheable.count(), count_of(model.retired)));
    for (const ModelAlias& alias : model.aliases) {
      say(counted(alias.id));
      say(fmt::format("[{},{})", alias.from.value_or(Instant::min()).time_since_epoch().count(),
                      count_of(alias.until)));
    }
    for (const std::string& capability : model.capabilities) say(" can" + counted(capability));
    say("\n");
  }

  // Adds to the text whose hash is that of the tables: everything that has a meaning.
  void say(std::string_view text) { canonical_ += text; }

  PriceDrafts drafts_;
  std::unique_ptr<PriceTables> tables_ = std::make_unique<PriceTables>();
  std::map<std::pair<std::string, std::string>, std::uint16_t> window_numbers_;
  std::string canonical_;
};

}  // namespace

std::shared_ptr<const PriceTables> build_tables(PriceDrafts drafts) {
  return TablesBuilder(std::move(drafts)).build();
}

}  // namespace fare
