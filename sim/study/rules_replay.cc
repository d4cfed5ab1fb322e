#include "study/rules_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "fare/cache_scope.h"
#include "study/prompt_history.h"

namespace routesim {
namespace {

using fare::CachePosition;
using fare::CacheRules;
using fare::CacheUnit;
using fare::Duration;
using fare::Instant;
using fare::Tokens;

constexpr Duration kFirstTokenMax = std::chrono::milliseconds(2'500);
constexpr Duration kFirstTokenUnknown = std::chrono::seconds(2);
constexpr std::uint64_t kSimplifiedMinimum = 16;  // Blocks.
constexpr std::uint64_t kCommonItems = 2;         // Tools and system prompt.
constexpr std::size_t kAncestorsMax = 60;

// How long until others can read what a call wrote.
Duration first_token_of(const PromptCall& call) {
  if (call.first_token != kUnrecorded) return call.first_token;
  const bool known = call.answer > Duration(0);
  return std::min(known ? call.answer : kFirstTokenUnknown, kFirstTokenMax);
}

// A session's calls: a range of the trace.
struct SessionRange {
  std::size_t begin;
  std::size_t end;
};

std::vector<SessionRange> sessions_of(const PromptTrace& trace) {
  std::vector<SessionRange> sessions;
  for (std::size_t i = 0; i < trace.calls.size(); ++i) {
    if (sessions.empty() || trace.calls[i].session != trace.calls[i - 1].session) {
      sessions.push_back({i, i});
    }
    sessions.back().end = i + 1;
  }
  return sessions;
}

std::vector<std::size_t> by_time(const PromptTrace& trace, const SessionRange& session,
                                 Duration PromptCall::*at) {
  std::vector<std::size_t> order;
  for (std::size_t i = session.begin; i < session.end; ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return trace.calls[a].*at < trace.calls[b].*at;
  });
  return order;
}

// Where the positions of prompts end, for traces that only tell how many items a call added: what
// it shares with the call it continues keeps that one's positions, and the new items end evenly
// spread over the rest.  Without sessions every block is a position.
class Positions {
 public:
  explicit Positions(const PromptTrace& trace) : trace_(trace) {}

  const std::vector<CachePosition>& of(std::size_t number) {
    const PromptCall& call = trace_.calls[number];
    if (trace_.format != PromptFormat::kClaudeCode) {
      positions_.clear();
      for (std::uint64_t n = 0; n <= full_blocks(call); ++n) add(call, n, positions_);
      return positions_;
    }
    const auto [before, shared] = ancestor(call);
    Known known{.call = number, .positions = {}};
    std::uint64_t items = kCommonItems + call.input_items;
    if (before != nullptr) {
      items = trace_.calls[before->call].output_items + std::uint64_t{call.input_items};
      for (const CachePosition& position : before->positions) {
        if (position.blocks <= shared) known.positions.push_back(position);
      }
    }
    items = std::max<std::uint64_t>(items, 1);
    for (std::uint64_t i = 1; i <= items; ++i) {
      add(call, shared + (call.blocks - shared) * i / items, known.positions);
    }
    if (known_.size() == kAncestorsMax) known_.erase(known_.begin());
    known_.push_back(std::move(known));
    return known_.back().positions;
  }

 private:
  struct Known {
    std::size_t call;
    std::vector<CachePosition> positions;
  };

  static void add(const PromptCall& call, std::uint64_t blocks, std::vector<CachePosition>& out) {
    out.push_back({blocks, Tokens(tokens_of(call, blocks))});
  }

  // The earlier call that shares most, of equals the latest, and how many blocks.
  std::pair<const Known*, std::uint64_t> ancestor(const PromptCall& call) const {
    const Known* best = nullptr;
    std::uint64_t shared = 0;
    for (auto known = known_.rbegin(); known != known_.rend(); ++known) {
      const std::uint64_t common =
          fare::common_prefix(trace_.blocks(trace_.calls[known->call]), trace_.blocks(call));
      if (common <= shared) continue;
      best = &*known;
      shared = common;
    }
    return {best, shared};
  }

