#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "fare/cache_rules.h"
#include "routesim/cache_report.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "study/cache_replay.h"
#include "study/files.h"
#include "study/rules_replay.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::int64_t kCapacityMax = 1'000'000'000;

struct ReplayOptions {
  std::string trace;
  std::string format;
  std::string policy;
  std::string rules;
  std::string at;
  std::int64_t capacity = 0;  // 0: not given.
  std::int64_t block_tokens = 0;
  bool second_half = false;
  bool simplified = false;
  bool json = false;
};

// The options, understood.
struct ReplayPlan {
  PromptOptions prompts;
  BlockReplayOptions blocks;
  std::optional<fare::CacheRuleBook> book;  // If --rules was given; `rules` points into it.
  RulesReplayOptions rules;
};

// Notes problems with options, each with its place.
class Notes {
 public:
  void add(ErrorCode code, std::string where, std::string message) {
    errors_.push_back({code, std::move(where), std::move(message)});
  }

  // The value, or its errors noted; those without a place are given `where`.
  template <class T>
  std::optional<T> take(fare::Expected<T> value, const std::string& where) {
    if (value) return std::move(*value);
    for (fare::Error& error : value.error()) {
      if (error.where.empty()) error.where = where;
      errors_.push_back(std::move(error));
    }
    return std::nullopt;
  }

  fare::Errors& errors() { return errors_; }

 private:
  fare::Errors errors_;
};

// The rules of a file, or of all files of a folder.
fare::Expected<fare::CacheRuleBook> load_rules(const std::string& path) {
  std::vector<std::string> paths = {path};
  if (!path.ends_with(".json")) {
    auto listed = list_folder(path, ".json");
    if (!listed) return tl::unexpected(std::move(listed.error()));
    paths = std::move(*listed);
    std::erase_if(paths, [](const std::string& one) { return one.ends_with("schema.json"); });
  }
  Notes notes;
  std::vector<std::string> texts;
  for (const std::string& one : paths) {
    texts.push_back(notes.take(read_file(one), one).value_or(std::string()));
  }
  if (!notes.errors().empty()) return tl::unexpected(std::move(notes.errors()));
  std::vector<fare::CacheRuleBook::Source> sources;
  for (std::size_t i = 0; i < paths.size(); ++i) sources.push_back({paths[i], texts[i]});
  return fare::CacheRuleBook::parse(sources);
}

// --rules NAME, FILE.json#NAME, or FILE.json if that has one name only.
void plan_rules(const ReplayOptions& options, ReplayPlan& plan, Notes& notes) {
  if (!options.policy.empty() || options.capacity > 0) {
    notes.add(ErrorCode::kConflict, "--rules",
              "a vendor's rules have no --policy and no --capacity: ask for one or the other");
  }
  fare::Instant at = fare::Instant::max();  // The newest.
  if (!options.at.empty()) {
    at = notes.take(fare::parse_instant(options.at), "--at").value_or(at);
  }
  const std::size_t end = options.rules.find(".json");
  const bool is_file = end != std::string::npos;
  const std::string file = is_file ? options.rules.substr(0, end + 5) : shipped_folder("cache");
  std::string name = options.rules;  // A blank in it is as good as a hyphen.
  std::replace(name.begin(), name.end(), ' ', '-');
  if (is_file) name = options.rules.substr(std::min(end + 6, options.rules.size()));
  plan.book = notes.take(load_rules(file), file);
  if (!plan.book) return;
  const std::vector<std::string> names = plan.book->names();
  if (name.empty() && names.size() == 1) name = names.front();
  if (name.empty()) {
    notes.add(ErrorCode::kMissingKey, "--rules",
              fmt::format("{0} has {1} rules: must be {0}#NAME, with a NAME of \"{2}\"", file,
                          names.size(), fmt::join(names, "\", \"")));
    return;
  }
  const auto choice = notes.take(plan.book->find(name, at), "--rules");
  if (choice) plan.rules.choice = *choice;
  plan.rules.second_half = options.second_half;
}

void plan_policy(const ReplayOptions& options, ReplayPlan& plan, Notes& notes) {
  const std::string name = options.policy.empty() ? "none" : options.policy;
  const auto policy = notes.take(fare::parse_eviction(name), "--policy");
  if (!policy) return;
  plan.blocks.cache.eviction = *policy;
  plan.blocks.cache.blocks_max = static_cast<std::uint64_t>(options.capacity);
  plan.blocks.second_half = options.second_half;
  if (*policy == fare::Eviction::kNone && options.capacity > 0) {
    notes.add(ErrorCode::kConflict, "--capacity",
              fmt::format("{} blocks bound nothing under the policy \"none\": name a --policy",
                          options.capacity));
  }
  if (*policy != fare::Eviction::kNone && options.capacity == 0) {
    notes.add(ErrorCode::kMissingKey, "--policy",
              fmt::format("\"{}\" needs --capacity BLOCKS", name));
  }
}

