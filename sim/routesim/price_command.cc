#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "routesim/quote.h"
#include "routesim/quote_batch.h"
#include "study/files.h"

namespace routesim {
namespace {

using fare::ErrorCode;

struct QuoteOptions {
  std::string model;
  std::string provider;
  std::string api;
  std::string at;
  std::string known_at;
  std::string tier;
  std::string speed;
  std::string region;
  std::string usage;
  std::string batch;
  std::string contract;
  std::string prices;
  bool json = false;
};

// The options, read; the question views them.
struct ReadOptions {
  QuoteQuestion question;
  fare::Errors errors;

  template <class T>
  void keep(const fare::Expected<T>& expected) {
    if (!expected) errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  }
};

// The text behind --usage: itself, @FILE, or - for standard input.
fare::Expected<std::string> usage_text(const std::string& option) {
  if (option == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  if (option.starts_with('@')) return read_file(option.substr(1));
  return option;
}

fare::Expected<fare::Contract> load_contract(const std::string& path) {
  return read_file(path).and_then(
      [&path](const std::string& text) { return fare::Contract::parse(path, text); });
}

std::string api_names() {
  std::string names;
  for (std::size_t i = 0; i < fare::kUsageApiCount; ++i) {
    names += fmt::format("{}{}", i == 0 ? "" : ", ", to_string(static_cast<fare::UsageApi>(i)));
  }
  return names;
}

void read_terms(const QuoteOptions& options, ReadOptions& read) {
  QuoteQuestion& question = read.question;
  if (options.tier == "fast") {
    question.speed = fare::SpeedMode::kFast;
  } else if (!options.tier.empty()) {
    question.tier = fare::service_tier_named(options.tier);
    if (!question.tier) {
      read.errors.push_back({ErrorCode::kUnknownName, "--tier",
                             fmt::format("must be standard, batch, flex, priority or fast, but is "
                                         "\"{}\"",
                                         options.tier)});
    }
  }
  if (!options.speed.empty()) {
    question.speed = fare::speed_mode_named(options.speed);
    if (!question.speed) {
      read.errors.push_back(
          {ErrorCode::kUnknownName, "--speed",
           fmt::format("must be standard or fast, but is \"{}\"", options.speed)});
    }
  }
  if (!options.region.empty()) question.region = options.region;
}

ReadOptions read_options(const QuoteOptions& options) {
  ReadOptions read;
  QuoteQuestion& question = read.question;
  question.model = options.model;
  question.provider = options.provider;
  if (!options.api.empty()) {
    const std::optional<fare::UsageApi> api = fare::usage_api_named(options.api);
    question.api = api.value_or(fare::UsageApi::kCanonical);
    if (!api) {
      read.errors.push_back(
          {ErrorCode::kUnknownName, "--api",
           fmt::format("must be one of {}, but is \"{}\"", api_names(), options.api)});
    }
  }
  // A quote without --at is a quote for now.
  const auto at = asked_instant("--at", options.at, clock_now());
  const auto known = asked_instant("--known-at", options.known_at, fare::Instant::max());
  read.keep(at);
  read.keep(known);
  question.at = at.value_or(fare::Instant());
  question.known = known.value_or(fare::Instant());
  read_terms(options, read);
  if (options.usage.empty() == options.batch.empty()) {
    read.errors.push_back(
        {ErrorCode::kMissingKey, "price quote", "needs either --usage or --batch"});
  }
  return read;
}

int print_quote(const Quote& quote, std::string_view hash, bool json) {
  if (json) {
    std::string line;
    append_quote_json(quote, hash, line);
    print(nlohmann::ordered_json::parse(line).dump(2) + "\n");
  } else {
    print(quote_text(quote, hash));
  }
  return quote.priced() ? kGood : kNo;
}

int run_quote(const QuoteOptions& options) {
  ReadOptions read = read_options(options);
  const auto prices = load_asked_prices(options.prices);
  read.keep(prices);
  const auto usage = options.batch.empty() ? usage_text(options.usage) : options.usage;
  read.keep(usage);
  std::optional<fare::Contract> contract;
  if (!options.contract.empty()) {
    const auto parsed = load_contract(options.contract);
    read.keep(parsed);
    if (parsed) contract = *parsed;
  }
  if (!read.errors.empty()) return complain(read.errors);
  if (contract) read.question.contract = &*contract;
  if (!options.batch.empty()) return quote_batch(options.batch, read.question, *prices);
  if (!nlohmann::json::accept(*usage)) {
    return complain({{ErrorCode::kSyntax, "--usage", "must be JSON: quote it for the shell"}});
  }
  read.question.usage = *usage;
  Quoter quoter(*prices);
  return print_quote(quoter.ask(read.question), prices->hash(), options.json);
}

void add_quote_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<QuoteOptions>();
  CLI::App* quote = price.add_subcommand("quote", "What a usage costs, line by line");
  quote->footer(fmt::format(
      "APIs: {}.\n"
      "Without --api, the usage holds canonical meters: input, cache_read, cache_write_5m,\n"
      "cache_write_1h, output, output_reasoning, search, request, ...; disjoint.\n"
      "Examples:\n"
      "  routesim price quote --model gpt-5.4 --usage '{{\"input\": 300000, \"output\": 1000}}'\n"
      "  routesim price quote --model claude-sonnet-5-5 --at 2026-10-01T00:00:00Z \\\n"
      "      --api anthropic --usage @response.json --json\n"
      "  routesim price quote --batch usage.jsonl > costs.jsonl\n"
      "A line of --batch: {{\"model\", \"provider\", \"api\", \"at\", \"usage\"}}.\n"
      "Exit code: 0 priced, 1 not or not wholly priced, 2 bad input.",
      api_names()));
  quote->add_option("--model", options->model, "The model's id or an alias; default: the body's");
  quote->add_option("--provider", options->provider, "Needed where several sell the model");
  quote->add_option("--api", options->api, "Whose usage fields the body has")->type_name("NAME");
  quote->add_option("--at", options->at, "An RFC 3339 instant; default: now");
  quote->add_option("--known-at", options->known_at,
                    "Prices as they were known then; default: all that is known");
  quote->add_option("--tier", options->tier,
                    "The tier that served it: standard, batch, flex, priority, fast; default: as "
                    "the body says");
  quote->add_option("--speed", options->speed, "standard or fast; default: as the body says");
  quote->add_option("--region", options->region, "Where it was served, as the tables name it");
  quote->add_option("--usage", options->usage, "JSON, @FILE, or - for standard input");
  quote->add_option("--batch", options->batch, "JSON lines, one usage each")->type_name("FILE");
  quote
      ->add_option("--contract", options->contract,
                   "Negotiated prices on top of the tables (see fare/contract.h)")
      ->type_name("FILE");
  add_prices_option(*quote, options->prices);
  quote->add_flag("--json", options->json, "Print JSON instead of a table");
  quote->callback([options, &exit_code] { exit_code = run_quote(*options); });
}

}  // namespace

void add_price_command(CLI::App& app, int& exit_code) {
  CLI::App* price = app.add_subcommand("price", "Ask the price tables");
  price->footer(
      "Examples:\n"
      "  routesim price show claude-haiku-4-5\n"
      "  routesim price quote --model claude-haiku-4-5 --usage '{\"input\": 500, \"output\": "
      "100}'");
  price->require_subcommand(1);
  add_quote_command(*price, exit_code);
  add_price_show_command(*price, exit_code);
  add_price_list_command(*price, exit_code);
  add_price_diff_command(*price, exit_code);
  add_price_lint_command(*price, exit_code);
  add_price_import_command(*price, exit_code);
  add_price_disagree_command(*price, exit_code);
}

}  // namespace routesim