  const PromptTrace& trace_;
  std::vector<Known> known_;
  std::vector<CachePosition> positions_;
};

std::vector<CacheCostLine> lines_of(const CacheRules& rules, const fare::CacheBill& bill) {
  std::vector<CacheCostLine> lines;
  lines.push_back({"cache_read", bill.read.count(), rules.read_ppm});
  for (std::size_t i = 0; i < rules.lifetimes.size(); ++i) {
    if (bill.written[i] == Tokens()) continue;
    lines.push_back({fmt::format("cache_write_{}", rules.lifetimes[i].name),
                     bill.written[i].count(), rules.lifetimes[i].write_ppm});
  }
  lines.push_back({"input", bill.plain.count(), 1'000'000});
  return lines;
}

// Adds up what is billed.
class BillTally {
 public:
  void add(const PromptCall& call, const fare::CacheAnswer& answer) {
    hits_.add(call, answer.hit_blocks, answer.bill.read.count());
    replay_.calls_hit += answer.bill.read > Tokens() ? 1 : 0;
    replay_.limited_tokens += answer.limited.count();
    total_.read += answer.bill.read;
    total_.plain += answer.bill.plain;
    for (std::size_t i = 0; i < total_.written.size(); ++i) {
      total_.written[i] += answer.bill.written[i];
    }
  }

  RulesReplay finish(const PromptTrace& trace, const RulesReplayOptions& options) {
    replay_.blocks = hits_.finish(trace.calls.size(), options.second_half);
    replay_.read_tokens = total_.read.count();
    replay_.new_tokens = (total_.all_written() + total_.plain).count();
    replay_.lines = lines_of(*options.choice.rules, total_);
    replay_.multiple = cost_multiple(replay_.lines);
    return std::move(replay_);
  }

 private:
  HitTally hits_;
  RulesReplay replay_;
  fare::CacheBill total_;
};

// One session through one cache.
class SessionReplay {
 public:
  SessionReplay(const PromptTrace& trace, const RulesReplayOptions& options)
      : trace_(trace),
        options_(options),
        rules_(*options.choice.rules),
        cache_(rules_),
        spread_(rules_.overflow_per_minute),
        positions_(trace) {}

  fare::CacheAnswer call(std::size_t number) {
    const PromptCall& call = trace_.calls[number];
    const std::string_view model =
        call.model < trace_.models.size() ? trace_.models[call.model] : std::string_view();
    const Instant now(call.at);
    fare::CacheCaller caller{.model = model};
    if (call.runs > 0) {
      const std::uint64_t first = trace_.blocks(call).front().first;
      caller.machine = spread_.place(first ^ fare::cache_scope(rules_, caller), now);
    }
    fare::CachePrompt prompt{.scope = fare::cache_scope(rules_, caller),
                             .blocks = blocks_of(call),
                             .input = call.weight,
                             .block_tokens = call.block_tokens,
                             .minimum = rules_.minimum_for(model),
                             .positions = {},
                             .breakpoints = {},
                             .lifetime = options_.choice.lifetime,
                             .life = options_.life};
    if (rules_.unit == CacheUnit::kBreakpoints) prompt.positions = positions_.of(number);
    const fare::CacheAnswer answer = cache_.begin(prompt, now);
    cache_.store(prompt, now, now + first_token_of(call));
    return answer;
  }

 private:
  // An entry at the end of a prompt would end within its last block, which no other prompt has; so
  // where entries are read whole, they end with the last block that is full.
  fare::BlockList blocks_of(const PromptCall& call) {
    const fare::BlockList all = trace_.blocks(call);
    if (rules_.unit == CacheUnit::kAnyPrefix || full_blocks(call) == call.blocks) return all;
    whole_.assign(all.begin(), all.end());
    if (--whole_.back().count == 0) whole_.pop_back();
    return whole_;
  }

  const PromptTrace& trace_;
  const RulesReplayOptions& options_;
  const CacheRules& rules_;
  std::vector<fare::BlockRun> whole_;
  fare::PromptCache cache_;
  fare::MachineSpread spread_;
  Positions positions_;
};

std::string seconds_text(Duration span) {
  return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(span).count());
}

}  // namespace

double cost_multiple(const std::vector<CacheCostLine>& lines) {
  fare::Int128 cost = 0;
  fare::Int128 tokens = 0;
  for (const CacheCostLine& line : lines) {
    cost += static_cast<fare::Int128>(line.tokens) * line.price_ppm;
    tokens += line.tokens;
  }
  return tokens == 0 ? 1 : static_cast<double>(cost) / (static_cast<double>(tokens) * 1e6);
}

RulesReplay replay_rules(const PromptTrace& trace, const RulesReplayOptions& options) {
  BillTally tally;
  std::size_t sent = 0;
  const std::size_t first = options.second_half ? trace.calls.size() / 2 : 0;
  for (const SessionRange& range : sessions_of(trace)) {
    SessionReplay session(trace, options);
    for (const std::size_t number : by_time(trace, range, &PromptCall::at)) {
      const fare::CacheAnswer answer = session.call(number);
      if (sent++ >= first) tally.add(trace.calls[number], answer);
    }
  }
  return tally.finish(trace, options);
}