fare::Expected<ReplayPlan> make_plan(const ReplayOptions& options) {
  Notes notes;
  ReplayPlan plan;
  const auto format = notes.take(parse_prompt_format(options.format), "--format");
  if (format) plan.prompts.format = *format;
  if (options.block_tokens > 0) {
    plan.prompts.block_tokens = options.block_tokens;
    if (format && *format != PromptFormat::kMooncake) {
      notes.add(ErrorCode::kConflict, "--block-tokens",
                fmt::format("is for mooncake only: {} traces say what a block is", options.format));
    }
  }
  if (!options.rules.empty()) {
    plan_rules(options, plan, notes);
  } else {
    plan_policy(options, plan, notes);
    const char* const alone = options.simplified ? "--simplified" : "--at";
    if (options.simplified || !options.at.empty()) {
      notes.add(ErrorCode::kMissingKey, alone, "says something about --rules: name them");
    }
  }
  if (!notes.errors().empty()) return tl::unexpected(std::move(notes.errors()));
  return plan;
}

RulesAnswer ask_rules(const PromptTrace& trace, const ReplayPlan& plan,
                      const ReplayOptions& options) {
  RulesAnswer answer{.name = options.rules,
                     .options = plan.rules,
                     .simplified = options.simplified,
                     .replay = {},
                     .longest = {}};
  const fare::CacheChoice& choice = plan.rules.choice;
  const fare::CacheLifetime& lifetime = choice.rules->lifetimes[choice.lifetime];
  if (options.simplified) {
    answer.replay = replay_simplified(trace, plan.rules);
    return answer;
  }
  answer.replay = replay_rules(trace, plan.rules);
  if (lifetime.ttl_max != lifetime.ttl) {
    RulesReplayOptions longest = plan.rules;
    longest.life = 1;
    answer.longest = replay_rules(trace, longest);
  }
  return answer;
}

int run_replay(const ReplayOptions& options) {
  const fare::Expected<ReplayPlan> plan = make_plan(options);
  if (!plan) return complain(plan.error());
  const fare::Expected<PromptTrace> trace = read_prompt_trace(options.trace, plan->prompts);
  if (!trace) return complain(trace.error());
  std::string text;
  if (plan->book) {
    const std::string why =
        options.simplified ? why_not_simplified(*trace, *plan->rules.choice.rules) : "";
    if (!why.empty()) return complain({{ErrorCode::kConflict, "--simplified", why}});
    const RulesAnswer answer = ask_rules(*trace, *plan, options);
    text = options.json ? to_json(*trace, answer) : to_text(*trace, answer);
  } else {
    const std::string why = why_too_big(*trace, plan->blocks.cache.eviction);
    if (!why.empty()) return complain({{ErrorCode::kOutOfRange, trace->name, why}});
    const BlockReplay replay = replay_blocks(*trace, plan->blocks);
    text = options.json ? to_json(*trace, plan->blocks, replay)
                        : to_text(*trace, plan->blocks, replay);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

void add_replay_options(CLI::App& replay, ReplayOptions& options) {
  replay.add_option("trace", options.trace, "The trace, plain or gzip")->required();
  replay.add_option("--format", options.format, "mooncake, ragpulse or claude-code")
      ->required()
      ->type_name("NAME");
  replay
      .add_option("--policy", options.policy,
                  "What goes when the cache is full:\nlru-flat, lru-leaf, lru-rev (as vLLM), fifo, "
                  "lfu,\noptimal (an oracle); default: none, no bound")
      ->type_name("NAME");
  replay.add_option("--capacity", options.capacity, "How many blocks the cache holds")
      ->check(CLI::Range(std::int64_t{1}, kCapacityMax))
      ->type_name("BLOCKS");
  replay
      .add_option("--rules", options.rules,
                  "A vendor's rules instead: anthropic-5m,\nanthropic-1h, openai-5.6, "
                  "openai-128-24h, deepseek,\ngemini-implicit, infinite, ..., or FILE.json#NAME")
      ->type_name("NAME");
  replay.add_option("--at", options.at, "The rules in force at this instant;\ndefault: the newest")
      ->type_name("INSTANT");
  replay.add_flag("--simplified", options.simplified,
                  "The simplified model of the rules,\nby which vendors are compared");
  replay
      .add_option("--block-tokens", options.block_tokens,
                  "Tokens a block in mooncake traces; default: 512")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("TOKENS");
  replay.add_flag("--second-half", options.second_half,
                  "Measure the second half of the calls;\nthe first warms the cache up");
  replay.add_flag("--json", options.json, "Print JSON instead of text");
}

}  // namespace

void add_cache_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* cache = app.add_subcommand("cache", "Ask what prompt caches do for recorded traffic");
  cache->footer(
      "Examples:\n"
      "  routesim cache replay sessions.jsonl.gz --format claude-code --rules anthropic-1h");
  cache->require_subcommand(1);
  CLI::App* replay = cache->add_subcommand(
      "replay", "Send a trace through a prompt cache: how much of the input it reads");
  replay->footer(
      "Examples:\n"
      "  routesim cache replay conversation_trace.jsonl.gz --format mooncake \\\n"
      "      --policy lru-leaf --capacity 10000\n"
      "  routesim cache replay sessions.jsonl.gz --format claude-code --rules anthropic-1h\n"
      "  routesim cache replay sessions.jsonl.gz --format claude-code --rules openai-5.6 \\\n"
      "      --simplified --json\n"
      "Exit code: 0 done, 2 bad input.");
  add_replay_options(*replay, *options);
  replay->callback([options, &exit_code] { exit_code = run_replay(*options); });
}

}  // namespace routesim
