#include "fare/prompt_cache.h"

#include <algorithm>

#include "base/probe_table.h"
#include "cache/prefix_tree.h"
#include "fare/check.h"

namespace fare {
namespace {

constexpr std::size_t kSweepMin = 1'024;
constexpr std::size_t kNoPosition = static_cast<std::size_t>(-1);

// Names of blocks by their number, for numbers that only go down.
class NamesBackward {
 public:
  explicit NamesBackward(BlockList blocks)
      : blocks_(blocks), run_(blocks.size()), before_(count_blocks(blocks)) {}

  // The name of block number `count` - 1.  REQUIRES: 1 <= count, not above any earlier one, nor
  // above the number of blocks.
  std::uint64_t last_of(std::uint64_t count) {
    while (before_ >= count) before_ -= blocks_[--run_].count;
    FARE_CHECK(run_ < blocks_.size());
    return blocks_[run_].first + (count - 1 - before_);
  }

 private:
  BlockList blocks_;
  std::size_t run_;
  std::uint64_t before_;  // Blocks before the run.
};

// The breakpoints of a prompt, one on its last position if it names none.
class Breakpoints {
 public:
  explicit Breakpoints(const CachePrompt& prompt)
      : automatic_{static_cast<std::uint32_t>(prompt.positions.size() - 1), prompt.lifetime},
        points_(prompt.breakpoints) {
    if (points_.empty()) points_ = {&automatic_, 1};
  }
  Breakpoints(const Breakpoints&) = delete;
  Breakpoints& operator=(const Breakpoints&) = delete;

  std::span<const CacheBreakpoint> points() const { return points_; }

 private:
  CacheBreakpoint automatic_;
  std::span<const CacheBreakpoint> points_;
};

}  // namespace

Tokens CacheBill::all_written() const {
  Tokens sum;
  for (const Tokens tokens : written) sum += tokens;
  return sum;
}

struct PromptCache::State {
  // What can be read: so many blocks, and so many tokens.
  struct Hit {
    std::uint64_t blocks = 0;
    Tokens tokens;
  };

  CacheProblem problem_of(const CachePrompt& prompt) const;
  Hit find(const CachePrompt& prompt, Instant now) const;
  Hit find_prefix(const CachePrompt& prompt, Instant now) const;
  Hit find_breakpoint(const CachePrompt& prompt, Instant now) const;
  Hit find_unit(const CachePrompt& prompt, Instant now) const;
  CacheBill bill(const CachePrompt& prompt, Tokens read) const;
  CacheAnswer answer(const CachePrompt& prompt, Instant now) const;
  void refresh(const CachePrompt& prompt, std::uint64_t hit_blocks, Instant now);
  void store_breakpoints(const CachePrompt& prompt, Instant started, Instant readable);
  void store_units(const CachePrompt& prompt, const CacheLife& life, Instant started);
  CacheLife life_of(const CachePrompt& prompt, std::uint8_t lifetime, Instant started,
                    Instant readable) const;
  void sweep(Instant now);
  void fetch(const CachePrompt& prompt) const;

  static std::uint8_t lifetime_of(const CachePrompt& prompt, const CacheBreakpoint& point) {
    return point.lifetime == kPromptLifetime ? prompt.lifetime : point.lifetime;
  }
  static Tokens tokens_of(const CachePrompt& prompt, std::uint64_t blocks) {
    const Int128 tokens = static_cast<Int128>(blocks) * prompt.block_tokens.count();
    return tokens < prompt.input.count() ? Tokens(static_cast<std::int64_t>(tokens)) : prompt.input;
  }

