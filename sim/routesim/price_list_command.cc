#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"

namespace routesim {
namespace {

using fare::Meter;
using Json = nlohmann::ordered_json;

struct ListOptions {
  std::string provider;
  std::string name;
  std::vector<std::string> can;
  std::int64_t context = 0;
  std::string at;
  std::string prices;
  bool all = false;
  bool json = false;
};

// One model and its standard prices at the instant; null where it has none then.
struct Listed {
  fare::ModelFacts facts;
  const fare::Rates* rates;
};

bool is_asked(const ListOptions& options, const fare::ModelFacts& facts) {
  const auto& can = facts.capabilities;
  return (options.provider.empty() || facts.provider == options.provider) &&
         facts.model.find(options.name) != std::string_view::npos &&
         facts.context.count() >= options.context &&
         std::all_of(options.can.begin(), options.can.end(), [&can](const std::string& wanted) {
           return std::find(can.begin(), can.end(), wanted) != can.end();
         });
}

std::vector<Listed> list(const fare::PriceBook& prices, const ListOptions& options,
                         fare::Instant at) {
  std::vector<Listed> listed;
  for (std::uint32_t i = 0; i < prices.size(); ++i) {
    const auto id = static_cast<fare::ModelId>(i);
    const fare::ModelFacts facts = prices.facts(id);
    if (!is_asked(options, facts)) continue;
    const fare::PricePeriod* period = prices.period_at(id, at);
    const bool is_retired = facts.retired && *facts.retired <= at;
    if (!options.all && (period == nullptr || is_retired)) continue;
    listed.push_back({facts, period == nullptr ? nullptr : &period->cells[0].bands[0].rates});
  }
  return listed;
}

std::optional<std::string> rate(const Listed& listed, Meter meter) {
  if (listed.rates == nullptr) return std::nullopt;
  const auto& rate = (*listed.rates)[static_cast<std::size_t>(meter)];
  return rate ? std::optional(to_usd_per_mtok(*rate)) : std::nullopt;
}

std::string list_text(const std::vector<Listed>& listed, fare::Instant at,
                      std::string_view table_hash) {
  std::string text = fmt::format("{} model{}, $ per million tokens at {}; table {}\n",
                                 listed.size(), listed.size() == 1 ? "" : "s",
                                 fare::to_rfc3339(at).substr(0, 10), table_hash.substr(0, 12));
  Table table({"model", "input", "cache read", "output", "context"});
  for (const Listed& one : listed) {
    const std::int64_t context = one.facts.context.count();
    table.add({fmt::format("{}/{}", one.facts.provider, one.facts.model),
               rate(one, Meter::kInput).value_or("-"), rate(one, Meter::kCacheRead).value_or("-"),
               rate(one, Meter::kOutput).value_or("-"),
               context == 0 ? "-" : count_text(static_cast<std::uint64_t>(context))});
  }
  return text + (listed.empty() ? "" : table.text({}));
}

std::string list_json(const std::vector<Listed>& listed, fare::Instant at,
                      std::string_view table_hash) {
  Json models = Json::array();
  for (const Listed& one : listed) {
    const auto or_null = [](const std::optional<std::string>& text) {
      return text ? Json(*text) : Json(nullptr);
    };
    models.push_back({{"provider", one.facts.provider},
                      {"model", one.facts.model},
                      {"input_usd_per_mtok", or_null(rate(one, Meter::kInput))},
                      {"cache_read_usd_per_mtok", or_null(rate(one, Meter::kCacheRead))},
                      {"output_usd_per_mtok", or_null(rate(one, Meter::kOutput))},
                      {"context_tokens", one.facts.context.count()},
                      {"max_output_tokens", one.facts.max_output.count()}});
  }
  const Json json = {
      {"at", fare::to_rfc3339(at)}, {"table_hash", table_hash}, {"models", std::move(models)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int run_list(const ListOptions& options) {
  const auto prices = load_asked_prices(options.prices);
  const auto at = asked_instant("--at", options.at, clock_now());
  fare::Errors errors = prices ? fare::Errors() : prices.error();
  if (!at) errors.insert(errors.end(), at.error().begin(), at.error().end());
  if (!errors.empty()) return complain(errors);
  const std::vector<Listed> listed = list(*prices, options, *at);
  const std::string text = options.json ? list_json(listed, *at, prices->hash())
                                        : list_text(listed, *at, prices->hash());
  print(text);
  return listed.empty() ? kNo : kGood;
}

}  // namespace

void add_price_list_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = price.add_subcommand("list", "The models of the tables and their prices");
  list->footer(
      "Examples:\n"
      "  routesim price list --provider anthropic\n"
      "  routesim price list --can tools --can image_input --context 500000\n"
      "  routesim price list --name flash --at 2027-01-01T00:00:00Z --json\n"
      "Exit code: 0 some model fits, 1 none does, 2 bad input.");
  list->add_option("--provider", options->provider, "Only this provider's");
  list->add_option("--name", options->name, "Only models whose id contains this");
  list->add_option("--can", options->can, "Only models with this capability; may be repeated");
  list->add_option("--context", options->context, "Only models with at least this many tokens")
      ->check(CLI::NonNegativeNumber);
  list->add_option("--at", options->at, "An RFC 3339 instant; default: now");
  list->add_flag("--all", options->all, "Retired models and those without a price then, too");
  add_prices_option(*list, options->prices);
  list->add_flag("--json", options->json, "Print JSON instead of a table");
  list->callback([options, &exit_code] { exit_code = run_list(*options); });
}

}  // namespace routesim
