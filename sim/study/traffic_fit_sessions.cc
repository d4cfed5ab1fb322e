#include "study/traffic_fit_sessions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "fare/check.h"
#include "study/cache_replay.h"
#include "study/traffic_fit_laws.h"

namespace routesim {
namespace {

using fare::BlockList;
using Json = nlohmann::ordered_json;

constexpr double kThinkMax = 1e6;  // Seconds; all these as read_sessions() has them.
constexpr double kTurnsMax = 1'000;
constexpr double kAgentsMax = 64;
constexpr double kSizeShareMax = 100;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr std::int64_t kBlocksMax = 65'535;
constexpr std::size_t kTurnGroups = 5;  // By the first prompt, if each has so many sessions.
constexpr std::size_t kSessionsMin = 20;
constexpr std::size_t kRewriteGroups = 10;  // By what was said, if each has so many turns;
constexpr std::size_t kRewriteTurnsMin = 300;
constexpr std::size_t kRewritesMin = 10;   // with fewer rewrites it has the sizes of all.
constexpr std::int64_t kBlockTokens = 64;  // Where a recording does not tell.

double seconds(fare::Duration time) { return static_cast<double>(time.count()) / 1e9; }
double number(fare::Tokens tokens) { return static_cast<double>(tokens.count()); }

// How many leading blocks two prompts share.
std::uint64_t shared_blocks(BlockList a, BlockList b) {
  std::uint64_t shared = 0;
  std::size_t i = 0, j = 0;
  std::uint64_t into_a = 0, into_b = 0;
  while (i < a.size() && j < b.size() && a[i].first + into_a == b[j].first + into_b) {
    const std::uint64_t step = std::min(a[i].count - into_a, b[j].count - into_b);
    shared += step;
    into_a += step;
    into_b += step;
    if (into_a == a[i].count) ++i, into_a = 0;
    if (into_b == b[j].count) ++j, into_b = 0;
  }
  return shared;
}

// The value, or the nearest in [min, max], which is then noted.
double within_limits(double value, double min, double max, std::vector<Cut>& cuts) {
  const double to = std::clamp(value, min, max);
  if (to == value) return value;
  const auto same =
      std::find_if(cuts.begin(), cuts.end(), [to](const Cut& one) { return one.to == to; });
  if (same == cuts.end()) {
    cuts.push_back({value, to});
    return to;
  }
  ++same->values;
  if (std::abs(value - to) > std::abs(same->from - to)) same->from = value;
  return to;
}

// A prompt that did not go on from what was said.
struct Rewrite {
  double said, input, kept;
};

class Sampler {
 public:
  explicit Sampler(bool by_blocks) : by_blocks_(by_blocks) {}

  void first(double input) { sample.first_tokens.push_back(input); }

  // `kept`: of the prompt before, in tokens; nothing if that is unknown.
  void later(double before, double answer, double input, std::optional<double> kept,
             double block_tokens) {
    const double said = before + answer;
    sample.said.push_back(said);
    const bool is_rewrite = kept && by_blocks_ ? before - *kept > 2 * block_tokens : input <= said;
    if (is_rewrite) {
      rewrites_.push_back({said, input, by_blocks_ ? kept.value_or(said) : said});
    } else {
      sample.new_tokens.push_back(within_limits(input - said, 1, kNoLimit, sample.new_token_cuts));
    }
  }

  void any(fare::Tokens input, fare::Tokens output) {
    sample.input_tokens.push_back(number(input));
    sample.output_tokens.push_back(std::max(1.0, number(output)));
    sample.input_max = std::max(sample.input_max, input.count());
  }

  // A rewritten prompt has new text too, as much as others on average.
  SessionSample finish() {
    const double text = sample.new_tokens.empty() ? 1 : mean_of(sample.new_tokens);
    for (const Rewrite& one : rewrites_) {
      sample.size_shares.push_back(
          within_limits((one.input - text) / one.said, 0, kSizeShareMax, sample.size_cuts));
      sample.kept_shares.push_back(within_limits(one.kept / one.said, 0, 1, sample.kept_cuts));
      sample.rewritten.push_back(one.said);
    }
    for (double& context : sample.agent_contexts) {
      context = within_limits(context - text, 1, kNoLimit, sample.context_cuts);
    }
    return std::move(sample);
  }

