#include "study/traffic_fit_play.h"

#include <algorithm>
#include <optional>
#include <string>

#include "traffic/session.h"

namespace routesim {
namespace {

// What is to come of one session; a call's think time goes with it.
struct Due {
  Arrival arrival;
  fare::Duration think{};
};

class Player {
 public:
  explicit Player(bool with_blocks) : with_blocks_(with_blocks) {
    played_.trace.name = "played";
    played_.trace.format = PromptFormat::kClaudeCode;
    played_.trace.models = {""};
  }

  void play(SessionSource& source) {
    const std::uint64_t names = names_end_;
    for (Arrival first; source.next(first);) {
      start_ = first.at;
      due_.push_back({first, {}});
      while (!due_.empty()) step(source, names);
      played_.trace.sessions.push_back(std::to_string(played_.trace.sessions.size()));
    }
  }

  Played finish() {
    std::sort(played_.at.begin(), played_.at.end());
    return std::move(played_);
  }

 private:
  void step(SessionSource& source, std::uint64_t names) {
    const auto next = std::min_element(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
      return a.arrival.at != b.arrival.at ? a.arrival.at < b.arrival.at
                                          : a.arrival.index < b.arrival.index;
    });
    const Due now = *next;
    due_.erase(next);
    record(now, names);
    std::optional<Arrival> more = source.after(now.arrival, now.arrival.at, Ending::kGood);
    for (Arrival also; more; more = source.also(also) ? std::optional(also) : std::nullopt) {
      due_.push_back({*more, more->at - now.arrival.at});
    }
  }

  void record(const Due& due, std::uint64_t names) {
    const Arrival& arrival = due.arrival;
    PromptTrace& trace = played_.trace;
    PromptCall call{.at = arrival.at - start_,
                    .recorded_at = arrival.at - start_,
                    .answer = fare::Duration(0),
                    .input = arrival.input,
                    .output = arrival.output,
                    .block_tokens = arrival.block_tokens,
                    .weight = arrival.input,
                    .first_run = trace.runs.size(),
                    .session = static_cast<std::uint32_t>(trace.sessions.size()),
                    .think = due.think,
                    .agent = arrival.agent};
    if (with_blocks_) {
      for (const fare::BlockRun& run : arrival.blocks) {
        trace.runs.push_back({names + run.first, run.count});
        names_end_ = std::max(names_end_, names + run.first + run.count);
      }
      call.runs = static_cast<std::uint32_t>(arrival.blocks.size());
      call.blocks = static_cast<std::uint32_t>(fare::count_blocks(arrival.blocks));
    }
    trace.calls.push_back(call);
    played_.at.push_back(arrival.at);
  }

  bool with_blocks_;
  Played played_;
  std::uint64_t names_end_ = 0;
  fare::Duration start_{};
  std::vector<Due> due_;
};

}  // namespace

Played play(const TrafficModel& model, std::uint64_t seed, std::uint32_t replications,
            bool with_blocks) {
  Player player(with_blocks);
  for (std::uint32_t i = 0; i < replications; ++i) {
    SessionSource source(model, seed, i);
    player.play(source);
  }
  return player.finish();
}

}  // namespace routesim
