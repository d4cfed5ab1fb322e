#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "fare/price_disagree.h"
#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"

namespace routesim {
namespace {

using fare::Disagreement;
using fare::DisagreeReport;
using fare::ProviderAgreement;
using Json = nlohmann::ordered_json;

struct DisagreeCommand {
  std::vector<std::string> sources;
  std::string at;
  std::string provider;
  double tolerance = 0;
  bool json = false;
};

// A, B, C...: what the sources are called in lines.
std::string letter(std::size_t source) {
  return source < 26 ? std::string(1, static_cast<char>('A' + source))
                     : fmt::format("S{}", source + 1);
}

std::string values_text(const Disagreement& it) {
  std::string text;
  for (std::size_t i = 0; i < it.values.size(); ++i) {
    if (it.values[i].empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", letter(i), it.values[i]);
  }
  return text + (it.is_missing ? "; missing elsewhere" : "");
}

ProviderAgreement total_of(const DisagreeReport& report) {
  ProviderAgreement total{.provider = "all"};
  for (const ProviderAgreement& it : report.providers) {
    total.models += it.models;
    total.agree += it.agree;
    total.missing += it.missing;
    total.differ += it.differ;
  }
  return total;
}

std::string report_text(const DisagreeReport& report, const DisagreeCommand& options,
                        fare::Instant at) {
  const ProviderAgreement total = total_of(report);
  std::string text = filled(
      "", fmt::format("{} of the {} in common agree in every rate at {}; {} differ, {} "
                      "miss a price somewhere.",
                      count_text(total.agree),
                      count_text(total.models) + (total.models == 1 ? " model" : " models"),
                      fare::to_rfc3339(at), count_text(total.differ), count_text(total.missing)));
  for (std::size_t i = 0; i < options.sources.size(); ++i) {
    text += fmt::format("  {}: {}\n", letter(i), options.sources[i]);
  }
  Table table({"provider", "in common", "agree", "differ", "missing"});
  for (const ProviderAgreement& it : report.providers) {
    table.add({it.provider, count_text(it.models), count_text(it.agree), count_text(it.differ),
               count_text(it.missing)});
  }
  if (!report.providers.empty()) text += table.text({});
  std::string last;
  for (const Disagreement& it : report.disagreements) {
    const std::string name = it.provider + "/" + it.model;
    if (name != last) text += "\n" + name + "\n";
    last = name;
    text += filled("  ", fmt::format("{}: {}", it.what, values_text(it)));
  }
  return text;
}

std::string report_json(const DisagreeReport& report, const std::vector<fare::NamedBook>& books,
                        const DisagreeCommand& options, fare::Instant at) {
  Json sources = Json::array();
  for (const fare::NamedBook& it : books) {
    sources.push_back({{"source", it.name}, {"table_hash", it.book.hash()}});
  }
  Json providers = Json::array();
  for (const ProviderAgreement& it : report.providers) {
    providers.push_back({{"provider", it.provider},
                         {"in_common", it.models},
                         {"agree", it.agree},
                         {"differ", it.differ},
                         {"missing", it.missing}});
  }
  Json disagreements = Json::array();
  for (const Disagreement& it : report.disagreements) {
    Json values = Json::array();
    for (const std::string& value : it.values) {
      values.push_back(value.empty() ? Json(nullptr) : Json(value));
    }
    disagreements.push_back({{"provider", it.provider},
                             {"model", it.model},
                             {"what", it.what},
                             {"missing", it.is_missing},
                             {"values", std::move(values)}});
  }
  const Json json = {{"at", fare::to_rfc3339(at)},
                     {"tolerance", options.tolerance},
                     {"sources", std::move(sources)},
                     {"providers", std::move(providers)},
                     {"disagreements", std::move(disagreements)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Keeps what is about one provider.
void narrow(DisagreeReport& report, const std::string& provider) {
  const std::string wanted = fare::provider_spelling(provider);
  std::erase_if(report.providers, [&](const auto& it) { return it.provider != wanted; });
  std::erase_if(report.disagreements,
                [&](const auto& it) { return fare::provider_spelling(it.provider) != wanted; });
}

int run_disagree(const DisagreeCommand& options) {
  fare::Errors errors;
  std::vector<fare::NamedBook> books;
  for (const std::string& source : options.sources) {
    auto book = load_source(source);
    if (book) {
      books.push_back({source, std::move(*book)});
    } else {
      errors.insert(errors.end(), book.error().begin(), book.error().end());
    }
  }
  const auto at = asked_instant("--at", options.at, clock_now());
  if (!at) errors.insert(errors.end(), at.error().begin(), at.error().end());
  if (!errors.empty()) return complain(errors);
  DisagreeReport report = fare::compare_prices(books, {.at = *at, .tolerance = options.tolerance});
  if (!options.provider.empty()) narrow(report, options.provider);
  print(options.json ? report_json(report, books, options, *at)
                     : report_text(report, options, *at));
  return total_of(report).differ > 0 ? kNo : kGood;
}

}  // namespace

void add_price_disagree_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<DisagreeCommand>();
  CLI::App* command = price.add_subcommand("disagree", "Where price tables contradict each other");
  command->footer(
      "A source is a folder or file of tables, or a list: litellm:FILE,\n"
      "genai-prices:FILE, models.dev:FILE, openrouter:FILE.\n"
      "Examples:\n"
      "  routesim price disagree pricing litellm:model_prices_and_context_window.json\n"
      "  routesim price disagree pricing genai-prices:data.json --provider openai\n"
      "Exit code: 0 nothing differs, 1 something does, 2 bad input.");
  command->add_option("SOURCE", options->sources, "Two or more")->required()->expected(2, 100);
  command->add_option("--at", options->at, "The instant to compare at; default: now");
  command->add_option("--tolerance", options->tolerance, "The fraction within which rates agree")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--provider", options->provider, "Only this one, in any spelling");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run_disagree(*options); });
}

}  // namespace routesim
