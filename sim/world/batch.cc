#include "world/batch.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Int128;

constexpr int kTickBits = Batch::kTickBits;
constexpr std::int64_t kTokensHeldMax = 50'000'000;

Int128 ticks_of(Duration instant) { return Int128{instant.count()} << kTickBits; }

// A coefficient in microseconds as an integer of 2^-bits nanoseconds, to the nearest.
Int128 ticks_of_us(double us, int bits) {
  const double scaled = us * 1'000 * static_cast<double>(Int128{1} << bits);
  return static_cast<Int128>(scaled + 0.5);
}

void check(const BatchModel& model) {
  FARE_CHECK(model.base_us > 0);
  FARE_CHECK(model.us_per_sequence >= 0);
  FARE_CHECK(model.us_per_resident_token >= 0);
  FARE_CHECK(model.us_per_prefill_token >= 0);
  FARE_CHECK(model.sequences_max >= 0);
  FARE_CHECK(model.block_tokens >= 1);
  FARE_CHECK(model.blocks >= 0);
  FARE_CHECK(model.blocks <= kTokensHeldMax / model.block_tokens);
  const std::int64_t draft = model.speculation ? model.speculation->draft_tokens : 0;
  FARE_CHECK(model.batch_tokens >= std::max<std::int64_t>(1, model.sequences_max * (1 + draft)));
}

}  // namespace

Batch::Batch(const BatchModel& model, const fare::RandomKey& acceptance)
    : model_(model), acceptance_(acceptance) {
  check(model);
  base_ = ticks_of_us(model.base_us, kTickBits);
  per_sequence_ = ticks_of_us(model.us_per_sequence, kTickBits);
  per_resident_ = ticks_of_us(model.us_per_resident_token, kTickBits - kTokenBits);
  per_prefill_ = ticks_of_us(model.us_per_prefill_token, kTickBits);
  phases_.resize(static_cast<std::size_t>(model.block_tokens));
  free_blocks_ = model.blocks;
  if (!model.speculation) return;
  const Speculation& speculation = *model.speculation;
  sampler_.emplace(speculation);
  draft_ = ticks_of_us(speculation.draft_us, kTickBits) * speculation.draft_tokens;
  draft_per_sequence_ =
      ticks_of_us(speculation.draft_us_per_sequence, kTickBits) * speculation.draft_tokens;
}

bool Batch::fits(const PoolWork& work) const {
  return model_.sequences_max > 0 &&
         blocks_of(work.input.count() + work.output.count() - 1) <= model_.blocks;
}

std::uint32_t Batch::send(const PoolWork& work, Duration now) {
  FARE_CHECK(work.input.count() >= 1);
  FARE_CHECK(work.output.count() >= 1);
  FARE_CHECK(work.cached.count() >= 0);
  FARE_CHECK(work.cached <= work.input);
  FARE_CHECK(fits(work));
  const std::uint32_t i = take();
  Sequence& one = at(i);
  one.sent = ticks_of(now);
  one.input = work.input.count();
  one.cached = std::min(work.cached.count(), one.input - 1);
  one.output = work.output.count();
  one.entity = work.entity;
  one.slot = work.slot;
  one.stage = Stage::kWaiting;
  append(waiting_, i);
  ++waiting_count_;
  if (waiting_count_ > 1) return i;  // Whatever holds up the first holds up this one too.
  if (run_.iterations == 0) {
    run_.end = std::max(run_.end, one.sent);
    set_next();
  } else {
    cut_run(now);
  }
  return i;
}

