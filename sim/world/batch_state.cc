// What a batch holds: its lists and its heap, blocks and tokens, and the series of a run.

#include <algorithm>
#include <cmath>
#include <utility>

#include "fare/check.h"
#include "world/batch.h"

namespace routesim {

using fare::Duration;
using fare::Int128;

std::uint32_t Batch::take() {
  if (free_ == kNobody) {
    sequences_.emplace_back();
    heap_.reserve(sequences_.capacity());
    return static_cast<std::uint32_t>(sequences_.size() - 1);
  }
  const std::uint32_t i = free_;
  free_ = at(i).next;
  at(i) = Sequence();
  return i;
}

void Batch::give_back(std::uint32_t i) {
  at(i).stage = Stage::kFree;
  at(i).next = free_;
  free_ = i;
}

void Batch::append(List& list, std::uint32_t i) {
  at(i).next = kNobody;
  at(i).previous = list.last;
  (list.last == kNobody ? list.first : at(list.last).next) = i;
  list.last = i;
}

void Batch::prepend(List& list, std::uint32_t i) {
  at(i).previous = kNobody;
  at(i).next = list.first;
  (list.first == kNobody ? list.last : at(list.first).previous) = i;
  list.first = i;
}

void Batch::remove(List& list, std::uint32_t i) {
  const std::uint32_t next = at(i).next;
  const std::uint32_t previous = at(i).previous;
  (previous == kNobody ? list.first : at(previous).next) = next;
  (next == kNobody ? list.last : at(next).previous) = previous;
}

std::int64_t Batch::blocks_of(std::int64_t tokens) const {
  return (tokens + model_.block_tokens - 1) / model_.block_tokens;
}

std::int64_t Batch::blocks_asked(const Sequence& sequence) const {
  if (sampler_) return blocks_of(sequence.input + sequence.output - 1);
  return blocks_of(sequence.input + sequence.generated);
}

std::int64_t Batch::blocks_held(const Sequence& sequence) const {
  if (sampler_) return blocks_of(sequence.input + sequence.output - 1);
  if (sequence.stage == Stage::kPrefill) return blocks_of(sequence.target);
  return blocks_of(tokens_held(sequence));
}

// Of a sequence that decodes without speculation.
std::int64_t Batch::tokens_held(const Sequence& sequence) const {
  const std::uint64_t begin = sequence.last_step - static_cast<std::uint64_t>(sequence.steps);
  return sequence.target + static_cast<std::int64_t>(steps_ - begin);
}

std::int64_t Batch::resident_of(const Sequence& sequence) const {
  if (sequence.stage == Stage::kPrefill) return sequence.computed << kTokenBits;
  const std::uint64_t begin = sequence.last_step - static_cast<std::uint64_t>(sequence.steps);
  return (sequence.target << kTokenBits) +
         sequence.growth * static_cast<std::int64_t>(steps_ - begin);
}

// A sequence asks for a block at the step before which its tokens fill the blocks it has: that is
// when its phase, the tokens less the steps so far, and the steps so far add up to whole blocks.
std::size_t Batch::phase_of(std::int64_t tokens) const {
  const std::int64_t block = model_.block_tokens;
  const auto steps = static_cast<std::int64_t>(steps_ % static_cast<std::uint64_t>(block));
  return static_cast<std::size_t>((tokens - steps + block) % block);
}

std::int64_t Batch::needed_now() const { return sampler_ ? 0 : phases_[phase_of(0)]; }

std::int64_t Batch::needed_in(std::int64_t steps) const {
  if (sampler_ || decoding_ == 0) return 0;
  const std::int64_t block = model_.block_tokens;
  std::int64_t needed = steps / block * decoding_;
  std::size_t phase = phase_of(0);
  for (std::int64_t j = 0; j < steps % block; ++j) {
    needed += phases_[phase];
    phase = phase == 0 ? phases_.size() - 1 : phase - 1;
  }
  return needed;
}

// How many of the steps the free blocks allow, at least one.  REQUIRES: needed_now() are there.
std::int64_t Batch::steps_within(std::int64_t steps_max) const {
  if (sampler_) return steps_max;
  const std::int64_t block = model_.block_tokens;
  if (free_blocks_ >= (steps_max / block + 1) * decoding_) return steps_max;
  const std::int64_t rounds = free_blocks_ / decoding_;
  std::int64_t left = free_blocks_ - rounds * decoding_;
  std::int64_t steps = rounds * block;
  for (std::size_t phase = phase_of(0); left >= phases_[phase] && steps < steps_max; ++steps) {
    left -= phases_[phase];
    phase = phase == 0 ? phases_.size() - 1 : phase - 1;
  }
  return std::min(steps, steps_max);
}

Batch::Ticks Batch::series(std::int64_t n) const {
  return run_.first * n + run_.slope * n * (n - 1) / 2;
}

void Batch::cut_run(Duration now) {
  if (run_.iterations <= 1) return;
  const Ticks span = (Int128{now.count()} << kTickBits) - run_.start;
  // The positive root of slope / 2 k^2 + (first - slope / 2) k - span; then exactly.
  const double half = static_cast<double>(run_.slope) / 2;
  const double linear = static_cast<double>(run_.first) - half;
  std::int64_t k = 1;
  if (span > run_.first) {
    const auto wide = static_cast<double>(span);
    const double root = 2 * wide / (linear + std::sqrt(linear * linear + 4 * half * wide));
    const auto iterations = static_cast<double>(run_.iterations);
    k = static_cast<std::int64_t>(std::clamp(root, 1.0, iterations));
  }
  while (k > 1 && series(k - 1) >= span) --k;
  while (k < run_.iterations && series(k) < span) ++k;
  run_.iterations = k;
  run_.end = run_.start + series(k);
  set_next();
}

void Batch::set_next() {
  const Ticks ceiling = (run_.end + (Int128{1} << kTickBits) - 1) >> kTickBits;
  FARE_CHECK(ceiling < kNever.count());
  next_ = Duration(static_cast<std::int64_t>(ceiling));
}

bool Batch::before(std::uint32_t a, std::uint32_t b) const {
  const Sequence& one = at(a);
  const Sequence& other = at(b);
  if (one.last_step != other.last_step) return one.last_step < other.last_step;
  return one.order < other.order;
}

void Batch::heap_push(std::uint32_t i) {
  heap_.push_back(i);
  at(i).heap = static_cast<std::uint32_t>(heap_.size() - 1);
  heap_rise(heap_.size() - 1);
}

void Batch::heap_remove(std::uint32_t i) {
  const std::size_t position = at(i).heap;
  const std::uint32_t last = heap_.back();
  heap_.pop_back();
  if (last == i) return;
  heap_[position] = last;
  at(last).heap = static_cast<std::uint32_t>(position);
  heap_rise(position);
  heap_sink(at(last).heap);
}

void Batch::heap_rise(std::size_t position) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!before(heap_[position], heap_[parent])) return;
    std::swap(heap_[position], heap_[parent]);
    at(heap_[position]).heap = static_cast<std::uint32_t>(position);
    at(heap_[parent]).heap = static_cast<std::uint32_t>(parent);
    position = parent;
  }
}

void Batch::heap_sink(std::size_t position) {
  for (;;) {
    std::size_t least = 2 * position + 1;
    if (least >= heap_.size()) return;
    if (least + 1 < heap_.size() && before(heap_[least + 1], heap_[least])) ++least;
    if (!before(heap_[least], heap_[position])) return;
    std::swap(heap_[position], heap_[least]);
    at(heap_[position]).heap = static_cast<std::uint32_t>(position);
    at(heap_[least]).heap = static_cast<std::uint32_t>(least);
    position = least;
  }
}

}  // namespace routesim