std::string why_not_simplified(const PromptTrace& trace, const CacheRules& rules) {
  if (trace.format != PromptFormat::kClaudeCode) {
    return "the simplified model is defined for claude-code traces, by session";
  }
  if (rules.unit == CacheUnit::kUnits) {
    return fmt::format("the simplified model is not defined for the persisted units of \"{}\"",
                       rules.name);
  }
  return {};
}

RulesReplay replay_simplified(const PromptTrace& trace, const RulesReplayOptions& options) {
  const CacheRules& rules = *options.choice.rules;
  const fare::CacheLifetime& lifetime = rules.lifetimes[options.choice.lifetime];
  BillTally tally;
  std::size_t sent = 0;
  const std::size_t first = options.second_half ? trace.calls.size() / 2 : 0;
  for (const SessionRange& range : sessions_of(trace)) {
    const std::int64_t block = trace.calls[range.begin].block_tokens.count();
    PromptHistory history(
        {.whole = rules.unit == CacheUnit::kBreakpoints,
         .step_blocks = static_cast<std::uint64_t>((rules.step.count() - 1) / block + 1),
         .minimum_blocks = rules.minimum > Tokens() ? kSimplifiedMinimum : 0,
         .ttl = lifetime.ttl,
         .by_model = (rules.scope & fare::kScopeModel) != 0,
         .readable_at_once = rules.readable_at_once});
    for (const std::size_t number : by_time(trace, range, &PromptCall::recorded_at)) {
      const PromptCall& call = trace.calls[number];
      fare::CacheAnswer answer;
      answer.hit_blocks = history.read(trace.blocks(call), call.model, call.recorded_at);
      answer.bill.read = Tokens(tokens_of(call, answer.hit_blocks));
      answer.bill.written[options.choice.lifetime] = call.weight - answer.bill.read;
      answer.limited = rules.reads_count ? call.weight : call.weight - answer.bill.read;
      history.store(trace.blocks(call), call.model, call.recorded_at,
                    call.recorded_at + first_token_of(call));
      if (sent++ >= first) tally.add(call, answer);
    }
  }
  return tally.finish(trace, options);
}

std::vector<std::string> assumptions(const PromptTrace& trace, const fare::CacheChoice& choice,
                                     bool simplified) {
  const CacheRules& rules = *choice.rules;
  std::vector<std::string> list;
  if (!rules.readable_at_once) {
    list.push_back(
        "A prompt can be read from its recorded first token on; without one from the end of its "
        "answer, at most 2.5 s after its start; without either 2 s after its start.");
  }
  if (simplified) {
    list.push_back(
        "Simplified: at most 60 prompts a session, each with its own clock; sub-agents on clocks "
        "of their own; a hit has at least 16 blocks; all that is not read is written.");
    return list;
  }
  const bool sessions = trace.format == PromptFormat::kClaudeCode;
  if (sessions) list.push_back("Sessions share nothing: blocks are named within a session only.");
  if (rules.unit != CacheUnit::kAnyPrefix) {
    list.push_back("An entry at the end of a prompt ends with its last whole block.");
  }
  if (rules.unit == CacheUnit::kBreakpoints) {
    list.push_back("What stands behind the last whole block is plain input.");
    list.push_back(sessions
                       ? "One breakpoint, on the last position. A call adds as many positions as "
                         "items are recorded for the answer before it and for itself."
                       : "One breakpoint, on the last position. Every block is a position.");
  }
  if (rules.unit == CacheUnit::kUnits) {
    list.push_back("Answers leave no units: traces do not name their blocks.");
  }
  if (trace.models.empty() || rules.model_minimum.empty()) {
    list.push_back(
        fmt::format("A prefix of fewer than {} tokens is not cached, whatever the model.",
                    rules.minimum.count()));
  }
  if (rules.overflow_per_minute > 0) {
    list.push_back(
        fmt::format("More than {} calls a minute with the same first block spill to a "
                    "cold machine.",
                    rules.overflow_per_minute));
  }
  if (rules.storage > fare::Rate()) {
    list.push_back(
        fmt::format("Keeping costs ${} a million tokens and hour besides: the multiple "
                    "leaves it out.",
                    fare::to_usd_per_mtok(rules.storage)));
  }
  const fare::CacheLifetime& chosen = rules.lifetimes[choice.lifetime];
  if (chosen.ttl != chosen.ttl_max) {
    list.push_back(
        fmt::format("The vendor keeps entries from {} to {}: figures are for the "
                    "shortest life, the range shows the longest.",
                    seconds_text(chosen.ttl), seconds_text(chosen.ttl_max)));
  }
  return list;
}

}  // namespace routesim
