#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"

namespace routesim {
namespace {

using fare::Meter;
using fare::PriceCell;
using fare::PricePeriod;
using Json = nlohmann::ordered_json;

struct ShowOptions {
  std::string model;
  std::string provider;
  std::string at;
  std::string known_at;
  std::string prices;
  bool history = false;
  bool json = false;
};

std::string day(fare::Instant instant) {
  const std::string text = fare::to_rfc3339(instant);
  return text.ends_with("T00:00:00Z") ? text.substr(0, 10) : text;
}

std::string cell_name(const PriceCell& cell) {
  std::string name;
  const auto add = [&name](std::string_view part) {
    name += fmt::format("{}{}", name.empty() ? "" : ", ", part);
  };
  if (cell.tier != fare::ServiceTier::kStandard) add(to_string(cell.tier));
  if (cell.speed != fare::SpeedMode::kStandard) add(to_string(cell.speed));
  if (!cell.region.empty()) add(cell.region);
  if (!cell.window.empty()) add(cell.window);
  return name.empty() ? "standard" : name;
}

std::string multiplier_name(const fare::PriceMultiplier& by) {
  const PriceCell cell{
      .tier = by.tier, .speed = by.speed, .region = by.region, .window = {}, .bands = {}};
  return cell_name(cell);
}

std::string times_text(const fare::PriceMultiplier& by) {
  return to_usd_per_mtok(fare::Rate(by.numerator * 1'000'000), by.denominator);
}

// The rate as its meter is counted: per million, or for one.
std::string rate_text(Meter meter, fare::Rate rate) {
  return is_per_million(meter) ? to_usd_per_mtok(rate) : to_usd(rate * fare::Tokens(1));
}

// The meters that any cell of the row prices, in order.
std::vector<Meter> priced_meters(const PricePeriod& period) {
  std::vector<Meter> meters;
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    for (const PriceCell& cell : period.cells) {
      if (cell.bands.empty() || !cell.bands.front().rates[i]) continue;
      meters.push_back(static_cast<Meter>(i));
      break;
    }
  }
  return meters;
}

// One column for each cell and band, one row for each meter; at most `kColumns` columns abreast.
std::string rates_text(const PricePeriod& period) {
  constexpr std::size_t kColumns = 5;
  struct Column {
    std::string name;
    const fare::Rates* rates;
  };
  std::vector<Column> columns;
  for (const PriceCell& cell : period.cells) {
    for (const fare::PriceBand& band : cell.bands) {
      std::string name = cell_name(cell);
      if (band.input_over >= fare::Tokens(0)) {
        const auto over = static_cast<std::uint64_t>(band.input_over.count());
        name = fmt::format("{}>{}", name == "standard" ? "" : name + " ", count_text(over));
      }
      columns.push_back({name, &band.rates});
    }
  }
  std::string text;
  for (std::size_t first = 0; first < columns.size(); first += kColumns) {
    const std::size_t end = std::min(columns.size(), first + kColumns);
    std::vector<std::string> header = {"$ per million"};
    for (std::size_t c = first; c < end; ++c) header.push_back(columns[c].name);
    Table table(std::move(header));
    for (const Meter meter : priced_meters(period)) {
      const std::string unit = is_per_million(meter) ? "" : ", $ each";
      std::vector<std::string> row = {fmt::format("{}{}", to_string(meter), unit)};
      for (std::size_t c = first; c < end; ++c) {
        const auto& rate = (*columns[c].rates)[static_cast<std::size_t>(meter)];
        row.push_back(rate ? rate_text(meter, *rate) : "-");
      }
      table.add(std::move(row));
    }
    text += table.text({});
  }
  for (const fare::PriceMultiplier& by : period.multipliers) {
    text += fmt::format("  {}: all token prices x {}\n", multiplier_name(by), times_text(by));
  }
  return text;
}

std::string period_text(const PricePeriod& period) {
  std::string text = fmt::format("from {}", day(period.from));
  if (period.until) text += fmt::format(" until {}", day(*period.until));
  if (period.status != fare::PeriodStatus::kActive) {
    text += fmt::format(", {}", to_string(period.status));
  }
  if (period.known_from != period.from) text += fmt::format(", known {}", day(period.known_from));
  if (period.known_until) text += fmt::format(", withdrawn {}", day(*period.known_until));
  text += fmt::format(" (source {}, observed {})\n", period.source, period.observed);
  if (!period.note.empty()) text += fmt::format("  note: {}\n", period.note);
  return text + rates_text(period);
}

std::string facts_text(const fare::ModelFacts& facts) {
  std::string text;
  const auto add = [&text](std::string_view what, fare::Tokens count) {
    if (count == fare::Tokens(0)) return;
    text += fmt::format("{}{} {}", text.empty() ? "  " : ", ", what,
                        count_text(static_cast<std::uint64_t>(count.count())));
  };
  add("context", facts.context);
  add("most output", facts.max_output);
  add("shortest cached prefix", facts.min_cacheable);
  if (!text.empty()) text += " tokens\n";
  if (facts.retired) text += fmt::format("  retired {}\n", day(*facts.retired));
  if (!facts.capabilities.empty()) {
    text += fmt::format("  can: {}\n", fmt::join(facts.capabilities, ", "));
  }
  if (facts.aliases.empty()) return text;
  std::vector<std::string> names;
  for (const fare::ModelAlias& alias : facts.aliases) names.push_back(alias.id);
  return text + fmt::format("  also called: {}\n", fmt::join(names, ", "));
}

Json rates_json(const fare::Rates& rates) {
  Json json = Json::object();
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    if (rates[i]) json[std::string(to_string(meter))] = rate_text(meter, *rates[i]);
  }
  return json;
}

