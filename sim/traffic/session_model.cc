#include "traffic/session_model.h"

#include <fmt/format.h>

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
constexpr double kSecondsMax = 1e6;      // A thousand of them are no century.
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
  reader.finish();
  return agents;
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
  reader.required("think_seconds", sessions.think_seconds, bounded(false, kSecondsMax));
  read_tokens(reader, "system_tokens", 0, fare::kTokensMax.count(), sessions.system_tokens);
  read_tokens(reader, "block_tokens", 1, kBlockTokensMax, sessions.block_tokens);
  read_tokens(reader, "context_max_tokens", 1, fare::kTokensMax.count(), sessions.context_max);
  Tokens max_output;
  read_tokens(reader, "max_output_tokens", 1, fare::kTokensMax.count(), max_output);
  if (max_output.count() > 0) sessions.max_output = max_output;
  SubAgentModel agents;
  if (reader.optional("sub_agents", agents, read_agents)) {
    const double sequences = agents.count.greatest() * sessions.turns.greatest();
    if (agents.turn_share > 0 && sequences > kSequencesMax) {
      node.member("sub_agents")
          .problem(ErrorCode::kOutOfRange,
                   fmt::format("can be up to {:.0f} in a session (count times turns), but there "
                               "may be {:.0f}",
                               sequences, kSequencesMax));
    }
    sessions.agents = std::move(agents);
  }
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