fare::Tokens Batch::cancel(std::uint32_t sequence, Duration now) {
  Sequence& one = at(sequence);
  FARE_CHECK(one.stage != Stage::kFree);
  FARE_CHECK(!one.cancelled);
  if (one.stage != Stage::kWaiting) {
    one.cancelled = true;
    ++cancelled_;
    cut_run(now);
    if (one.stage == Stage::kPrefill) return fare::Tokens(one.generated);
    // Of what is left of the run all iterations are over, but for one that may be in progress.
    const Ticks span = (Int128{now.count()} << kTickBits) - run_.start;
    const bool in_progress = run_.iterations > 0 && series(run_.iterations) > span;
    const auto to_go = static_cast<std::int64_t>(one.last_step - steps_);
    const std::int64_t steps = one.steps - to_go + run_.iterations - (in_progress ? 1 : 0);
    return fare::Tokens(one.generated + (steps * one.growth >> kTokenBits));
  }
  const fare::Tokens given(one.generated);
  const bool was_first = waiting_.first == sequence;
  remove(waiting_, sequence);
  --waiting_count_;
  give_back(sequence);
  if (run_.iterations == 0 && waiting_count_ == 0) next_ = kNever;
  if (was_first) cut_run(now);  // The next in line may fit where it did not.
  return given;
}

void Batch::advance(Duration now, std::vector<PoolEvent>& out) {
  FARE_CHECK(now == next_);
  if (run_.iterations > 0) end_run(out);
  plan(out);
}

void Batch::end_run(std::vector<PoolEvent>& out) {
  const std::int64_t n = run_.iterations;
  done_.iterations += static_cast<std::uint64_t>(n);
  done_.sequences += Int128{n} * decoding_;
  done_.resident_tokens += Int128{n} * resident_ + Int128{growth_} * n * (n - 1) / 2;
  done_.prefill_tokens += run_.prefill;
  done_.busy += run_.end - run_.start;
  free_blocks_ -= needed_in(n);
  resident_ += growth_ * n + (run_.prefill << kTokenBits);
  steps_ += static_cast<std::uint64_t>(n);
  run_.iterations = 0;
  // What was computed counts even for those that were cancelled meanwhile.
  for (std::uint32_t i = running_.last; i != kNobody && at(i).stage == Stage::kPrefill;
       i = at(i).previous) {
    at(i).computed += at(i).chunk;
  }
  if (cancelled_ > 0) end_cancelled();
  end_answers(out);
  end_chunks(out);
}

void Batch::end_cancelled() {
  for (std::uint32_t i = running_.first; i != kNobody;) {
    const std::uint32_t next = at(i).next;
    if (at(i).cancelled) {
      leave(i);
      give_back(i);
    }
    i = next;
  }
  cancelled_ = 0;
}

void Batch::end_answers(std::vector<PoolEvent>& out) {
  while (!heap_.empty() && at(heap_.front()).last_step == steps_) {
    const std::uint32_t i = heap_.front();
    out.push_back({at(i).slot, PoolEventKind::kFinished});
    leave(i);
    give_back(i);
  }
}

void Batch::end_chunks(std::vector<PoolEvent>& out) {
  // Those that compute their prompt are the last of the running ones.
  std::uint32_t i = running_.last;
  if (i == kNobody || at(i).stage != Stage::kPrefill) return;
  while (at(i).previous != kNobody && at(at(i).previous).stage == Stage::kPrefill) {
    i = at(i).previous;
  }
  while (i != kNobody) {
    const std::uint32_t next = at(i).next;
    if (at(i).computed == at(i).target) {
      Sequence& one = at(i);
      if (one.generated == 0) out.push_back({one.slot, PoolEventKind::kFirstToken});
      if (one.generated + 1 == one.output) {
        out.push_back({one.slot, PoolEventKind::kFinished});
        leave(i);
        give_back(i);
      } else {
        ++one.generated;
        begin_decode(i);
      }
    }
    i = next;
  }
}

void Batch::begin_decode(std::uint32_t i) {
  Sequence& one = at(i);
  const std::int64_t left = one.output - one.generated;
  one.steps = left;
  if (sampler_) {
    fare::RandomStream luck(acceptance_, one.entity);
    one.steps = sampler_->steps(left, luck);
  } else {
    ++phases_[phase_of(one.target)];
  }
  one.growth = (left << kTokenBits) / one.steps;
  one.last_step = steps_ + static_cast<std::uint64_t>(one.steps);
  one.stage = Stage::kDecode;
  growth_ += one.growth;
  ++decoding_;
  heap_push(i);
}

