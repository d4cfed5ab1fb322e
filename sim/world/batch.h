#pragma once

#include <cstdint>   // std::int64_t.
#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/random.h"        // RandomKey.
#include "fare/quantity.h"      // Int128.
#include "fare/time.h"          // Duration.
#include "world/batch_model.h"  // BatchModel, BatchWork, PoolEvent.
#include "world/speculative.h"  // StepSampler.

namespace routesim {

// One replica that batches continuously, simulated from change to change of its batch: the time of
// an iteration is affine in the resident tokens, and these grow by the same number in each, so n
// iterations take an arithmetic series, summed exactly.
//
// Rules, as in vLLM's scheduler (v1).  At each start of an iteration, first the sequences that
// decode get a block each if theirs are full; where none is left, those admitted last are
// preempted, to the front of the line, and are computed again from the start.  Then, if nothing was
// preempted, prompts are computed in chunks, first come first served, while sequences, the token
// budget and blocks for the whole prompt allow.  A prompt's first token comes at the end of the
// iteration that completes it.  Work takes part in the first iteration that starts at or after its
// instant. With speculation a sequence takes the blocks of its whole answer when it is admitted,
// and its resident tokens grow by the same share each step.
//
// Within a replica time is counted in 2^-40 ns and resident tokens in 2^-16, so sums are exact;
// what leaves is rounded up to the nanosecond.  REQUIRES: instants stay below 2^63 ns.
// A change takes O(log batch + block_tokens), one with a cancellation O(batch).  Allocates only
// when more is held than ever before.  Not thread-safe.
class Batch {
 public:
  // `acceptance` is the key of the draws of speculation: by entity, the same on every replica.
  Batch(const BatchModel& model, const fare::RandomKey& acceptance);

  // Adds work at the end of the line; the number stands for it until it has ended.
  // REQUIRES: fits(work); `now` not before any earlier instant and not after next_change().
  std::uint32_t send(const PoolWork& work, fare::Duration now);

  // Whether the cache of an empty replica could hold the work to its end.
  bool fits(const PoolWork& work) const;

  // Ends work without an event, at once or with the iteration in progress; what it has given.
  fare::Tokens cancel(std::uint32_t sequence, fare::Duration now);

  // When the batch changes next; kNever if nothing is left to do.
  fare::Duration next_change() const { return next_; }
  static constexpr fare::Duration kNever = fare::Duration::max();

  static constexpr int kTickBits = 40;   // Of a nanosecond that are counted,
  static constexpr int kTokenBits = 16;  // and of a token.

  // Appends what happens at that instant.  REQUIRES: now == next_change().
  void advance(fare::Duration now, std::vector<PoolEvent>& out);

  // What was done up to the last change.
  const BatchWork& done() const { return done_; }

 private:
  using Ticks = fare::Int128;  // 2^-kTickBits ns.
  static constexpr std::uint32_t kNobody = 0xffffffff;
  enum class Stage : std::uint8_t { kFree, kWaiting, kPrefill, kDecode };
  struct Sequence {
    Ticks sent = 0;
    std::int64_t input = 0, cached = 0, output = 0;
    std::int64_t generated = 0;           // When the current stage began.
    std::int64_t target = 0;              // Tokens to compute before decoding.
    std::int64_t computed = 0;            // Of them.
    std::int64_t chunk = 0;               // Of them, in the current iteration.
    std::int64_t steps = 0;               // Of decoding, in all.
    std::int64_t growth = 0;              // Resident tokens a step, in 2^-16.
    std::uint64_t last_step = 0;          // The count of steps with which it ends.
    std::uint64_t order = 0, entity = 0;  // Of admission; of draws.
    std::uint32_t slot = 0;
    std::uint32_t next = kNobody, previous = kNobody, heap = kNobody;
    Stage stage = Stage::kFree;
    bool cancelled = false;
  };
  struct List {
    std::uint32_t first = kNobody, last = kNobody;
  };
  struct Run {  // `iterations` of the same batch.
    Ticks start = 0, end = 0;
    Ticks first = 0;  // The time of the first iteration,
    Ticks slope = 0;  // and by what each is longer than the one before.
    std::int64_t iterations = 0, prefill = 0;
  };

  Sequence& at(std::uint32_t i) { return sequences_[i]; }
  const Sequence& at(std::uint32_t i) const { return sequences_[i]; }
  std::uint32_t take();
  void give_back(std::uint32_t i);
  void append(List& list, std::uint32_t i);
  void prepend(List& list, std::uint32_t i);
  void remove(List& list, std::uint32_t i);

  void end_run(std::vector<PoolEvent>& out);
  void end_cancelled();
  void end_answers(std::vector<PoolEvent>& out);
  void end_chunks(std::vector<PoolEvent>& out);
  void begin_decode(std::uint32_t i);
  void leave(std::uint32_t i);  // The running list, with all it holds.
  void plan(std::vector<PoolEvent>& out);
  bool preempt(std::vector<PoolEvent>& out);
  void preempt_last(std::vector<PoolEvent>& out);
  void continue_prefill(std::int64_t& budget);
  bool admit_first(std::int64_t& budget, std::int64_t& free, std::vector<PoolEvent>& out);
  void start_run();
  void cut_run(fare::Duration now);
  void set_next();

  std::int64_t blocks_of(std::int64_t tokens) const;
  std::int64_t blocks_asked(const Sequence& sequence) const;
  std::int64_t resident_of(const Sequence& sequence) const;
  std::int64_t blocks_held(const Sequence& sequence) const;
  std::int64_t tokens_held(const Sequence& sequence) const;
  std::int64_t needed_now() const;
  std::int64_t needed_in(std::int64_t steps) const;
  std::int64_t steps_within(std::int64_t steps_max) const;
  std::size_t phase_of(std::int64_t tokens) const;
  Ticks series(std::int64_t n) const;

  bool before(std::uint32_t a, std::uint32_t b) const;
  void heap_push(std::uint32_t i);
  void heap_remove(std::uint32_t i);
  void heap_rise(std::size_t position);
  void heap_sink(std::size_t position);

  BatchModel model_;
  fare::RandomKey acceptance_;
  std::optional<StepSampler> sampler_;
  Ticks base_ = 0, per_sequence_ = 0, per_resident_ = 0, per_prefill_ = 0;
  Ticks draft_ = 0, draft_per_sequence_ = 0;  // Of all tokens a step proposes.
  std::vector<Sequence> sequences_;
  std::uint32_t free_ = kNobody;
  List waiting_, running_;  // In order of arrival, of admission.
  std::uint32_t waiting_count_ = 0, running_count_ = 0, decoding_ = 0, cancelled_ = 0;
  std::vector<std::uint32_t> heap_;   // Of those that decode, by last_step, then order.
  std::vector<std::int64_t> phases_;  // How many decode, by their phase within a block.
  std::uint64_t steps_ = 0;           // Of decoding, so far.
  std::uint64_t admissions_ = 0;
  std::int64_t free_blocks_ = 0;
  std::int64_t resident_ = 0, growth_ = 0;  // In 2^-16 tokens; a step.
  Run run_;
  fare::Duration next_ = kNever;
  BatchWork done_;
};

}  // namespace routesim