  SessionSample sample;

 private:
  bool by_blocks_;
  std::vector<Rewrite> rewrites_;
};

// One session's calls, by its sub-agents.
class SessionReader {
 public:
  SessionReader(const PromptTrace& trace, Sampler& sampler) : trace_(trace), sampler_(sampler) {}

  void add(const PromptCall& call) {
    SessionSample& sample = sampler_.sample;
    sampler_.any(call.input, call.output);
    sample.block_tokens = std::max(sample.block_tokens, call.block_tokens.count());
    const auto [place, is_new] = last_.try_emplace(call.agent, &call);
    if (is_new && call.agent == 0) {
      sampler_.first(number(call.input));
    } else if (is_new) {
      begin_agent(call);
    } else {
      go_on(*place->second, call);
    }
    place->second = &call;
    ++turns_[call.agent];
    if (call.agent != 0) return;
    end_fan();
    setter_ = &call;
  }

  void finish() {
    end_fan();
    SessionSample& sample = sampler_.sample;
    for (const auto& [agent, turns] : turns_) {
      (agent == 0 ? sample.turns : sample.agent_turns).push_back(turns);
    }
  }

 private:
  void begin_agent(const PromptCall& call) {
    ++fan_;
    SessionSample& sample = sampler_.sample;
    sample.agent_contexts.push_back(number(call.input));
    if (setter_ == nullptr || call.blocks == 0) return;
    const auto shared = shared_blocks(trace_.blocks(*setter_), trace_.blocks(call));
    const double kept = static_cast<double>(shared) / static_cast<double>(call.blocks);
    sample.agent_kept +=
        (kept - sample.agent_kept) / static_cast<double>(sample.agent_contexts.size());
  }

  void go_on(const PromptCall& before, const PromptCall& call) {
    std::optional<double> kept;
    if (before.blocks > 0) {
      // What is no whole block is in the next one.
      const std::uint64_t shared = shared_blocks(trace_.blocks(before), trace_.blocks(call));
      kept = shared == before.blocks ? number(before.input)
                                     : static_cast<double>(shared) * number(call.block_tokens);
    }
    sampler_.later(number(before.input), std::max(1.0, number(before.output)), number(call.input),
                   kept, number(call.block_tokens));
    const double think = std::max(0.0, seconds(call.think));
    (call.agent == 0 ? sampler_.sample.think_seconds : sampler_.sample.agent_pauses)
        .push_back(think);
  }

  void end_fan() {
    if (fan_ > 0) sampler_.sample.agents.push_back(fan_);
    fan_ = 0;
  }

