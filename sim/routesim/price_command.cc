#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "base/nearest.h"
#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "study/files.h"
#include "study/scenario.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ErrorCode;
using Json = nlohmann::ordered_json;

struct QuoteOptions {
  std::string model;
  std::string provider;
  std::string at;
  std::string usage;
  std::string prices;
  bool json = false;
};

// What a quote comes to, ready to print.
struct Quote {
  std::string status = "unpriced";
  std::string model;  // "provider/model", or as asked if it was not found.
  fare::Instant at{};
  fare::Charge charge;
  std::vector<std::string> notes;
};

// The tables beside the caller, beside the program's build, or as installed with it.
std::string find_prices() {
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& place :
       {fs::path("pricing"), bin / "../../../pricing", bin / "../share/fare/pricing"}) {
    if (fs::is_directory(place, error)) return place.lexically_normal().string();
  }
  return "pricing";
}

// The text behind --usage: itself, @FILE, or - for standard input.
fare::Expected<std::string> usage_text(const std::string& option) {
  if (option == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  if (option.starts_with('@')) return read_file(option.substr(1));
  return option;
}

// Reads {"input": 500, "output": 100}: canonical meters, disjoint.
fare::Usage read_usage(const fare::JsonNode& node) {
  fare::Usage usage;
  fare::ObjectReader reader(node);
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    const auto meter = static_cast<fare::Meter>(i);
    std::int64_t count = 0;
    const auto range = fare::json::integer(0, fare::kTokensMax.count());
    if (reader.optional(fare::to_string(meter), count, range)) usage[meter] = fare::Tokens(count);
  }
  reader.finish();
  return usage;
}

// Finds the model and prices the usage; everything that is not a price is a status and a note.
void fill_in(const QuoteOptions& options, const fare::PriceBook& prices,
             const fare::JsonNode& usage_node, Quote& quote) {
  const fare::ModelMatch match = prices.find(options.provider, options.model, quote.at);
  quote.model = options.model;
  if (match.status == fare::LookUp::kAmbiguous) {
    quote.notes.push_back("several providers sell this model: name one with --provider");
    return;
  }
  if (match.status == fare::LookUp::kUnknown) {
    const std::string_view near = prices.nearest_model(options.model);
    quote.notes.push_back(fmt::format("\"{}\" is not in the price tables{}", options.model,
                                      fare::did_you_mean(near)));
    return;
  }
  const fare::ModelFacts facts = prices.facts(match.model);
  quote.model = fmt::format("{}/{}", facts.provider, facts.model);
  if (usage_node.is_object() && usage_node.size() == 0) {
    quote.status = "usage_missing";
    quote.notes.push_back("the usage names no meter: it is unknown, not zero");
    return;
  }
  const fare::Usage usage = read_usage(usage_node);
  if (!usage_node.problems().empty()) {
    quote.status = "usage_malformed";
    for (const fare::Error& error : usage_node.problems().take()) {
      quote.notes.push_back(fmt::format("{}: {}", error.where, error.message));
    }
    return;
  }
  quote.charge = prices.charge(match.model, usage, quote.at);
  quote.status = fare::to_string(quote.charge.status);
  if (!prices.has_price(match.model, quote.at)) {
    quote.notes.push_back(
        fmt::format("the tables hold no price at {}", fare::to_rfc3339(quote.at)));
  }
  for (const fare::CostLine& line : quote.charge.lines) {
    if (line.priced || !prices.has_price(match.model, quote.at)) continue;
    quote.notes.push_back(fmt::format("the tables hold no rate for {}", to_string(line.meter)));
  }
}

