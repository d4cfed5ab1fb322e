#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "base/random.h"
#include "world/pool.h"

namespace routesim {

// A pool of a fixed number of replicas, simulated token by token: every iteration is played, every
// sequence moves by itself, and each step of speculation is drawn when it is taken.  Follows the
// rules of batch.h and pool.h, and its rounding, by the plainest means.
class ReferencePool {
 public:
  // With `straight` the resident tokens of a sequence that speculates grow evenly, as batch.h says;
  // without, by what each step really yields.
  ReferencePool(const PoolModel& model, const fare::RandomKey& key, bool straight)
      : model_(model), key_(key), straight_(straight) {
    replicas_.resize(static_cast<std::size_t>(model.scaling.replicas_max));
  }

  void send(const PoolWork& work, fare::Duration now) {
    const auto least = std::min_element(
        replicas_.begin(), replicas_.end(),
        [](const Replica& a, const Replica& b) { return a.outstanding < b.outstanding; });
    const bool by_tokens = model_.balance == PoolBalance::kTokens;
    Sequence one;
    one.work = work;
    one.sent = ticks(now);
    one.amount = by_tokens ? (work.input - work.cached + work.output).count() : 1;
    least->outstanding += one.amount;
    least->waiting.push_back(one);
    if (!least->iterates) least->clock = std::max(least->clock, ticks(now));
  }

  void cancel(std::uint32_t slot) {
    for (Replica& replica : replicas_) {
      for (auto one = replica.waiting.begin(); one != replica.waiting.end(); ++one) {
        if (one->work.slot != slot) continue;
        replica.outstanding -= one->amount;
        replica.waiting.erase(one);
        return;
      }
      for (Sequence& one : replica.running) {
        if (one.work.slot != slot || one.cancelled) continue;
        one.cancelled = true;
        replica.outstanding -= one.amount;
        return;
      }
    }
  }

  // The next end or start of an iteration.
  std::optional<fare::Duration> next_change() const {
    std::optional<fare::Duration> next;
    for (const Replica& replica : replicas_) {
      if (!replica.iterates && replica.waiting.empty()) continue;
      const fare::Duration at = ceiling(replica.clock);
      if (!next || at < *next) next = at;
    }
    return next;
  }

  void advance(fare::Duration now, std::vector<PoolEvent>& out) {
    for (Replica& replica : replicas_) {
      while ((replica.iterates || !replica.waiting.empty()) && ceiling(replica.clock) == now) {
        if (replica.iterates) end_iteration(replica, out);
        start_iteration(replica, out);
      }
    }
  }

  BatchWork done() const { return done_; }

 private:
  using Ticks = fare::Int128;

  struct Sequence {
    PoolWork work;
    Ticks sent = 0;
    std::int64_t amount = 0;
    std::int64_t generated = 0;
    std::int64_t target = 0, computed = 0, chunk = 0;  // Of the prompt.
    std::int64_t blocks = 0;
    std::int64_t resident = 0;  // In 2^-16 tokens.
    std::int64_t growth = 0;
    bool decodes = false, cancelled = false;
    std::optional<fare::RandomStream> luck;
  };
  struct Replica {
    std::deque<Sequence> waiting;
    std::vector<Sequence> running;
    std::int64_t outstanding = 0;
    Ticks clock = 0;
    bool iterates = false;
  };