  CacheRules rules;
  PrefixTree tree;  // kAnyPrefix, kUnits.
  // kBreakpoints: by the last block before one.
  ProbeTable<ScopedBlock, CacheLife, ScopedBlockHash> entries;
  std::size_t sweep_at = kSweepMin;
};

CacheProblem PromptCache::State::problem_of(const CachePrompt& prompt) const {
  if (prompt.lifetime >= rules.lifetimes.size()) return CacheProblem::kNoSuchPosition;
  if (rules.unit != CacheUnit::kBreakpoints) return CacheProblem::kNone;
  if (prompt.positions.empty()) return CacheProblem::kNoSuchPosition;
  if (prompt.breakpoints.size() > rules.breakpoints_max) return CacheProblem::kTooManyBreakpoints;
  const CacheBreakpoint* before = nullptr;
  for (const CacheBreakpoint& point : prompt.breakpoints) {
    if (point.position >= prompt.positions.size()) return CacheProblem::kNoSuchPosition;
    const std::uint8_t lifetime = lifetime_of(prompt, point);
    if (lifetime >= rules.lifetimes.size()) return CacheProblem::kNoSuchPosition;
    if (before != nullptr) {
      if (point.position <= before->position) return CacheProblem::kNoSuchPosition;
      const std::uint8_t earlier = lifetime_of(prompt, *before);
      if (rules.lifetimes[lifetime].ttl > rules.lifetimes[earlier].ttl) {
        return CacheProblem::kShorterBeforeLonger;
      }
    }
    before = &point;
  }
  return CacheProblem::kNone;
}

PromptCache::State::Hit PromptCache::State::find(const CachePrompt& prompt, Instant now) const {
  switch (rules.unit) {
    case CacheUnit::kAnyPrefix:
      return find_prefix(prompt, now);
    case CacheUnit::kBreakpoints:
      return find_breakpoint(prompt, now);
    case CacheUnit::kUnits:
      return find_unit(prompt, now);
  }
  return {};
}

PromptCache::State::Hit PromptCache::State::find_prefix(const CachePrompt& prompt,
                                                        Instant now) const {
  std::uint64_t blocks = tree.readable_prefix(prompt.scope, prompt.blocks, now);
  const Tokens all = tokens_of(prompt, blocks);
  const Tokens whole(all.count() - all.count() % rules.step.count());
  if (whole < prompt.minimum) return {};
  if (whole < all) blocks = static_cast<std::uint64_t>(whole.count() / prompt.block_tokens.count());
  return {blocks, whole};
}

// From the last breakpoint on, each with its window.  What windows share is checked once.
PromptCache::State::Hit PromptCache::State::find_breakpoint(const CachePrompt& prompt,
                                                            Instant now) const {
  const Breakpoints breakpoints(prompt);
  NamesBackward names(prompt.blocks);
  std::size_t unchecked = kNoPosition;  // Positions from here on were checked.
  for (std::size_t i = breakpoints.points().size(); i-- > 0;) {
    const std::size_t end = breakpoints.points()[i].position + std::size_t{1};
    const std::size_t begin = end - std::min<std::size_t>(end, rules.lookback);
    for (std::size_t p = std::min(end, unchecked); p-- > begin;) {
      const CachePosition& position = prompt.positions[p];
      if (position.blocks == 0) return {};
      const CacheLife* const entry = entries.find({prompt.scope, names.last_of(position.blocks)});
      if (entry != nullptr && entry->can_read(now)) {
        return {position.blocks, position.tokens};
      }
    }
    unchecked = std::min(unchecked, begin);
  }
  return {};
}

PromptCache::State::Hit PromptCache::State::find_unit(const CachePrompt& prompt,
                                                      Instant now) const {
  const std::uint64_t best = tree.readable_unit(prompt.scope, prompt.blocks, now);
  const Tokens tokens = tokens_of(prompt, best);
  return tokens < prompt.minimum ? Hit() : Hit{best, tokens};
}

// Up to each breakpoint behind what was read, the tokens are written for its lifetime.  Anthropic
// documents it for two lifetimes as the positions A (read), B and C (written 1 h, 5 min).
CacheBill PromptCache::State::bill(const CachePrompt& prompt, Tokens read) const {
  CacheBill bill;
  bill.read = read;
  Tokens done = read;
  if (rules.unit == CacheUnit::kBreakpoints) {
    const Breakpoints breakpoints(prompt);
    for (const CacheBreakpoint& point : breakpoints.points()) {
      const Tokens tokens = prompt.positions[point.position].tokens;
      if (tokens <= done || tokens < prompt.minimum) continue;
      bill.written[lifetime_of(prompt, point)] += tokens - done;
      done = tokens;
    }
  } else if (prompt.input >= prompt.minimum) {
    bill.written[prompt.lifetime] = prompt.input - done;
    done = prompt.input;
  }
  bill.plain = prompt.input - done;
  return bill;
}

CacheAnswer PromptCache::State::answer(const CachePrompt& prompt, Instant now) const {
  CacheAnswer answer;
  answer.problem = problem_of(prompt);
  if (answer.problem != CacheProblem::kNone) return answer;
  const Hit hit = find(prompt, now);
  answer.hit_blocks = hit.tokens > Tokens() ? hit.blocks : 0;
  answer.bill = bill(prompt, hit.tokens);
  answer.limited = rules.reads_count ? prompt.input : prompt.input - hit.tokens;
  return answer;
}

void PromptCache::State::refresh(const CachePrompt& prompt, std::uint64_t hit_blocks, Instant now) {
  if (hit_blocks == 0 || !rules.refreshed_by_reads) return;
  if (rules.unit != CacheUnit::kBreakpoints) {
    tree.extend(prompt.scope, prompt.blocks, hit_blocks, now);
    return;
  }
  const std::uint64_t name = NamesBackward(prompt.blocks).last_of(hit_blocks);
  entries.find({prompt.scope, name})->extend(now);
}

CacheLife PromptCache::State::life_of(const CachePrompt& prompt, std::uint8_t lifetime,
                                      Instant started, Instant readable) const {
  const CacheLifetime& chosen = rules.lifetimes[lifetime];
  const auto slack = static_cast<double>((chosen.ttl_max - chosen.ttl).count());
  const Duration span = chosen.ttl + Duration(static_cast<std::int64_t>(slack * prompt.life));
  const Instant clock = rules.clock_from_first_token ? readable : started;
  return {.expires = later(clock, span),
          .readable = rules.readable_at_once ? started : readable,
          .span = span};
}

void PromptCache::State::store_breakpoints(const CachePrompt& prompt, Instant started,
                                           Instant readable) {
  const Breakpoints breakpoints(prompt);
  NamesBackward names(prompt.blocks);
  for (std::size_t i = breakpoints.points().size(); i-- > 0;) {
    const CacheBreakpoint& point = breakpoints.points()[i];
    const CachePosition& position = prompt.positions[point.position];
    if (position.blocks == 0 || position.tokens < prompt.minimum) continue;
    CacheLife& entry = entries.make({prompt.scope, names.last_of(position.blocks)});
    if (!entry.can_read(started)) {
      entry.join(life_of(prompt, lifetime_of(prompt, point), started, readable), started);
    } else if (rules.refreshed_by_reads) {
      entry.extend(started);  // It was not written, so it keeps the lifetime that was paid for.
    }
  }
}

void PromptCache::State::store_units(const CachePrompt& prompt, const CacheLife& life,
                                     Instant started) {
  const std::uint64_t count = count_blocks(prompt.blocks);
  const std::uint64_t shared = tree.alive_prefix(prompt.scope, prompt.blocks, started);
  tree.write(prompt.scope, prompt.blocks, life, started);
  const auto mark = [&](std::uint64_t blocks) {
    if (blocks == 0 || tokens_of(prompt, blocks) < prompt.minimum) return;
    tree.write_unit(prompt.scope, prompt.blocks, blocks, life, started);
  };
  if (rules.common_prefixes) mark(shared);
  for (std::int64_t tokens = rules.interval.count();
       rules.interval > Tokens() && tokens < prompt.input.count();
       tokens += rules.interval.count()) {
    mark(std::min(count, static_cast<std::uint64_t>(tokens / prompt.block_tokens.count())));
  }
  mark(count);
}

void PromptCache::State::sweep(Instant now) {
  if (tree.size() + entries.size() < sweep_at) return;
  tree.sweep(now);
  entries.erase_if([now](const CacheLife& entry) { return !entry.alive(now); });
  sweep_at = 2 * (tree.size() + entries.size()) + kSweepMin;
}

void PromptCache::State::fetch(const CachePrompt& prompt) const {
  if (prompt.blocks.empty()) return;
  if (rules.unit != CacheUnit::kBreakpoints) {
    tree.fetch(prompt.scope, prompt.blocks.front().first);
    tree.fetch(prompt.scope, prompt.blocks.back().first);
    return;
  }
  if (prompt.positions.empty()) return;
  const Breakpoints breakpoints(prompt);
  const CachePosition& last = prompt.positions[breakpoints.points().back().position];
  if (last.blocks == 0) return;
  entries.fetch({prompt.scope, NamesBackward(prompt.blocks).last_of(last.blocks)});
}

PromptCache::PromptCache(const CacheRules& rules) : state_(std::make_unique<State>()) {
  FARE_CHECK(!rules.lifetimes.empty());
  FARE_CHECK(rules.lifetimes.size() <= kCacheLifetimesMax);
  FARE_CHECK(rules.step > Tokens());
  state_->rules = rules;
}

PromptCache::~PromptCache() = default;
PromptCache::PromptCache(PromptCache&&) noexcept = default;
PromptCache& PromptCache::operator=(PromptCache&&) noexcept = default;

CacheAnswer PromptCache::look_up(const CachePrompt& prompt, Instant now) const {
  return state_->answer(prompt, now);
}

void PromptCache::fetch(const CachePrompt& prompt) const { state_->fetch(prompt); }

void PromptCache::fetch_found(const CachePrompt& prompt) const {
  if (prompt.blocks.empty() || state_->rules.unit == CacheUnit::kBreakpoints) return;
  state_->tree.fetch_segment(prompt.scope, prompt.blocks.front().first);
}

CacheAnswer PromptCache::begin(const CachePrompt& prompt, Instant now) {
  const CacheAnswer answer = state_->answer(prompt, now);
  state_->refresh(prompt, answer.hit_blocks, now);
  return answer;
}

void PromptCache::store(const CachePrompt& prompt, Instant started, Instant readable) {
  FARE_CHECK(started <= readable);
  FARE_CHECK(state_->problem_of(prompt) == CacheProblem::kNone);
  if (prompt.input < prompt.minimum) return;
  state_->sweep(started);
  if (state_->rules.unit == CacheUnit::kBreakpoints) {
    state_->store_breakpoints(prompt, started, readable);
    return;
  }
  const CacheLife life = state_->life_of(prompt, prompt.lifetime, started, readable);
  if (state_->rules.unit == CacheUnit::kUnits) {
    state_->store_units(prompt, life, started);
  } else {
    state_->tree.write(prompt.scope, prompt.blocks, life, started);
  }
}

std::size_t PromptCache::entries() const { return state_->tree.size() + state_->entries.size(); }

void PromptCache::clear() {
  state_->tree.clear();
  state_->entries.clear();
  state_->sweep_at = kSweepMin;
}

}  // namespace fare
