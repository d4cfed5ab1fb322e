#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "fare/check.h"
#include "traffic/session_kinds.h"
#include "traffic/whole_tokens.h"

namespace routesim {
namespace {

using fare::BlockRun;
using fare::Duration;
using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;
using fare::Tokens;

constexpr int kAgentShift = 10;         // Of an agent's number in an index; a turn has the rest.
constexpr int kClassBlockShift = 17;    // A class's system text has so many bits of names,
constexpr int kAgentBlockShift = 16;    // an agent so many,
constexpr int kSessionBlockShift = 28;  // and a session so many.
constexpr std::uint64_t kSessionsMax = std::uint64_t{1} << 32;
constexpr std::int64_t kBlocksMax = 65'535;  // Further ones have no name.
// Names of a session's blocks: first those of its agents, then those of texts written anew.
constexpr std::uint32_t kAgentsMax = (1u << kAgentShift) - 1;
constexpr std::uint32_t kTextsMax = 1u << (kSessionBlockShift - kAgentBlockShift);
constexpr std::uint32_t kNobody = 0xffffffff;

// A sequence of turns with a growing context: a session's own, or that of a sub-agent.
struct Sequence {
  Tokens context;           // All of the prompt that the next turn repeats.
  std::uint32_t turns = 0;  // In all.
  std::uint32_t request_class = 0;
  std::uint32_t parent = kNobody;
  std::uint32_t children = 0;  // At work, which the next turn waits for.
  std::uint32_t agents = 0;    // That the session has had.
  std::uint32_t rewrites = 0;  // That the session has had, its agents' included.
  Tokens joined;               // What the children have brought.
  Arrival last{};              // The call before.

  // The names of the prompt's whole blocks.
  std::vector<BlockRun> runs;
  std::int64_t named = 0;      // Blocks in them.
  std::uint64_t own_name = 0;  // Of the first block that is no one else's,
  bool has_own = false;        // and whether there is one: then it is in the last run.
  bool has_system = true;      // The system's text goes first.

  // As new, but for the memory of the runs.
  void reset() {
    std::vector<BlockRun> memory = std::move(runs);
    memory.clear();
    *this = Sequence{};
    runs = std::move(memory);
  }
};

class SyntheticSessions : public SessionSource::Sessions {
 public:
  SyntheticSessions(const TrafficModel& model, std::uint64_t seed, std::uint32_t replication)
      : traffic_(model),
        model_(*model.sessions),
        starts_(model, seed, replication),
        think_(seed, replication, Purpose::kThinkTime),
        turns_(seed, replication, Purpose::kTurns),
        text_(seed, replication, Purpose::kUserTokens),
        agents_(seed, replication, Purpose::kSubAgents) {}

  bool next(Arrival& arrival) override {
    if (!starts_.next(arrival)) return false;
    FARE_CHECK(arrival.index < kSessionsMax);
    arrival.session = arrival.index;
    arrival.index <<= kSessionShift;
    arrival.slot = take_slot();
    Sequence& sequence = sequences_[arrival.slot];
    sequence.reset();
    sequence.own_name = name_of(arrival.session, 0);
    sequence.turns = draw_count(turns_, arrival.index, turns_of(arrival.input));
    sequence.context = model_.system_tokens;
    sequence.request_class = arrival.request_class;
    arrival.max_output = model_.max_output;
    arrival.block_tokens = model_.block_tokens;
    ++open_;
    ask(sequence, arrival, arrival.input);
    return true;
  }

  void after(const Arrival& finished, Duration now, bool answered,
             std::vector<Arrival>& due) override {
    Sequence& sequence = sequences_[finished.slot];
    if (!answered) return end(finished.slot, now, Tokens(0), due);
    sequence.context = finished.input + finished.output;
    sequence.last = finished;
    if (sequence.parent == kNobody && fan_out(finished, now, due)) return;
    go_on(finished.slot, now, due);
  }

  std::size_t open() const override { return open_; }