std::string quote_json(const Quote& quote, std::string_view table_hash) {
  Json lines = Json::array();
  for (const fare::CostLine& line : quote.charge.lines) {
    Json item = {{"meter", to_string(line.meter)}, {"count", line.count.count()}};
    item["rate_usd_per_mtok"] = line.priced ? Json(to_usd_per_mtok(line.rate)) : Json(nullptr);
    item["usd"] = line.priced ? Json(to_usd(line.cost)) : Json(nullptr);
    item["rule"] = line.priced ? Json(quote.charge.rule) : Json(nullptr);
    lines.push_back(std::move(item));
  }
  const bool priced = quote.status == "priced";
  const Json json = {{"status", quote.status},
                     {"total_usd", priced ? Json(to_usd(quote.charge.total)) : Json(nullptr)},
                     {"lines", std::move(lines)},
                     {"model", quote.model},
                     {"at", fare::to_rfc3339(quote.at)},
                     {"table_hash", table_hash},
                     {"notes", quote.notes}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string quote_text(const Quote& quote, std::string_view table_hash) {
  const bool priced = quote.status == "priced";
  std::string text = priced ? fmt::format("${} for {}", to_usd(quote.charge.total), quote.model)
                            : fmt::format("{}: {}", quote.status, quote.model);
  text += fmt::format(" at {}\n", fare::to_rfc3339(quote.at));
  for (const std::string& note : quote.notes) text += fmt::format("  note: {}\n", note);
  if (!quote.charge.lines.empty()) {
    Table table({"meter", "count", "$ per million", "$"});
    for (const fare::CostLine& line : quote.charge.lines) {
      table.add({std::string(to_string(line.meter)),
                 count_text(static_cast<std::uint64_t>(line.count.count())),
                 line.priced ? to_usd_per_mtok(line.rate) : "no rate",
                 line.priced ? to_usd(line.cost) : "unknown"});
    }
    text += table.text({});
  }
  if (priced) text += fmt::format("  {}; table {}\n", quote.charge.rule, table_hash.substr(0, 12));
  return text;
}

int run_quote(const QuoteOptions& options) {
  fare::Errors errors;
  const auto keep = [&errors](const auto& expected) {
    if (!expected) errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  };
  const auto prices = load_prices({options.prices.empty() ? find_prices() : options.prices});
  const auto usage = usage_text(options.usage);
  // The one clock of the program: a quote without --at is a quote for now.
  const auto at = options.at.empty()
                      ? fare::Expected<fare::Instant>(std::chrono::system_clock::now())
                      : fare::parse_instant(options.at);
  keep(prices);
  keep(usage);
  if (!at) errors.push_back({at.error()[0].code, "--at", at.error()[0].message});
  if (!errors.empty()) return complain(errors);
  fare::Problems problems("--usage");
  const fare::JsonDocument document(*usage, problems);
  if (!document.ok()) return complain(problems.take());
  Quote quote;
  quote.at = *at;
  fill_in(options, *prices, document.root(), quote);
  const std::string text =
      options.json ? quote_json(quote, prices->hash()) : quote_text(quote, prices->hash());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return quote.status == "priced" ? kGood : kNo;
}

}  // namespace

void add_price_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<QuoteOptions>();
  CLI::App* price = app.add_subcommand("price", "Ask the price tables");
  price->require_subcommand(1);
  add_price_diff_command(*price, exit_code);
  add_price_disagree_command(*price, exit_code);
  add_price_import_command(*price, exit_code);
  add_price_lint_command(*price, exit_code);
  CLI::App* quote = price->add_subcommand("quote", "What a usage costs, line by line");
  quote->footer(
      "Meters: input, cache_read, cache_write_5m, cache_write_1h, output, request; disjoint.\n"
      "Examples:\n"
      "  routesim price quote --model gpt-5.4 --usage '{\"input\": 300000, \"output\": 1000}'\n"
      "  routesim price quote --model claude-sonnet-5-5 --at 2026-10-01T00:00:00Z \\\n"
      "      --usage @usage.json --json\n"
      "Exit code: 0 priced, 1 not or not wholly priced, 2 bad input.");
  quote->add_option("--model", options->model, "The model's id or an alias")->required();
  quote->add_option("--provider", options->provider, "Needed where several sell the model");
  quote->add_option("--at", options->at, "An RFC 3339 instant; default: now");
  quote->add_option("--usage", options->usage, "JSON, @FILE, or - for standard input")->required();
  quote->add_option("--prices", options->prices, "A folder or file; default: the shipped tables")
      ->type_name("PATH");
  quote->add_flag("--json", options->json, "Print JSON instead of a table");
  quote->callback([options, &exit_code] { exit_code = run_quote(*options); });
}

}  // namespace routesim