Json period_json(const PricePeriod& period) {
  const auto instant = [](const std::optional<fare::Instant>& at) {
    return at ? Json(fare::to_rfc3339(*at)) : Json(nullptr);
  };
  Json cells = Json::array();
  for (const PriceCell& cell : period.cells) {
    for (const fare::PriceBand& band : cell.bands) {
      const bool is_base = band.input_over < fare::Tokens(0);
      cells.push_back({{"tier", to_string(cell.tier)},
                       {"speed", to_string(cell.speed)},
                       {"region", cell.region},
                       {"window", cell.window},
                       {"input_over", is_base ? Json(nullptr) : Json(band.input_over.count())},
                       {"usd", rates_json(band.rates)}});
    }
  }
  Json multipliers = Json::array();
  for (const fare::PriceMultiplier& by : period.multipliers) {
    multipliers.push_back({{"tier", to_string(by.tier)},
                           {"speed", to_string(by.speed)},
                           {"region", by.region},
                           {"times", times_text(by)}});
  }
  return {{"from", fare::to_rfc3339(period.from)},
          {"until", instant(period.until)},
          {"known_from", fare::to_rfc3339(period.known_from)},
          {"known_until", instant(period.known_until)},
          {"status", to_string(period.status)},
          {"source", period.source},
          {"observed", period.observed},
          {"note", period.note},
          {"cells", std::move(cells)},
          {"multipliers", std::move(multipliers)}};
}

Json show_json(const fare::PriceBook& prices, const fare::ModelFacts& facts,
               const std::vector<const PricePeriod*>& periods) {
  Json rows = Json::array();
  for (const PricePeriod* period : periods) rows.push_back(period_json(*period));
  Json aliases = Json::array();
  for (const fare::ModelAlias& alias : facts.aliases) aliases.push_back(alias.id);
  return {{"model", fmt::format("{}/{}", facts.provider, facts.model)},
          {"aliases", std::move(aliases)},
          {"context_tokens", facts.context.count()},
          {"max_output_tokens", facts.max_output.count()},
          {"min_cacheable_tokens", facts.min_cacheable.count()},
          {"retired", facts.retired ? Json(fare::to_rfc3339(*facts.retired)) : Json(nullptr)},
          {"capabilities",
           Json(std::vector<std::string>(facts.capabilities.begin(), facts.capabilities.end()))},
          {"prices", std::move(rows)},
          {"table_hash", prices.hash()}};
}

