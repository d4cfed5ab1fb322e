#include "world/pool.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {

using fare::Duration;
using fare::Int128;

Pool::Pool(const PoolModel& model, const fare::RandomKey& acceptance)
    : model_(model),
      changes_(static_cast<std::size_t>(model.scaling.replicas_max)),
      loads_(static_cast<std::size_t>(model.scaling.replicas_max)),
      autoscaler_(model.scaling) {
  FARE_CHECK(model.gpus_per_replica >= 1);
  FARE_CHECK(model.cost_per_gpu_hour >= fare::Cost());
  const auto count = static_cast<std::size_t>(model.scaling.replicas_max);
  replicas_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) replicas_.push_back({Batch(model.batch, acceptance)});
  on_ = live_ = on_max_ = static_cast<std::uint32_t>(model.scaling.replicas_min);
  for (std::size_t i = 0; i < on_; ++i) {
    replicas_[i].stage = Stage::kServing;
    refresh(i);
  }
}

void Pool::send(const PoolWork& work, Duration now, std::vector<PoolEvent>& out) {
  const auto reject = [&](PoolRejection why) {
    out.push_back({work.slot, PoolEventKind::kRejected, why});
  };
  if (drained_) return reject(PoolRejection::kDrained);
  if (replicas_.empty() || model_.batch.sequences_max == 0 || model_.batch.blocks == 0) {
    return reject(PoolRejection::kNoCapacity);
  }
  if (!replicas_.front().batch.fits(work)) return reject(PoolRejection::kTooLong);
  if (work.slot >= places_.size()) places_.resize(work.slot + std::size_t{1});
  FARE_CHECK(places_[work.slot].replica == kNobody);
  ++requests_;
  if (loads_.least() != PoolOrder::kNone) {
    assign(work, now, out);
  } else {
    places_[work.slot] = {kHeld, static_cast<std::uint32_t>(held_.size()), 0};
    held_.push_back(work);
    ++held_count_;
    if (live_ == 0) start_replicas(1, now, out);
  }
  plan_decision(now);
}

void Pool::assign(const PoolWork& work, Duration now, std::vector<PoolEvent>& out) {
  const std::size_t r = loads_.first();
  Replica& replica = replicas_[r];
  if (replica.requests >= model_.batch.sequences_max + model_.batch.waiting_max) {
    places_[work.slot].replica = kNobody;
    --requests_;
    out.push_back({work.slot, PoolEventKind::kRejected, PoolRejection::kQueueFull});
    return;
  }
  const bool by_tokens = model_.balance == PoolBalance::kTokens;
  const std::int64_t amount = by_tokens ? (work.input - work.cached + work.output).count() : 1;
  places_[work.slot] = {static_cast<std::uint32_t>(r), replica.batch.send(work, now), amount};
  replica.outstanding += amount;
  ++replica.requests;
  refresh(r);
}

std::optional<Duration> Pool::next_change() const {
  const std::int64_t next = std::min(changes_.least(), decision_.count());
  return next == PoolOrder::kNone ? std::nullopt : std::optional(Duration(next));
}

void Pool::advance(Duration now, std::vector<PoolEvent>& out) {
  FARE_CHECK(next_change() == now);
  while (changes_.least() == now.count()) {
    const std::size_t r = changes_.first();
    if (replicas_[r].stage == Stage::kStarting) {
      serve(r, now, out);
      continue;
    }
    happened_.clear();
    replicas_[r].batch.advance(now, happened_);
    for (const PoolEvent& event : happened_) {
      if (event.kind == PoolEventKind::kFinished) release(event.slot);
      out.push_back(event);
    }
    refresh(r);
    switch_off_if_done(r, now);
  }
  if (decision_ == now) decide(now, out);
}

fare::Tokens Pool::cancel(std::uint32_t slot, Duration now) {
  FARE_CHECK(slot < places_.size());
  const Place place = places_[slot];
  FARE_CHECK(place.replica != kNobody);
  if (place.replica == kHeld) {
    held_[place.number].output = fare::Tokens();  // Nobody's: serve() passes it over.
    places_[slot].replica = kNobody;
    --requests_;
    return fare::Tokens();
  }
  const fare::Tokens given = replicas_[place.replica].batch.cancel(place.number, now);
  release(slot);
  refresh(place.replica);
  switch_off_if_done(place.replica, now);
  return given;
}

void Pool::drain() { drained_ = true; }

std::optional<std::size_t> Pool::replica_of(std::uint32_t slot) const {
  if (slot >= places_.size() || places_[slot].replica >= kHeld) return std::nullopt;
  return places_[slot].replica;
}

PoolTotals Pool::totals(Duration now) const {
  PoolTotals totals;
  totals.replica_ns = paid_ + Int128{(now - paid_to_).count()} * on_;
  for (const Replica& replica : replicas_) {
    const BatchWork& done = replica.batch.done();
    totals.done.iterations += done.iterations;
    totals.done.sequences += done.sequences;
    totals.done.resident_tokens += done.resident_tokens;
    totals.done.prefill_tokens += done.prefill_tokens;
    totals.done.busy += done.busy;
    totals.done.preemptions += done.preemptions;
  }
  totals.busy = Duration(static_cast<std::int64_t>(totals.done.busy >> Batch::kTickBits));
  if (totals.replica_ns > 0) {
    totals.utilisation =
        static_cast<double>(totals.busy.count()) / static_cast<double>(totals.replica_ns);
  }
  totals.cost = gpu_cost(model_, totals.replica_ns);
  totals.replicas = on_;
  totals.replicas_max = on_max_;
  totals.held = held_count_;
  return totals;
}

void Pool::release(std::uint32_t slot) {
  Place& place = places_[slot];
  Replica& replica = replicas_[place.replica];
  replica.outstanding -= place.work;
  --replica.requests;
  place.replica = kNobody;
  --requests_;
}

void Pool::refresh(std::size_t r) {
  const Replica& replica = replicas_[r];
  const bool starts = replica.stage == Stage::kStarting;
  changes_.set(r, (starts ? replica.ready : replica.batch.next_change()).count());
  loads_.set(r, replica.stage == Stage::kServing ? replica.outstanding : PoolOrder::kNone);
}

}  // namespace routesim
