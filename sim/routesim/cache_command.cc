#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "study/cache_replay.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kCapacityMax = 1'000'000'000;

struct ReplayOptions {
  std::string trace;
  std::string format;
  std::string policy;
  std::int64_t capacity = 0;  // 0: not given.
  std::int64_t block_tokens = 0;
  bool second_half = false;
  bool json = false;
};

// The options, understood.
struct ReplayPlan {
  PromptOptions prompts;
  BlockReplayOptions blocks;
};

fare::Expected<ReplayPlan> make_plan(const ReplayOptions& options) {
  fare::Errors errors;
  const auto note = [&errors](ErrorCode code, const char* where, std::string message) {
    errors.push_back({code, where, std::move(message)});
  };
  ReplayPlan plan;
  const auto format = parse_prompt_format(options.format);
  if (format) plan.prompts.format = *format;
  if (!format) note(format.error()[0].code, "--format", format.error()[0].message);
  const auto policy = fare::parse_eviction(options.policy.empty() ? "none" : options.policy);
  if (policy) plan.blocks.cache.eviction = *policy;
  if (!policy) note(policy.error()[0].code, "--policy", policy.error()[0].message);
  plan.blocks.cache.blocks_max = static_cast<std::uint64_t>(options.capacity);
  plan.blocks.second_half = options.second_half;
  if (policy && *policy == fare::Eviction::kNone && options.capacity > 0) {
    note(ErrorCode::kConflict, "--capacity",
         fmt::format("{} blocks bound nothing under the policy \"none\": name a --policy",
                     options.capacity));
  }
  if (policy && *policy != fare::Eviction::kNone && options.capacity == 0) {
    note(ErrorCode::kMissingKey, "--policy",
         fmt::format("\"{}\" needs --capacity BLOCKS", options.policy));
  }
  if (options.block_tokens > 0) {
    plan.prompts.block_tokens = options.block_tokens;
    if (format && *format != PromptFormat::kMooncake) {
      note(ErrorCode::kConflict, "--block-tokens",
           fmt::format("is for mooncake only: \"{}\" says itself what a block is", options.format));
    }
  }
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  return plan;
}

Json trace_json(const PromptTrace& trace) {
  return {{"trace", trace.name},
          {"format", to_string(trace.format)},
          {"calls", trace.calls.size()},
          {"sessions", trace.sessions.size()},
          {"unique_blocks", trace.unique_blocks}};
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string blocks_json(const PromptTrace& trace, const BlockReplayOptions& options,
                        const BlockReplay& replay) {
  Json json = trace_json(trace);
  const bool bounded = options.cache.eviction != fare::Eviction::kNone;
  json["policy"] = to_string(options.cache.eviction);
  json["capacity_blocks"] = bounded ? Json(options.cache.blocks_max) : Json(nullptr);
  json["second_half"] = options.second_half;
  json["calls_measured"] = replay.measured;
  json["hit_tokens"] = replay.hit_tokens;
  json["input_tokens"] = replay.input_tokens;
  json["hit_blocks"] = replay.hit_blocks;
  json["blocks"] = replay.blocks;
  for (const HitRate& rate : replay.rates) {
    json["rates"][rate.name] = {{"value", rate.value}, {"definition", rate.definition}};
  }
  return dump(json);
}

// Lines of at most 78 columns, the later ones indented.
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

std::string blocks_text(const PromptTrace& trace, const BlockReplayOptions& options,
                        const BlockReplay& replay) {
  const bool bounded = options.cache.eviction != fare::Eviction::kNone;
  std::string text = fmt::format("{} of the input tokens are read from the cache.\n",
                                 percent(replay.rates.front().value));
  text += wrapped(
      fmt::format(
          "{}: {} calls{}, {} distinct blocks; {}", trace.name, count_text(replay.calls),
          options.second_half ? fmt::format(", {} measured", count_text(replay.measured)) : "",
          count_text(trace.unique_blocks),
          bounded ? fmt::format("{} with room for {} blocks.", to_string(options.cache.eviction),
                                count_text(options.cache.blocks_max))
                  : "a cache without bound."),
      "  ");
  Table table({"", "hit", "of"});
  table.add({"tokens", count_text(static_cast<std::uint64_t>(replay.hit_tokens)),
             count_text(static_cast<std::uint64_t>(replay.input_tokens))});
  table.add({"blocks", count_text(replay.hit_blocks), count_text(replay.blocks)});
  text += table.text({}) + "Rates, by definition:\n";
  for (const HitRate& rate : replay.rates) {
    text += fmt::format("  {:<16} {:>9}\n", rate.name, percent(rate.value));
    text += wrapped(rate.definition, "      ");
  }
  return text;
}

int run_replay(const ReplayOptions& options) {
  const fare::Expected<ReplayPlan> plan = make_plan(options);
  if (!plan) return complain(plan.error());
  const fare::Expected<PromptTrace> trace = read_prompt_trace(options.trace, plan->prompts);
  if (!trace) return complain(trace.error());
  const BlockReplay replay = replay_blocks(*trace, plan->blocks);
  const std::string text = options.json ? blocks_json(*trace, plan->blocks, replay)
                                        : blocks_text(*trace, plan->blocks, replay);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

}  // namespace

void add_cache_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* cache = app.add_subcommand("cache", "Ask what prompt caches do for recorded traffic");
  cache->require_subcommand(1);
  CLI::App* replay = cache->add_subcommand(
      "replay", "Send a trace through a prompt cache: how much of the input it reads");
  replay->footer(
      "Examples:\n"
      "  routesim cache replay conversation_trace.jsonl.gz --format mooncake \\\n"
      "      --policy lru-leaf --capacity 10000\n"
      "  routesim cache replay 0_trace.jsonl.gz --format ragpulse --policy fifo \\\n"
      "      --capacity 512 --second-half --json\n"
      "Exit code: 0 done, 2 bad input.");
  replay->add_option("trace", options->trace, "The trace, plain or gzip")->required();
  replay->add_option("--format", options->format, "mooncake, ragpulse or claude-code")->required();
  replay
      ->add_option(
          "--policy", options->policy,
          "What goes when the cache is full:\nlru-flat, lru-leaf, lru-rev (as vLLM), fifo, "
          "lfu,\noptimal (an oracle); default: none, no bound")
      ->type_name("NAME");
  replay->add_option("--capacity", options->capacity, "How many blocks the cache holds")
      ->check(CLI::Range(std::int64_t{1}, kCapacityMax))
      ->type_name("BLOCKS");
  replay
      ->add_option("--block-tokens", options->block_tokens,
                   "Tokens a block in mooncake traces; default: 512")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("TOKENS");
  replay->add_flag("--second-half", options->second_half,
                   "Measure the second half of the calls; the first warms the cache up");
  replay->add_flag("--json", options->json, "Print JSON instead of text");
  replay->callback([options, &exit_code] { exit_code = run_replay(*options); });
}

}  // namespace routesim