void Batch::leave(std::uint32_t i) {
  Sequence& one = at(i);
  resident_ -= resident_of(one);
  free_blocks_ += blocks_held(one);
  if (one.stage == Stage::kDecode) {
    if (!sampler_) --phases_[phase_of(tokens_held(one))];
    growth_ -= one.growth;
    --decoding_;
    heap_remove(i);
  }
  remove(running_, i);
  --running_count_;
}

void Batch::plan(std::vector<PoolEvent>& out) {
  run_.start = run_.end;
  run_.prefill = 0;
  const bool preempted = preempt(out);
  const std::int64_t each = sampler_ ? 1 + model_.speculation->draft_tokens : 1;
  std::int64_t budget = model_.batch_tokens - each * decoding_;
  continue_prefill(budget);
  std::int64_t free = free_blocks_ - needed_now();
  while (!preempted && waiting_.first != kNobody && admit_first(budget, free, out)) {
  }
  if (running_count_ > 0) {
    // Whoever was preempted last asks for more blocks than it left, so only time opens the line.
    const bool tries_again = waiting_.first != kNobody && at(waiting_.first).sent > run_.start;
    run_.iterations = 1;
    if (run_.prefill == 0 && !tries_again) {
      const std::uint64_t last = at(heap_.front()).last_step;
      run_.iterations = steps_within(static_cast<std::int64_t>(last - steps_));
    }
    start_run();
  } else if (waiting_.first != kNobody) {
    run_.end = std::max(run_.end, at(waiting_.first).sent);
    set_next();
  } else {
    next_ = kNever;
  }
}

bool Batch::preempt(std::vector<PoolEvent>& out) {
  bool any = false;
  for (; needed_now() > free_blocks_; any = true) preempt_last(out);
  return any;
}

void Batch::preempt_last(std::vector<PoolEvent>& out) {
  const std::uint32_t i = running_.last;
  Sequence& one = at(i);
  const std::int64_t generated =
      one.stage == Stage::kDecode ? one.generated + tokens_held(one) - one.target : one.generated;
  leave(i);
  one.generated = generated;
  one.stage = Stage::kWaiting;
  prepend(waiting_, i);
  ++waiting_count_;
  ++done_.preemptions;
  out.push_back({one.slot, PoolEventKind::kPreempted});
}

void Batch::continue_prefill(std::int64_t& budget) {
  // Chunks are dealt in order, so only the last one in line can be unfinished.
  const std::uint32_t i = running_.last;
  if (i == kNobody || at(i).stage != Stage::kPrefill) return;
  Sequence& one = at(i);
  one.chunk = std::min(budget, one.target - one.computed);
  budget -= one.chunk;
  run_.prefill += one.chunk;
}

bool Batch::admit_first(std::int64_t& budget, std::int64_t& free, std::vector<PoolEvent>& out) {
  const std::uint32_t i = waiting_.first;
  Sequence& one = at(i);
  const std::int64_t asked = blocks_asked(one);
  if (one.sent > run_.start || running_count_ == model_.sequences_max || budget == 0) return false;
  if (asked > free) return false;
  if (one.generated == 0) out.push_back({one.slot, PoolEventKind::kStarted});
  remove(waiting_, i);
  --waiting_count_;
  append(running_, i);
  ++running_count_;
  free_blocks_ -= asked;
  free -= asked;
  one.target = one.input + one.generated;
  one.computed = one.generated == 0 ? one.cached : 0;
  one.chunk = std::min(budget, one.target - one.computed);
  one.order = admissions_++;
  one.stage = Stage::kPrefill;
  resident_ += one.computed << kTokenBits;
  budget -= one.chunk;
  run_.prefill += one.chunk;
  return true;
}

void Batch::start_run() {
  run_.first =
      base_ + per_sequence_ * decoding_ + per_resident_ * resident_ + per_prefill_ * run_.prefill;
  if (decoding_ > 0) run_.first += draft_ + draft_per_sequence_ * decoding_;
  run_.slope = per_resident_ * growth_;
  run_.end = run_.start + series(run_.iterations);
  set_next();
}

}  // namespace routesim