// Every model that bears the name, at any provider unless one is named.
std::vector<fare::ModelId> models_named(const fare::PriceBook& prices, const ShowOptions& options,
                                        fare::Instant at) {
  std::vector<fare::ModelId> found;
  for (std::uint32_t i = 0; i < prices.size(); ++i) {
    const auto id = static_cast<fare::ModelId>(i);
    const fare::ModelFacts facts = prices.facts(id);
    if (!options.provider.empty() && facts.provider != options.provider) continue;
    const fare::ModelMatch match = prices.find(facts.provider, options.model, at);
    if (match.status == fare::LookUp::kFound && match.model == id) found.push_back(id);
  }
  return found;
}

std::vector<const PricePeriod*> periods_asked(const fare::PriceBook& prices, fare::ModelId id,
                                              bool history, fare::Instant at, fare::Instant known) {
  std::vector<const PricePeriod*> periods;
  if (!history) {
    const PricePeriod* period = prices.period_at(id, at, known);
    if (period != nullptr) periods.push_back(period);
    return periods;
  }
  for (const PricePeriod& period : prices.periods(id)) periods.push_back(&period);
  return periods;
}

int run_show(const ShowOptions& options) {
  fare::Errors errors;
  const auto keep = [&errors](const auto& expected) {
    if (!expected) errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  };
  const auto prices = load_asked_prices(options.prices);
  const auto at = asked_instant("--at", options.at, clock_now());
  const auto known = asked_instant("--known-at", options.known_at, fare::Instant::max());
  keep(prices);
  keep(at);
  keep(known);
  if (!errors.empty()) return complain(errors);
  const std::vector<fare::ModelId> models = models_named(*prices, options, *at);
  if (models.empty()) {
    return complain({{fare::ErrorCode::kUnknownName, "MODEL",
                      fmt::format("\"{}\" is not in the price tables{}", options.model,
                                  fare::did_you_mean(prices->nearest_model(options.model)))}});
  }
  bool all = true;
  Json json = Json::array();
  std::string text;
  for (const fare::ModelId id : models) {
    const fare::ModelFacts facts = prices->facts(id);
    const auto periods = periods_asked(*prices, id, options.history, *at, *known);
    all = all && !periods.empty();
    json.push_back(show_json(*prices, facts, periods));
    text += fmt::format("{}/{}", facts.provider, facts.model);
    if (periods.empty()) text += fmt::format(": no price at {}", fare::to_rfc3339(*at));
    text += "\n" + facts_text(facts);
    for (const PricePeriod* period : periods) text += period_text(*period);
  }
  if (options.json) text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  print(text);
  return all ? kGood : kNo;
}

}  // namespace

void add_price_show_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* show = price.add_subcommand("show", "What the tables say of a model");
  show->footer(
      "Examples:\n"
      "  routesim price show claude-haiku-5-5\n"
      "  routesim price show gemini-4-argon --history\n"
      "  routesim price show claude-sonnet-5 --at 2026-09-15T00:00:00Z \\\n"
      "      --known-at 2026-08-01T00:00:00Z\n"
      "Exit code: 0 there is a price then, 1 there is none, 2 bad input.");
  show->add_option("MODEL", options->model, "The model's id or an alias")->required();
  show->add_option("--provider", options->provider, "Only this provider's; default: everyone's");
  show->add_option("--at", options->at, "An RFC 3339 instant; default: now");
  show->add_option("--known-at", options->known_at,
                   "Prices as they were known then; default: all that is known");
  show->add_flag("--history", options->history, "All rows: past, announced, withdrawn");
  add_prices_option(*show, options->prices);
  show->add_flag("--json", options->json, "Print JSON instead of text");
  show->callback([options, &exit_code] { exit_code = run_show(*options); });
}

}  // namespace routesim
