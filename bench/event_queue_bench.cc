// The hold model (Vaucher and Duval, 1975): n events are pending; each step takes the next one and
// schedules another, exponentially later.  Our queue and std::priority_queue run in turns, step for
// step on the same numbers, so the ratio of one run is fair whatever the machine does.

#include <benchmark/benchmark.h>
#include <time.h>

#include <cmath>
#include <queue>
#include <vector>

#include "base/random.h"
#include "engine/event_queue.h"

namespace routesim {
namespace {

constexpr std::size_t kSteps = 200'000;  // In a turn.

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct StdEvent {
  std::int64_t at;
  std::uint64_t sequence;
  std::uint32_t kind;
  std::uint32_t slot;
  bool operator<(const StdEvent& other) const {  // The queue's top is its largest.
    return at != other.at ? at > other.at : sequence > other.sequence;
  }
};

class StdQueue {
 public:
  void push(const Event& event) {
    queue_.push({event.at.count(), sequence_++, event.kind, event.slot});
  }
  Event top() const {
    return {fare::Duration(queue_.top().at), queue_.top().kind, queue_.top().slot};
  }
  void replace_top(const Event& event) {
    queue_.pop();
    push(event);
  }

 private:
  std::priority_queue<StdEvent> queue_;
  std::uint64_t sequence_ = 0;
};

// Exponential gaps, drawn before the clock starts: the benchmark is about queues.
std::vector<std::int64_t> gaps() {
  fare::RandomStream random(fare::RandomKey(1, 0, fare::Purpose::kTest), 0);
  std::vector<std::int64_t> values(1u << 16);
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(-std::log(random.uniform()) * 1e9);
  }
  return values;
}

template <class Queue>
class Hold {
 public:
  Hold(std::size_t pending, const std::vector<std::int64_t>& gaps) : gaps_(gaps) {
    for (std::size_t i = 0; i < pending; ++i) {
      queue_.push({fare::Duration(next_gap()), 0, static_cast<std::uint32_t>(i)});
    }
    run(3 * pending);  // Until the pending times are in their steady state.
  }

  // The seconds that `steps` steps took.
  double run(std::size_t steps) {
    const double begin = cpu_seconds();
    for (std::size_t i = 0; i < steps; ++i) {
      Event event = queue_.top();
      event.at += fare::Duration(next_gap());
      queue_.replace_top(event);
      benchmark::DoNotOptimize(event);
    }
    return cpu_seconds() - begin;
  }

 private:
  std::int64_t next_gap() { return gaps_[used_++ & (gaps_.size() - 1)]; }

  const std::vector<std::int64_t>& gaps_;
  std::size_t used_ = 0;
  Queue queue_;
};

void hold_model(benchmark::State& state) {
  const auto pending = static_cast<std::size_t>(state.range(0));
  const std::vector<std::int64_t> values = gaps();
  Hold<EventQueue> ours(pending, values);
  Hold<StdQueue> theirs(pending, values);
  double our_seconds = 0;
  double their_seconds = 0;
  for (auto _ : state) {
    const double spent = ours.run(kSteps);
    our_seconds += spent;
    their_seconds += theirs.run(kSteps);
    state.SetIterationTime(spent);
  }
  const auto steps = static_cast<double>(state.iterations() * kSteps);
  state.counters["events/s"] = steps / our_seconds;
  state.counters["std::priority_queue/s"] = steps / their_seconds;
  state.counters["ratio"] = their_seconds / our_seconds;
}
BENCHMARK(hold_model)->Arg(1'000)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace routesim
