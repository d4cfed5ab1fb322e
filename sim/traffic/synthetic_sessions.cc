#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

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
constexpr std::uint32_t kNobody = 0xffffffff;

// A sequence of turns with a growing context: a session's own, or that of a sub-agent.
struct Sequence {
  Tokens context;           // All of the prompt that the next turn repeats.
  std::uint32_t turns = 0;  // In all.
  std::uint32_t request_class = 0;
  std::uint32_t parent = kNobody;
  std::uint32_t children = 0;      // At work, which the next turn waits for.
  std::uint32_t agents = 0;        // That the session has had.
  std::int64_t inherited = 0;      // Whole blocks of the parent's, its own and the system's.
  Tokens joined;                   // What the children have brought.
  Arrival last{};                  // The call before.
  std::array<BlockRun, 3> runs{};  // The system's, the parent's, the own.
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
    sequence = Sequence{};
    sequence.turns = draw_count(turns_, arrival.index, model_.turns);
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
      sequences_.emplace_back();
      return static_cast<std::uint32_t>(sequences_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
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

  // Completes a call whose new text has `text` tokens: its input and its blocks.
  void ask(Sequence& sequence, Arrival& arrival, Tokens text) {
    arrival.input = sequence.context + text;
    const std::int64_t block = model_.block_tokens.count();
    const std::int64_t whole = std::min(arrival.input.count() / block, kBlocksMax);
    const std::int64_t system = std::min(model_.system_tokens.count() / block, whole);
    const std::int64_t inherited = std::clamp(sequence.inherited, system, whole);
    const std::uint64_t base = (arrival.session + 1) << kSessionBlockShift;
    std::size_t runs = 0;
    const auto append = [&](std::uint64_t first, std::int64_t blocks) {
      if (blocks > 0) sequence.runs[runs++] = {first, static_cast<std::uint64_t>(blocks)};
    };
    append(std::uint64_t{sequence.request_class} << kClassBlockShift, system);
    append(base, inherited - system);
    append(base + (std::uint64_t{arrival.agent} << kAgentBlockShift), whole - inherited);
    arrival.blocks = fare::BlockList(sequence.runs.data(), runs);
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

  // The new text of a later turn, and how long its answer will be.
  Tokens draw_lengths(Arrival& arrival) const {
    const ClassMix& mix = traffic_.classes[arrival.request_class];
    RandomStream input(text_, 2 * arrival.index);
    RandomStream output(text_, 2 * arrival.index + 1);
    arrival.output = whole_tokens(
        (mix.output_tokens ? *mix.output_tokens : traffic_.output_tokens).sample(output));
    return whole_tokens(
        (mix.input_tokens ? *mix.input_tokens : traffic_.input_tokens).sample(input));
  }

  // Lets sub-agents begin, if the turn has any; they come at once.
  bool fan_out(const Arrival& finished, Duration now, std::vector<Arrival>& due) {
    if (!model_.agents) return false;
    const std::uint64_t turn = index_of(finished.session, 0, finished.turn);
    RandomStream stream(agents_, turn);
    if (stream.uniform() >= model_.agents->turn_share) return false;
    const auto count = static_cast<std::uint32_t>(std::ceil(model_.agents->count.sample(stream)));
    for (std::uint32_t i = 0; i < count; ++i) {
      Arrival child = finished;
      child.before = finished.input;
      child.agent = ++sequences_[finished.slot].agents;
      child.turn = 0;
      child.attempt = 0;
      child.escalations = 0;
      child.request_class = sequences_[finished.slot].request_class;
      child.index = index_of(child.session, child.agent, 0);
      child.at = now;
      child.slot = take_slot();
      const Sequence& parent = sequences_[finished.slot];
      const Tokens text = draw_lengths(child);
      if (too_long(parent, text)) {
        free_.push_back(child.slot);
        continue;
      }
      Sequence& sequence = sequences_[child.slot];
      sequence = Sequence{};
      sequence.context = parent.context;
      sequence.parent = finished.slot;
      sequence.request_class = parent.request_class;
      sequence.inherited = parent.context.count() / model_.block_tokens.count();
      sequence.turns = draw_count(turns_, child.index, model_.agents->turns);
      ask(sequence, child, text);
      ++sequences_[finished.slot].children;
      due.push_back(child);
    }
    return sequences_[finished.slot].children > 0;
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
