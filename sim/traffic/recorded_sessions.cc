#include <algorithm>
#include <deque>
#include <utility>

#include "fare/check.h"
#include "traffic/session_kinds.h"

namespace routesim {
namespace {

using fare::BlockRun;
using fare::Duration;
using fare::Tokens;

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint32_t kAncestorsMax = 60;  // As study/rules_replay has it.
constexpr std::uint64_t kCallsMax = std::uint64_t{1} << kSessionShift;

// What comes after each call of a trace, by its number.
struct Links {
  std::vector<std::uint32_t> next;     // Of the same session or sub-agent.
  std::vector<std::uint32_t> child;    // The first call of a sub-agent that it sets to work,
  std::vector<std::uint32_t> sibling;  // and of the one after that.
  std::vector<std::uint32_t> first;    // The first call of each session that has any.
  std::vector<std::uint32_t> known;    // By call: so many of its blocks were all that an earlier
                                       // call of the session sent.
};

// The most blocks that are the whole prompt of one of the calls before, of the last kAncestorsMax.
std::uint32_t known_blocks(const PromptTrace& trace, std::uint32_t first, std::uint32_t call) {
  std::uint32_t known = 0;
  for (std::uint32_t i = call; i > first && call - i < kAncestorsMax;) {
    const PromptCall& before = trace.calls[--i];
    if (before.blocks <= known) continue;
    const auto shared = fare::common_prefix(trace.blocks(before), trace.blocks(trace.calls[call]));
    if (shared == before.blocks) known = before.blocks;
  }
  return known;
}

// A sub-agent is set to work by the last call of the session itself that is written before it, or,
// without any, by the session's first call.
Links link(const PromptTrace& trace) {
  const auto count = static_cast<std::uint32_t>(trace.calls.size());
  Links links{.next = std::vector<std::uint32_t>(count, kNone),
              .child = std::vector<std::uint32_t>(count, kNone),
              .sibling = std::vector<std::uint32_t>(count, kNone),
              .first = {},
              .known = {}};
  std::vector<std::uint32_t> last;  // Call of each sub-agent of the session.
  std::uint32_t setter = kNone;
  for (std::uint32_t i = 0; i < count; ++i) {
    const PromptCall& call = trace.calls[i];
    const bool is_first = i == 0 || call.session != trace.calls[i - 1].session;
    if (is_first) {
      links.first.push_back(i);
      last.clear();
      setter = i;
    }
    FARE_CHECK(i - links.first.back() < kCallsMax);
    links.known.push_back(known_blocks(trace, links.first.back(), i));
    if (last.size() <= call.agent) last.resize(call.agent + 1, kNone);
    if (last[call.agent] != kNone) {
      links.next[last[call.agent]] = i;
    } else if (!is_first) {
      links.sibling[i] = std::exchange(links.child[setter], i);
    }
    last[call.agent] = i;
    if (call.agent == 0) setter = i;
  }
  return links;
}

class RecordedCalls : public SessionSource::Sessions {
 public:
  RecordedCalls(const TrafficModel& model, std::uint64_t seed, std::uint32_t replication)
      : trace_(model.recorded->trace),
        has_sessions_(!trace_.sessions.empty()),
        open_loop_(model.recorded->open_loop && has_sessions_),
        starts_(model, seed, replication) {
    if (has_sessions_) links_ = link(trace_);
    for (const BlockRun& run : trace_.runs)
      names_end_ = std::max(names_end_, run.first + run.count);
  }

  bool next(Arrival& arrival) override {
    if (!has_sessions_) return replay(arrival);
    if (!open_loop_) return starts_.next(arrival) && begin(arrival);
    if (!is_begun_) begin_next();
    is_begun_ = true;
    while (has_start_ && (due_.empty() || start_.at <= due_.front().at)) {
      const Arrival start = start_;
      begin_next();
      Arrival first = start;
      begin(first);
      schedule(first);
    }
    if (due_.empty()) return false;
    std::pop_heap(due_.begin(), due_.end(), later);
    arrival = due_.back();
    due_.pop_back();
    follow(arrival);
    return true;
  }

  void after(const Arrival& finished, Duration now, bool answered,
             std::vector<Arrival>& due) override {
    if (!has_sessions_) return;
    if (open_loop_) return release(finished.slot);
    const std::uint32_t call = sequences_[finished.slot].call;
    if (answered) {
      for (std::uint32_t i = links_.child[call]; i != kNone; i = links_.sibling[i]) {
        due.push_back(arrival_of(finished, i, take_slot(finished.slot)));
        due.back().at = now + delay(call, i);
      }
      std::reverse(due.begin(), due.end());
    }
    const std::uint32_t next = answered ? links_.next[call] : kNone;
    if (next == kNone) return release(finished.slot);
    due.push_back(arrival_of(finished, next, finished.slot));
    due.back().at = now + trace_.calls[next].think;
  }

  std::size_t open() const override { return open_; }

 private:
  struct Session {
    std::uint32_t first = 0;   // Call.
    std::uint32_t alive = 0;   // Of its sequences.
    std::uint64_t offset = 0;  // Of its names of blocks.
    Duration start{};
    std::uint32_t request_class = 0;
  };
  struct Sequence {
    std::uint32_t call = 0;
    std::uint32_t session = 0;  // Into sessions_.
    std::vector<BlockRun> runs;
  };

  static bool later(const Arrival& a, const Arrival& b) {
    return a.at != b.at ? a.at > b.at : a.index > b.index;
  }

