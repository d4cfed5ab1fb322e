#include "routesim/cache_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fare/money.h"
#include "report/format.h"
#include "report/table.h"

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

Json trace_json(const PromptTrace& trace) {
  return {{"trace", trace.name},
          {"format", to_string(trace.format)},
          {"calls", trace.calls.size()},
          {"sessions", trace.sessions.size()},
          {"unique_blocks", trace.unique_blocks}};
}

void add_hits(Json& json, const BlockReplay& replay) {
  json["calls_measured"] = replay.measured;
  json["hit_tokens"] = replay.hit_tokens;
  json["input_tokens"] = replay.input_tokens;
  json["hit_blocks"] = replay.hit_blocks;
  json["blocks"] = replay.blocks;
  for (const HitRate& rate : replay.rates) {
    json["rates"][rate.name] = {{"value", rate.value}, {"definition", rate.definition}};
  }
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Lines of at most 78 columns, each indented.
std::string wrapped(std::string_view text, std::string_view indent) {
  constexpr std::size_t kWidth = 78;
  std::string out(indent);
  std::size_t column = indent.size();
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column > indent.size() && column + 1 + word.size() > kWidth) {
      out += fmt::format("\n{}", indent);
      column = indent.size();
    } else if (column > indent.size()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out + "\n";
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string tokens_text(std::int64_t count) {
  return routesim::count_text(static_cast<std::uint64_t>(count));
}

std::string trace_text(const PromptTrace& trace, const BlockReplay& replay, bool second_half,
                       const std::string& cache) {
  const std::string measured =
      second_half ? fmt::format(", {} measured", count_text(replay.measured)) : "";
  const std::string sessions =
      trace.sessions.empty() ? ""
                             : fmt::format(" in {} sessions", count_text(trace.sessions.size()));
  return wrapped(trace.name, "  ") +
         wrapped(fmt::format("{} calls{}{}, {} distinct blocks; {}.", count_text(replay.calls),
                             sessions, measured, count_text(trace.unique_blocks), cache),
                 "  ");
}

std::string rates_text(const BlockReplay& replay) {
  std::string text = "Rates, by definition:\n";
  for (const HitRate& rate : replay.rates) {
    text += fmt::format("  {:<16} {:>9}\n", rate.name, percent(rate.value));
    text += wrapped(rate.definition, "      ");
  }
  return text;
}

// Millionths as a decimal: 1250000 is "1.25".
std::string multiple_text(std::int64_t ppm) { return fare::to_usd_per_mtok(fare::Rate(ppm)); }

Json lines_json(const RulesReplay& replay) {
  Json lines = Json::array();
  for (const CacheCostLine& line : replay.lines) {
    // Token times millionth is a picodollar at a dollar a million: exact.
    const fare::Cost cost = fare::Rate(line.price_ppm) * fare::Tokens(line.tokens);
    lines.push_back({{"meter", line.meter},
                     {"tokens", line.tokens},
                     {"price", multiple_text(line.price_ppm)},
                     {"cost_in_million_input_tokens", fare::to_usd(cost)}});
  }
  return lines;
}

Json rules_json(const RulesReplay& replay) {
  return {{"calls_hit", replay.calls_hit},
          {"read_tokens", replay.read_tokens},
          {"new_tokens", replay.new_tokens},
          {"multiple", replay.multiple}};
}

}  // namespace

std::string to_json(const PromptTrace& trace, const BlockReplayOptions& options,
                    const BlockReplay& replay) {
  Json json = trace_json(trace);
  const bool bounded = options.cache.eviction != fare::Eviction::kNone;
  json["policy"] = to_string(options.cache.eviction);
  json["capacity_blocks"] = bounded ? Json(options.cache.blocks_max) : Json(nullptr);
  json["second_half"] = options.second_half;
  add_hits(json, replay);
  return dump(json);
}

std::string to_text(const PromptTrace& trace, const BlockReplayOptions& options,
                    const BlockReplay& replay) {
  const bool bounded = options.cache.eviction != fare::Eviction::kNone;
  std::string text = fmt::format("{} of the input tokens are read from the cache.\n",
                                 percent(replay.rates.front().value));
  text += trace_text(
      trace, replay, options.second_half,
      bounded ? fmt::format("{} with room for {} blocks", to_string(options.cache.eviction),
                            count_text(options.cache.blocks_max))
              : "a cache without bound");
  Table table({"", "hit", "of"});
  table.add({"tokens", tokens_text(replay.hit_tokens), tokens_text(replay.input_tokens)});
  table.add({"blocks", count_text(replay.hit_blocks), count_text(replay.blocks)});
  return text + table.text({}) + rates_text(replay);
}

std::string to_json(const PromptTrace& trace, const RulesAnswer& answer) {
  const fare::CacheRules& rules = *answer.options.choice.rules;
  Json json = trace_json(trace);
  json["rules"] = answer.name;
  json["lifetime"] = rules.lifetimes[answer.options.choice.lifetime].name;
  json["simplified"] = answer.simplified;
  json["rules_from"] = fare::to_rfc3339(rules.from);
  json["rules_source"] = rules.source;
  json["rules_observed"] = rules.observed;
  json["second_half"] = answer.options.second_half;
  json.update(rules_json(answer.replay));
  json["multiple_definition"] =
      "cost of the input under the rules / its cost at the plain input price";
  json["lines"] = lines_json(answer.replay);
  json["limited_tokens"] = answer.replay.limited_tokens;
  add_hits(json, answer.replay.blocks);
  if (answer.longest) {
    json["range"] = {{"shortest_life", rules_json(answer.replay)},
                     {"longest_life", rules_json(*answer.longest)}};
  }
  json["assumptions"] = assumptions(trace, answer.options.choice, answer.simplified);
  return dump(json);
}

std::string to_text(const PromptTrace& trace, const RulesAnswer& answer) {
  const RulesReplay& replay = answer.replay;
  const fare::CacheRules& rules = *answer.options.choice.rules;
  const std::string range =
      answer.longest
          ? fmt::format("{:.4f} to {:.4f}", std::min(replay.multiple, answer.longest->multiple),
                        std::max(replay.multiple, answer.longest->multiple))
          : fmt::format("{:.4f}", replay.multiple);
  std::string text =
      wrapped(fmt::format("Under {}{} the input costs {} of what it costs without a cache.",
                          answer.name, answer.simplified ? " (simplified)" : "", range),
              "");
  text += trace_text(trace, replay.blocks, answer.options.second_half,
                     fmt::format("{} of them read something", count_text(replay.calls_hit)));
  Table table({"", "tokens", "price", "input tokens paid"});
  for (const CacheCostLine& line : replay.lines) {
    const double paid =
        static_cast<double>(line.tokens) * static_cast<double>(line.price_ppm) / 1e6;
    table.add({line.meter, tokens_text(line.tokens), multiple_text(line.price_ppm),
               tokens_text(static_cast<std::int64_t>(paid + 0.5))});
  }
  text += table.text({}) + rates_text(replay.blocks) + "Assumed:\n";
  for (const std::string& one : assumptions(trace, answer.options.choice, answer.simplified)) {
    text += wrapped(one, "  ");
  }
  return text + wrapped(fmt::format("Rules of {}, read {} in {}.",
                                    fare::to_rfc3339(rules.from).substr(0, 10), rules.observed,
                                    rules.source),
                        "  ");
}

}  // namespace routesim