 private:
  std::uint32_t take_slot() {
    if (free_.empty()) {
      sequences_.emplace_back().runs.reserve(4);
      return static_cast<std::uint32_t>(sequences_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  // The first item whose limit is not below the length; the last one has none.
  template <class T>
  static const T& by_length(const std::vector<T>& items, Tokens length) {
    return *std::find_if(items.begin(), items.end() - 1,
                         [&](const T& item) { return length <= item.up_to; });
  }

  const Distribution& turns_of(Tokens first) const {
    return model_.turns_by_prompt.empty() ? model_.turns
                                          : by_length(model_.turns_by_prompt, first).turns;
  }

  static std::uint32_t draw_count(const RandomKey& key, std::uint64_t entity,
                                  const Distribution& distribution) {
    RandomStream stream(key, entity);
    return static_cast<std::uint32_t>(std::ceil(distribution.sample(stream)));
  }

  static Duration draw_time(const RandomKey& key, std::uint64_t entity,
                            const Distribution& distribution) {
    RandomStream stream(key, entity);
    return Duration(std::llround(distribution.sample(stream) * 1e9));
  }

  // Of the first block of a session's text by number: that of itself or of an agent, or one that
  // was written anew.
  static std::uint64_t name_of(std::uint64_t session, std::uint32_t text) {
    return ((session + 1) << kSessionBlockShift) + (std::uint64_t{text} << kAgentBlockShift);
  }

  // Names all whole blocks of so many tokens.
  void name_blocks(Sequence& sequence, Tokens tokens) const {
    const std::int64_t block = model_.block_tokens.count();
    const std::int64_t whole = std::min(tokens.count() / block, kBlocksMax);
    const auto append = [&](bool begins, std::uint64_t name, std::int64_t end) {
      if (end <= sequence.named) return false;
      if (begins) sequence.runs.push_back({name, 0});
      sequence.runs.back().count += static_cast<std::uint64_t>(end - sequence.named);
      sequence.named = end;
      return true;
    };
    if (sequence.has_system && !sequence.has_own) {
      append(sequence.runs.empty(), std::uint64_t{sequence.request_class} << kClassBlockShift,
             std::min(model_.system_tokens.count() / block, whole));
    }
    if (append(!sequence.has_own, sequence.own_name, whole)) sequence.has_own = true;
  }

  // Completes a call whose new text has `text` tokens: its input and its blocks.
  void ask(Sequence& sequence, Arrival& arrival, Tokens text) {
    arrival.input = sequence.context + text;
    name_blocks(sequence, arrival.input);
    arrival.blocks = fare::BlockList(sequence.runs.data(), sequence.runs.size());
  }

  // Writes what was said anew, if that is what comes before the turn of this index.
  void rewrite(Sequence& sequence, const Arrival& next) {
    if (model_.rewrites.empty()) return;
    const RewriteModel& model = by_length(model_.rewrites, sequence.context);
    RandomStream stream(turns_, next.index);
    if (stream.uniform() >= model.turn_share) return;
    Sequence& root = sequence.parent == kNobody ? sequence : sequences_[sequence.parent];
    if (root.rewrites >= kTextsMax - kAgentsMax - 1) return;
    const auto share = [&](const Distribution& of) {
      const double tokens = of.sample(stream) * static_cast<double>(sequence.context.count());
      return Tokens(static_cast<std::int64_t>(
          std::min(tokens, static_cast<double>(fare::kTokensMax.count()))));
    };
    const Tokens kept = share(model.kept_share);
    sequence.context = share(model.size_share);
    const std::int64_t blocks =
        std::min(kept, sequence.context).count() / model_.block_tokens.count();
    while (sequence.named > blocks) {
      BlockRun& last = sequence.runs.back();
      const auto surplus = static_cast<std::uint64_t>(sequence.named - blocks);
      const std::uint64_t cut = std::min(surplus, last.count);
      last.count -= cut;
      sequence.named -= static_cast<std::int64_t>(cut);
      if (last.count == 0) sequence.runs.pop_back();
    }
    sequence.has_system = false;
    sequence.has_own = false;
    sequence.own_name = name_of(next.session, kAgentsMax + 1 + root.rewrites++);
  }

  // The next turn of a sequence, unless it is over.
  void go_on(std::uint32_t slot, Duration now, std::vector<Arrival>& due) {
    Sequence& sequence = sequences_[slot];
    Arrival next = sequence.last;
    next.before = next.input;
    ++next.turn;
    const bool is_agent = sequence.parent != kNobody;
    next.index = index_of(next.session, next.agent, next.turn);
    next.attempt = 0;
    next.escalations = 0;
    next.request_class = sequence.request_class;
    rewrite(sequence, next);
    const Tokens text = draw_lengths(next);
    const bool is_over = next.turn >= sequence.turns || too_long(sequence, text);
    if (is_over) return end(slot, now, sequence.last.output, due);
    const Distribution& pause = is_agent ? model_.agents->pause_seconds : model_.think_seconds;
    next.at = now + draw_time(think_, next.index, pause);
    ask(sequence, next, text);
    due.push_back(next);
  }

  bool too_long(const Sequence& sequence, Tokens text) const {
    return sequence.context + text > model_.context_max;
  }

  static std::uint64_t index_of(std::uint64_t session, std::uint32_t agent, std::uint32_t turn) {
    return session << kSessionShift | std::uint64_t{agent} << kAgentShift | turn;
  }

  // The new text of a later turn or of an agent, and how long its answer will be.
  Tokens draw_lengths(Arrival& arrival) const {
    const ClassMix& mix = traffic_.classes[arrival.request_class];
    RandomStream input(text_, 2 * arrival.index);
    RandomStream output(text_, 2 * arrival.index + 1);
    arrival.output = whole_tokens(
        (mix.output_tokens ? *mix.output_tokens : traffic_.output_tokens).sample(output));
    const Distribution& first = mix.input_tokens ? *mix.input_tokens : traffic_.input_tokens;
    return whole_tokens((model_.new_tokens ? *model_.new_tokens : first).sample(input));
  }

  // Lets sub-agents begin, if the turn has any; they come at once.
  bool fan_out(const Arrival& finished, Duration now, std::vector<Arrival>& due) {
    if (!model_.agents) return false;
    const std::uint64_t turn = index_of(finished.session, 0, finished.turn);
    RandomStream stream(agents_, turn);
    if (stream.uniform() >= model_.agents->turn_share) return false;
    const auto count = static_cast<std::uint32_t>(std::ceil(model_.agents->count.sample(stream)));
    for (std::uint32_t i = 0; i < count; ++i) {
      if (sequences_[finished.slot].agents == kAgentsMax) break;
      if (const auto child = hand_out(finished, now)) due.push_back(*child);
    }
    return sequences_[finished.slot].children > 0;
  }

  // A sub-agent's first call, or nothing if its prompt would be too long.
  std::optional<Arrival> hand_out(const Arrival& finished, Duration now) {
    Arrival child = finished;
    child.slot = take_slot();
    Sequence& parent = sequences_[finished.slot];
    Sequence& sequence = sequences_[child.slot];
    sequence.reset();
    child.before = finished.input;
    child.agent = ++parent.agents;
    child.turn = 0;
    child.attempt = 0;
    child.escalations = 0;
    child.request_class = parent.request_class;
    child.index = index_of(child.session, child.agent, 0);
    child.at = now;
    sequence.context = parent.context;
    sequence.parent = finished.slot;
    sequence.request_class = parent.request_class;
    sequence.own_name = name_of(child.session, child.agent);
    if (model_.agents->context_tokens) {
      RandomStream stream(agents_, child.index);
      sequence.context = whole_tokens(model_.agents->context_tokens->sample(stream));
      sequence.has_system = false;
      child.before = Tokens(0);
    } else {
      name_blocks(parent, parent.context);
      sequence.runs.assign(parent.runs.begin(), parent.runs.end());
      sequence.named = parent.named;
      sequence.has_system = parent.has_system;
      if (parent.has_own) sequence.has_system = false;
    }
    const Tokens text = draw_lengths(child);
    if (too_long(sequence, text)) {
      free_.push_back(child.slot);
      return std::nullopt;
    }
    sequence.turns = draw_count(turns_, child.index, model_.agents->turns);
    ask(sequence, child, text);
    ++parent.children;
    return child;
  }

  // A sequence is over, and brings `result` to whoever waits for it.
  void end(std::uint32_t slot, Duration now, Tokens result, std::vector<Arrival>& due) {
    const std::uint32_t parent = sequences_[slot].parent;
    free_.push_back(slot);
    if (parent == kNobody) {
      --open_;
      return;
    }
    Sequence& waiting = sequences_[parent];
    waiting.joined += result;
    if (--waiting.children > 0) return;
    waiting.context += waiting.joined;
    waiting.joined = Tokens(0);
    go_on(parent, now, due);
  }

  const TrafficModel& traffic_;
  const SessionModel& model_;
  TrafficSource starts_;
  RandomKey think_;
  RandomKey turns_;
  RandomKey text_;
  RandomKey agents_;
  std::deque<Sequence> sequences_;  // By slot; addresses stay, as calls refer to their runs.
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
};

}  // namespace

std::unique_ptr<SessionSource::Sessions> synthetic_sessions(const TrafficModel& model,
                                                            std::uint64_t seed,
                                                            std::uint32_t replication) {
  return std::make_unique<SyntheticSessions>(model, seed, replication);
}

}  // namespace routesim