  static Ticks ticks(fare::Duration at) { return Ticks{at.count()} << 40; }
  static fare::Duration ceiling(Ticks at) {
    return fare::Duration(static_cast<std::int64_t>((at + (Ticks{1} << 40) - 1) >> 40));
  }
  static Ticks factor(double us, int bits) {
    return static_cast<Ticks>(us * 1'000 * static_cast<double>(Ticks{1} << bits) + 0.5);
  }
  std::int64_t blocks_of(std::int64_t tokens) const {
    return (tokens + model_.batch.block_tokens - 1) / model_.batch.block_tokens;
  }

  void end_iteration(Replica& replica, std::vector<PoolEvent>& out) {
    replica.iterates = false;
    for (Sequence& one : replica.running) {
      if (one.decodes) {
        step(one);
      } else {
        one.computed += one.chunk;
        one.resident += one.chunk << 16;
      }
    }
    std::erase_if(replica.running, [](const Sequence& one) { return one.cancelled; });
    const auto finish = [&](const Sequence& one) {
      out.push_back({one.work.slot, PoolEventKind::kFinished});
      replica.outstanding -= one.amount;
    };
    for (const Sequence& one : replica.running) {
      if (one.decodes && one.generated >= one.work.output.count()) finish(one);
    }
    for (Sequence& one : replica.running) {
      if (one.decodes || one.computed < one.target) continue;
      if (one.generated == 0) out.push_back({one.work.slot, PoolEventKind::kFirstToken});
      ++one.generated;
      if (one.generated == one.work.output.count()) {
        finish(one);
      } else {
        begin_decode(one);
      }
    }
    std::erase_if(replica.running,
                  [](const Sequence& one) { return one.generated >= one.work.output.count(); });
  }

  void begin_decode(Sequence& one) {
    one.decodes = true;
    if (!model_.batch.speculation) return;
    one.luck.emplace(key_, one.work.entity);
    fare::RandomStream ahead = *one.luck;
    const std::int64_t left = one.work.output.count() - one.generated;
    one.growth = (left << 16) / StepSampler(*model_.batch.speculation).steps(left, ahead);
  }

  void step(Sequence& one) {
    std::int64_t tokens = 1;
    if (one.luck) {
      tokens = std::min(StepSampler(*model_.batch.speculation).tokens(*one.luck),
                        one.work.output.count() - one.generated);
    }
    one.generated += tokens;
    one.resident += one.luck && straight_ ? one.growth : tokens << 16;
  }

  void start_iteration(Replica& replica, std::vector<PoolEvent>& out) {
    const BatchModel& batch = model_.batch;
    const bool preempted = give_blocks(replica, out);
    std::int64_t budget = batch.batch_tokens;
    for (const Sequence& one : replica.running) {
      if (one.decodes) budget -= batch.speculation ? 1 + batch.speculation->draft_tokens : 1;
    }
    std::int64_t prefill = 0;
    const auto deal = [&](Sequence& one) {
      one.chunk = std::min(budget, one.target - one.computed);
      budget -= one.chunk;
      prefill += one.chunk;
    };
    for (Sequence& one : replica.running) {
      if (!one.decodes) deal(one);
    }
    while (!preempted && !replica.waiting.empty()) {
      Sequence one = replica.waiting.front();
      const bool all = batch.speculation.has_value();
      one.blocks =
          blocks_of(one.work.input.count() + (all ? one.work.output.count() - 1 : one.generated));
      if (one.sent > replica.clock || one.blocks > free_of(replica) || budget == 0) break;
      if (static_cast<std::int64_t>(replica.running.size()) == batch.sequences_max) break;
      replica.waiting.pop_front();
      if (one.generated == 0) out.push_back({one.work.slot, PoolEventKind::kStarted});
      one.target = one.work.input.count() + one.generated;
      one.computed =
          one.generated > 0 ? 0 : std::min(one.work.cached.count(), one.work.input.count() - 1);
      one.resident = one.computed << 16;
      deal(one);
      replica.running.push_back(one);
    }
    if (replica.running.empty()) {
      if (!replica.waiting.empty()) replica.clock = replica.waiting.front().sent;
      return;
    }
    play(replica, prefill);
  }

  std::int64_t free_of(const Replica& replica) const {
    std::int64_t free = model_.batch.blocks;
    for (const Sequence& one : replica.running) free -= one.blocks;
    return free;
  }

  // A block for each sequence whose blocks are full, in order of admission; the last gives way.
  bool give_blocks(Replica& replica, std::vector<PoolEvent>& out) {
    bool preempted = false;
    if (model_.batch.speculation) return false;
    for (std::size_t i = 0; i < replica.running.size(); ++i) {
      if (!replica.running[i].decodes) continue;
      const std::int64_t held = replica.running[i].resident >> 16;
      if (blocks_of(held + 1) == replica.running[i].blocks) continue;
      while (i < replica.running.size() && free_of(replica) == 0) {
        Sequence last = replica.running.back();
        replica.running.pop_back();
        out.push_back({last.work.slot, PoolEventKind::kPreempted});
        last.decodes = false;
        last.blocks = 0;
        replica.waiting.push_front(last);
        preempted = true;
        ++done_.preemptions;
      }
      if (i < replica.running.size()) ++replica.running[i].blocks;
    }
    return preempted;
  }

  void play(Replica& replica, std::int64_t prefill) {
    const BatchModel& batch = model_.batch;
    std::int64_t decoding = 0;
    std::int64_t resident = 0;
    for (const Sequence& one : replica.running) {
      decoding += one.decodes;
      resident += one.resident;
    }
    Ticks time = factor(batch.base_us, 40) + factor(batch.us_per_sequence, 40) * decoding +
                 factor(batch.us_per_resident_token, 24) * resident +
                 factor(batch.us_per_prefill_token, 40) * prefill;
    if (batch.speculation && decoding > 0) {
      time += batch.speculation->draft_tokens *
              (factor(batch.speculation->draft_us, 40) +
               factor(batch.speculation->draft_us_per_sequence, 40) * decoding);
    }
    replica.clock += time;
    replica.iterates = true;
    ++done_.iterations;
    done_.sequences += decoding;
    done_.resident_tokens += resident;
    done_.prefill_tokens += prefill;
    done_.busy += time;
  }

  PoolModel model_;
  fare::RandomKey key_;
  bool straight_;
  std::vector<Replica> replicas_;
  BatchWork done_;
};

}  // namespace routesim
