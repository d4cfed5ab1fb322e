// How a pool grows and shrinks, and what its replicas cost.

#include <algorithm>

#include "fare/check.h"
#include "world/pool.h"

namespace routesim {

using fare::Duration;
using fare::Int128;

fare::Cost gpu_cost(const PoolModel& model, Int128 replica_ns) {
  FARE_CHECK(replica_ns >= 0);
  constexpr Int128 kHour = 3'600'000'000'000;
  const Int128 price = model.cost_per_gpu_hour.count();
  const Int128 gpu_ns = replica_ns * model.gpus_per_replica;
  const Int128 rest = gpu_ns % kHour * price;
  Int128 part = rest / kHour;
  const Int128 twice = rest % kHour * 2;
  if (twice > kHour || (twice == kHour && part % 2 == 1)) ++part;
  return fare::Cost(gpu_ns / kHour * price + part);
}

void Pool::plan_decision(Duration now) {
  const Autoscaling& scaling = model_.scaling;
  if (scaling.replicas_min == scaling.replicas_max || decision_ != Batch::kNever) return;
  decision_ = autoscaler_.next_after(now);
}

void Pool::decide(Duration now, std::vector<PoolEvent>& out) {
  const std::int64_t wanted = autoscaler_.decide(now, static_cast<std::int64_t>(requests_),
                                                 model_.batch.sequences_max, live_);
  if (wanted > live_) start_replicas(wanted - live_, now, out);
  if (wanted < live_) end_replicas(live_ - wanted, now);
  decision_ = Batch::kNever;
  if (requests_ > 0 || live_ > model_.scaling.replicas_min) plan_decision(now);
}

// Those that are ending their last requests serve again at once; others start cold.
void Pool::start_replicas(std::int64_t count, Duration now, std::vector<PoolEvent>& out) {
  pay_to(now);
  for (std::size_t r = 0; r < replicas_.size() && count > 0; ++r) {
    if (replicas_[r].stage != Stage::kEnding) continue;
    ++live_;
    --count;
    serve(r, now, out);
  }
  for (std::size_t r = 0; r < replicas_.size() && count > 0; ++r) {
    if (replicas_[r].stage != Stage::kOff) continue;
    ++live_;
    ++on_;
    --count;
    replicas_[r].stage = Stage::kStarting;
    replicas_[r].ready = now + model_.scaling.cold_start;
    refresh(r);
  }
  on_max_ = std::max(on_max_, on_);
}

void Pool::serve(std::size_t r, Duration now, std::vector<PoolEvent>& out) {
  replicas_[r].stage = Stage::kServing;
  refresh(r);
  for (const PoolWork& work : held_) {
    if (work.output.count() > 0) assign(work, now, out);
  }
  held_.clear();
}

// The last ones go first: those that start at once, others when they have finished.
void Pool::end_replicas(std::int64_t count, Duration now) {
  for (std::size_t r = replicas_.size(); r > 0 && count > 0; --r) {
    Replica& replica = replicas_[r - 1];
    if (replica.stage == Stage::kOff || replica.stage == Stage::kEnding) continue;
    --live_;
    --count;
    replica.stage = Stage::kEnding;
    refresh(r - 1);
    switch_off_if_done(r - 1, now);
  }
}

void Pool::switch_off_if_done(std::size_t r, Duration now) {
  Replica& replica = replicas_[r];
  if (replica.stage != Stage::kEnding || replica.batch.next_change() != Batch::kNever) return;
  pay_to(now);
  --on_;
  replica.stage = Stage::kOff;
  refresh(r);
}

void Pool::pay_to(Duration now) {
  paid_ += Int128{(now - paid_to_).count()} * on_;
  paid_to_ = now;
}

}  // namespace routesim