  const PromptTrace& trace_;
  Sampler& sampler_;
  std::map<std::uint32_t, const PromptCall*> last_;
  std::map<std::uint32_t, double> turns_;
  const PromptCall* setter_ = nullptr;
  double fan_ = 0;
};

std::int64_t block_of(const SessionSample& sample) {
  return sample.block_tokens > 0 ? sample.block_tokens : kBlockTokens;
}

double greatest(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Limits that part the values into groups of equal number; equal values stay together.
std::vector<double> limits_of(std::vector<double> values, std::size_t groups) {
  std::sort(values.begin(), values.end());
  std::vector<double> limits;
  for (std::size_t group = 1; group < groups; ++group) {
    const double limit = std::floor(values[group * values.size() / groups]);
    if (limit >= 1 && limit < values.back() && (limits.empty() || limit > limits.back())) {
      limits.push_back(limit);
    }
  }
  return limits;
}

// The values whose companion is above `low` and at most `high`.
std::vector<double> within(const std::vector<double>& values, const std::vector<double>& by,
                           double low, double high) {
  std::vector<double> some;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (by[i] > low && by[i] <= high) some.push_back(values[i]);
  }
  return some;
}

// Calls add(low, high, item) for each group, and ends the list's items with their limits.
template <class Add>
Json by_limits(const std::vector<double>& limits, const Add& add) {
  Json list = Json::array();
  double low = 0;
  for (std::size_t i = 0; i <= limits.size(); ++i) {
    Json item = Json::object();
    const bool is_last = i == limits.size();
    const double high = is_last ? std::numeric_limits<double>::infinity() : limits[i];
    if (!is_last) item["up_to_tokens"] = static_cast<std::int64_t>(high);
    add(low, high, item);
    list.push_back(std::move(item));
    low = high;
  }
  return list;
}

Json turns_by_prompt(const SessionSample& sample, const TrafficFitOptions& options) {
  std::vector<LengthFit> unused;
  return by_limits(
      limits_of(sample.first_tokens, kTurnGroups), [&](double low, double high, Json& item) {
        auto turns = within(sample.turns, sample.first_tokens, low, high);
        if (turns.empty()) turns = sample.turns;
        item["turns"] = fit_law("turns", std::move(turns), LawKind::kCount, options, unused);
      });
}

Json rewrites_by_length(const SessionSample& sample, const TrafficFitOptions& options) {
  const std::size_t groups =
      std::clamp<std::size_t>(sample.said.size() / kRewriteTurnsMin, 1, kRewriteGroups);
  std::vector<LengthFit> unused;
  return by_limits(limits_of(sample.said, groups), [&](double low, double high, Json& item) {
    const std::size_t turns = within(sample.said, sample.said, low, high).size();
    auto sizes = within(sample.size_shares, sample.rewritten, low, high);
    auto kept = within(sample.kept_shares, sample.rewritten, low, high);
    item["turn_share"] = rounded(share(sizes.size(), turns));
    if (sizes.size() < kRewritesMin) {
      sizes = sample.size_shares;
      kept = sample.kept_shares;
    }
    item["size_share"] = fit_law("size", std::move(sizes), LawKind::kNumber, options, unused);
    item["kept_share"] = fit_law("kept", std::move(kept), LawKind::kNumber, options, unused);
  });
}

}  // namespace

SessionSample sample_sessions(const PromptTrace& trace, bool by_blocks) {
  Sampler sampler(by_blocks);
  for (std::size_t i = 0; i < trace.calls.size();) {
    SessionReader session(trace, sampler);
    const std::uint32_t number = trace.calls[i].session;
    for (; i < trace.calls.size() && trace.calls[i].session == number; ++i) {
      session.add(trace.calls[i]);
    }
    session.finish();
  }
  return sampler.finish();
}

SessionSample sample_sessions(const Trace& trace) {
  Sampler sampler(false);
  std::map<std::uint32_t, std::pair<std::size_t, const TraceRow*>> last;  // Place in turns, row.
  for (const TraceRow& row : trace.rows) {
    sampler.any(row.input, row.output);
    const auto known = last.find(row.session);
    if (row.session == kUnnamed || known == last.end()) {
      if (row.session != kUnnamed) last[row.session] = {sampler.sample.turns.size(), &row};
      sampler.first(number(row.input));
      sampler.sample.turns.push_back(1);
      continue;
    }
    auto& [place, before] = known->second;
    ++sampler.sample.turns[place];
    sampler.sample.think_seconds.push_back(seconds(row.at - before->at));
    sampler.later(number(before->input), number(before->output), number(row.input), std::nullopt,
                  0);
    before = &row;
  }
  return sampler.finish();
}

bool can_be_source(const SessionSample& sample) {
  return !sample.think_seconds.empty() && !sample.new_tokens.empty() &&
         greatest(sample.think_seconds) <= kThinkMax && greatest(sample.turns) <= kTurnsMax &&
         greatest(sample.agents) <= kAgentsMax && greatest(sample.agent_turns) <= kTurnsMax &&
         greatest(sample.agent_pauses) <= kThinkMax;
}

std::optional<Cut> context_cut(const SessionSample& sample) {
  const std::int64_t most = block_of(sample) * kBlocksMax;
  if (sample.input_max <= most) return std::nullopt;
  return Cut{static_cast<double>(sample.input_max), static_cast<double>(most)};
}

Json fit_sessions(const SessionSample& sample, const TrafficFitOptions& options,
                  std::vector<LengthFit>& fits) {
  FARE_CHECK(can_be_source(sample));
  const auto law = [&](const char* name, const std::vector<double>& values, LawKind kind,
                       const std::vector<Cut>& cuts = {}) {
    Json one = fit_law(name, values, kind, options, fits);
    fits.back().cuts = cuts;
    return one;
  };
  Json json = {
      {"turns", law("turns", sample.turns, LawKind::kCount)},
      {"think_seconds", law("think_seconds", sample.think_seconds, LawKind::kNumber)},
      {"new_tokens", law("new_tokens", sample.new_tokens, LawKind::kCount, sample.new_token_cuts)}};
  const std::int64_t block = block_of(sample);
  json["block_tokens"] = block;
  json["context_max_tokens"] =
      std::min(std::max(sample.input_max, std::int64_t{200'000}), block * kBlocksMax);
  if (!sample.agents.empty()) {
    const double main_turns = std::accumulate(sample.turns.begin(), sample.turns.end(), 0.0);
    Json agents = {{"turn_share", rounded(static_cast<double>(sample.agents.size()) / main_turns)},
                   {"count", law("sub_agents", sample.agents, LawKind::kCount)},
                   {"turns", law("sub_agents' turns", sample.agent_turns, LawKind::kCount)}};
    if (!sample.agent_pauses.empty()) {
      agents["pause_seconds"] = law("sub_agents' pauses", sample.agent_pauses, LawKind::kNumber);
    }
    if (sample.agent_kept < 0.5) {
      agents["context_tokens"] =
          law("sub_agents' contexts", sample.agent_contexts, LawKind::kCount, sample.context_cuts);
    }
    json["sub_agents"] = std::move(agents);
  }
  if (sample.turns.size() >= kTurnGroups * kSessionsMin) {
    json["turns_by_prompt"] = turns_by_prompt(sample, options);
  }
  if (!sample.size_shares.empty()) {
    law("rewrites' sizes", sample.size_shares, LawKind::kNumber, sample.size_cuts);
    law("rewrites' kept", sample.kept_shares, LawKind::kNumber, sample.kept_cuts);
    json["rewrites"] = rewrites_by_length(sample, options);
  }
  return json;
}

std::vector<SessionPart> compare_samples(const SessionSample& recorded,
                                         const SessionSample& played) {
  std::vector<SessionPart> parts;
  const auto add = [&](const char* name, const std::vector<double>& a,
                       const std::vector<double>& b) {
    if (a.empty() || b.empty()) return;
    parts.push_back({name, mean_of(a), mean_of(b), distance(a, b)});
  };
  add("turns", recorded.turns, played.turns);
  add("prompts", recorded.input_tokens, played.input_tokens);
  add("answers", recorded.output_tokens, played.output_tokens);
  add("first prompts", recorded.first_tokens, played.first_tokens);
  add("new text", recorded.new_tokens, played.new_tokens);
  add("think seconds", recorded.think_seconds, played.think_seconds);
  add("sub-agents", recorded.agents, played.agents);
  add("sub-agents' turns", recorded.agent_turns, played.agent_turns);
  add("rewrites' sizes", recorded.size_shares, played.size_shares);
  add("rewrites' kept", recorded.kept_shares, played.kept_shares);
  const auto rewrites = [](const SessionSample& sample) {
    return share(sample.size_shares.size(), sample.said.size());
  };
  parts.push_back({"rewrites' share", rewrites(recorded), rewrites(played), std::nullopt});
  return parts;
}

double reuse_of(const PromptTrace& trace) {
  const BlockReplay replay = replay_blocks(trace, {});
  if (replay.input_tokens == 0) return 0;
  return static_cast<double>(replay.hit_tokens) / static_cast<double>(replay.input_tokens);
}

}  // namespace routesim