  bool replay(Arrival& arrival) {
    if (!starts_.next(arrival)) return false;
    const PromptCall& call = trace_.calls[arrival.index];
    arrival.blocks = trace_.blocks(call);
    arrival.block_tokens = call.block_tokens;
    return true;
  }

  // Lets a recorded session begin with an arrival of the open process.
  bool begin(Arrival& arrival) {
    const std::uint64_t round = arrival.index / links_.first.size();
    const std::uint32_t session = take(sessions_, free_sessions_);
    sessions_[session] = {.first = links_.first[arrival.index % links_.first.size()],
                          .alive = 0,
                          .offset = round * names_end_,
                          .start = arrival.at,
                          .request_class = arrival.request_class};
    ++open_;
    arrival.session = arrival.index;
    const Duration at = arrival.at;
    arrival = arrival_of(arrival, sessions_[session].first, take_sequence(session));
    arrival.at = at;
    return true;
  }

  // Of the open loop: the next session's start.
  void begin_next() {
    start_ = Arrival{};
    has_start_ = starts_.next(start_);
  }

  // Schedules the first calls of all of a session's sequences.
  void schedule(const Arrival& first) {
    const std::uint32_t session = sequences_[first.slot].session;
    const std::uint32_t begin = sessions_[session].first;
    push(first);
    for (std::uint32_t i = begin; i < trace_.calls.size() && same_session(i, begin); ++i) {
      for (std::uint32_t k = links_.child[i]; k != kNone; k = links_.sibling[k]) {
        push(arrival_of(first, k, take_sequence(session)));
      }
    }
  }

  bool same_session(std::uint32_t a, std::uint32_t b) const {
    return trace_.calls[a].session == trace_.calls[b].session;
  }

  void push(Arrival arrival) {
    const Sequence& sequence = sequences_[arrival.slot];
    arrival.at =
        std::max(arrival.at, sessions_[sequence.session].start + trace_.calls[sequence.call].at -
                                 trace_.calls[sessions_[sequence.session].first].at);
    due_.push_back(arrival);
    std::push_heap(due_.begin(), due_.end(), later);
  }

  // Of the open loop: the call after one that is given out gets a place of its own, as both may be
  // in flight.
  void follow(const Arrival& given) {
    const std::uint32_t next = links_.next[sequences_[given.slot].call];
    if (next != kNone) push(arrival_of(given, next, take_slot(given.slot)));
  }

  Arrival arrival_of(const Arrival& before, std::uint32_t number, std::uint32_t slot) {
    const PromptCall& call = trace_.calls[number];
    Sequence& sequence = sequences_[slot];
    sequence.call = number;
    const Session& session = sessions_[sequence.session];
    sequence.runs.clear();
    for (const BlockRun& run : trace_.blocks(call)) {
      sequence.runs.push_back({run.first + session.offset, run.count});
    }
    Arrival arrival = before;
    arrival.index = before.session << kSessionShift | (number - session.first);
    arrival.turn = call.agent == before.agent ? before.turn + (number != session.first) : 0;
    arrival.agent = call.agent;
    arrival.slot = slot;
    arrival.request_class = session.request_class;
    arrival.attempt = 0;
    arrival.escalations = 0;
    arrival.before = Tokens(links_.known[number] * call.block_tokens.count());
    arrival.input = call.input;
    arrival.output = std::max(call.output, Tokens(1));
    arrival.blocks = sequence.runs;
    arrival.block_tokens = call.block_tokens;
    return arrival;
  }

  // How long after an answer the sub-agent began.
  Duration delay(std::uint32_t setter, std::uint32_t child) const {
    const PromptCall& call = trace_.calls[setter];
    const Duration answer = std::max(call.answer, Duration(0));
    return std::max(Duration(0), trace_.calls[child].at - call.at - answer);
  }

  template <class Pool>
  static std::uint32_t take(Pool& pool, std::vector<std::uint32_t>& free) {
    if (free.empty()) {
      pool.emplace_back();
      return static_cast<std::uint32_t>(pool.size() - 1);
    }
    const std::uint32_t slot = free.back();
    free.pop_back();
    return slot;
  }

  std::uint32_t take_sequence(std::uint32_t session) {
    const std::uint32_t slot = take(sequences_, free_);
    sequences_[slot].session = session;
    ++sessions_[session].alive;
    return slot;
  }

  std::uint32_t take_slot(std::uint32_t like) { return take_sequence(sequences_[like].session); }

  void release(std::uint32_t slot) {
    const std::uint32_t session = sequences_[slot].session;
    free_.push_back(slot);
    if (--sessions_[session].alive > 0) return;
    free_sessions_.push_back(session);
    --open_;
  }

  const PromptTrace& trace_;
  bool has_sessions_;
  bool open_loop_;
  TrafficSource starts_;
  Links links_;
  std::uint64_t names_end_ = 0;
  std::deque<Sequence> sequences_;
  std::vector<std::uint32_t> free_;
  std::deque<Session> sessions_;
  std::vector<std::uint32_t> free_sessions_;
  std::size_t open_ = 0;

  // Of the open loop.
  Arrival start_{};
  bool has_start_ = false;
  bool is_begun_ = false;
  std::vector<Arrival> due_;  // A heap.
};

}  // namespace

std::unique_ptr<SessionSource::Sessions> recorded_sessions(const TrafficModel& model,
                                                           std::uint64_t seed,
                                                           std::uint32_t replication) {
  return std::make_unique<RecordedCalls>(model, seed, replication);
}

}  // namespace routesim
