#include "traffic/session_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;
using fare::Tokens;

constexpr double kTurnsMax = 1'000;
constexpr double kAgentsMax = 64;
constexpr double kSequencesMax = 1'023;  // An index has ten bits for them.
constexpr double kSizeShareMax = 100;
constexpr std::size_t kLimitsMax = 100;
constexpr double kSecondsMax = 1e6;  // A thousand of them are no century.
constexpr std::int64_t kBlocksMax = 65'535;
constexpr std::int64_t kBlockTokensMax = 1'000'000;

// A distribution within (0, max] for counts, within [0, max] for times.
fare::JsonParser<Distribution> bounded(bool is_count, double max) {
  return [is_count, max](const JsonNode& node) -> std::optional<Distribution> {
    std::optional<Distribution> distribution = read_distribution(node);
    if (!distribution) return std::nullopt;
    const bool is_good =
        distribution->greatest() <= max && (!is_count || distribution->least() > 0);
    if (is_good) return distribution;
    node.problem(ErrorCode::kOutOfRange,
                 fmt::format("must be {}at most {:.0f}, but can be from {:.3g} to {:.3g}; give it "
                             "a \"min\" and a \"max\"",
                             is_count ? "above 0 and " : "", max, distribution->least(),
                             distribution->greatest()));
    return std::nullopt;
  };
}

std::optional<SubAgentModel> read_agents(const JsonNode& node) {
  ObjectReader reader(node);
  SubAgentModel agents;
  reader.required("turn_share", agents.turn_share, fare::json::number(0, 1));
  reader.optional("count", agents.count, bounded(true, kAgentsMax));
  reader.optional("turns", agents.turns, bounded(true, kTurnsMax));
  reader.optional("pause_seconds", agents.pause_seconds, bounded(false, kSecondsMax));
  Distribution context;
  const auto lengths = bounded(true, static_cast<double>(fare::kTokensMax.count()));
  if (reader.optional("context_tokens", context, lengths)) {
    agents.context_tokens = std::move(context);
  }
  reader.finish();
  return agents;
}

// The limit of a list's item, which the last one alone goes without.
void read_limit(ObjectReader& reader, Tokens& up_to) {
  std::int64_t limit = 0;
  if (!reader.optional("up_to_tokens", limit,
                       fare::json::integer(1, fare::kTokensMax.count() - 1))) {
    return;
  }
  up_to = Tokens(limit);
}

std::optional<RewriteModel> read_rewrite(const JsonNode& node) {
  ObjectReader reader(node);
  RewriteModel rewrite;
  read_limit(reader, rewrite.up_to);
  reader.required("turn_share", rewrite.turn_share, fare::json::number(0, 1));
  reader.optional("size_share", rewrite.size_share, bounded(false, kSizeShareMax));
  reader.optional("kept_share", rewrite.kept_share, bounded(false, 1));
  reader.finish();
  return rewrite;
}

std::optional<TurnsByPrompt> read_turns(const JsonNode& node) {
  ObjectReader reader(node);
  TurnsByPrompt turns;
  read_limit(reader, turns.up_to);
  reader.required("turns", turns.turns, bounded(true, kTurnsMax));
  reader.finish();
  return turns;
}

// A list whose limits rise to none.
template <class T>
fare::JsonParser<std::vector<T>> by_length(fare::JsonParser<T> item) {
  return [item](const JsonNode& node) -> std::optional<std::vector<T>> {
    auto list = fare::json::list(item, 1, kLimitsMax)(node);
    if (!list) return std::nullopt;
    bool rises = list->back().up_to == fare::kTokensMax;
    for (std::size_t i = 1; i < list->size(); ++i) {
      rises = rises && (*list)[i - 1].up_to < (*list)[i].up_to;
    }
    if (rises) return list;
    node.problem(ErrorCode::kConflict,
                 "must have \"up_to_tokens\" in all items but the last one, rising");
    return std::nullopt;
  };
}

// How many sub-agents the longest session may have: six standard deviations above the mean.
double most_agents(const SubAgentModel& agents, double turns) {
  const double mean = turns * agents.turn_share;
  const double fans = std::min(turns, mean + 6 * std::sqrt(mean * (1 - agents.turn_share)));
  return fans * std::ceil(agents.count.greatest());
}

void read_tokens(ObjectReader& reader, std::string_view key, std::int64_t min, std::int64_t max,
                 Tokens& tokens) {
  std::int64_t count = 0;
  if (reader.optional(key, count, fare::json::integer(min, max))) tokens = Tokens(count);
}

}  // namespace

std::optional<SessionModel> read_sessions(const JsonNode& node) {
  ObjectReader reader(node);
  if (!reader.ok()) return std::nullopt;
  SessionModel sessions;
  reader.required("turns", sessions.turns, bounded(true, kTurnsMax));
  reader.optional("turns_by_prompt", sessions.turns_by_prompt,
                  by_length<TurnsByPrompt>(read_turns));
  reader.required("think_seconds", sessions.think_seconds, bounded(false, kSecondsMax));
  read_tokens(reader, "system_tokens", 0, fare::kTokensMax.count(), sessions.system_tokens);
  read_tokens(reader, "block_tokens", 1, kBlockTokensMax, sessions.block_tokens);
  read_tokens(reader, "context_max_tokens", 1, fare::kTokensMax.count(), sessions.context_max);
  Tokens max_output;
  read_tokens(reader, "max_output_tokens", 1, fare::kTokensMax.count(), max_output);
  if (max_output.count() > 0) sessions.max_output = max_output;
  SubAgentModel agents;
  if (reader.optional("sub_agents", agents, read_agents)) {
    double turns = sessions.turns.greatest();
    for (const TurnsByPrompt& one : sessions.turns_by_prompt) {
      turns = std::max(turns, one.turns.greatest());
    }
    const double most = most_agents(agents, std::ceil(turns));
    if (most > kSequencesMax) {
      node.member("sub_agents")
          .problem(ErrorCode::kOutOfRange,
                   fmt::format("can be up to {:.0f} in a session of {:.0f} turns, but there may be "
                               "{:.0f}",
                               most, turns, kSequencesMax));
    }
    sessions.agents = std::move(agents);
  }
  Distribution new_tokens;
  const auto lengths = bounded(true, static_cast<double>(fare::kTokensMax.count()));
  if (reader.optional("new_tokens", new_tokens, lengths)) {
    sessions.new_tokens = std::move(new_tokens);
  }
  reader.optional("rewrites", sessions.rewrites, by_length<RewriteModel>(read_rewrite));
  reader.finish();
  if (sessions.context_max.count() / sessions.block_tokens.count() > kBlocksMax) {
    node.problem(
        ErrorCode::kConflict,
        fmt::format("must have at most {} blocks in \"context_max_tokens\": {} tokens of "
                    "{} each are more",
                    kBlocksMax, sessions.context_max.count(), sessions.block_tokens.count()));
  }
  if (sessions.system_tokens > sessions.context_max) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("must have \"system_tokens\" of at most \"context_max_tokens\", but "
                             "has {} and {}",
                             sessions.system_tokens.count(), sessions.context_max.count()));
  }
  return sessions;
}

}  // namespace routesim
