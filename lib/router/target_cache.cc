#include "router/target_cache.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace fare {
namespace {

CachePrompt prompt_of(const CachedModel& model, const PromptBlocks& prompt, Tokens input) {
  CachePrompt made;
  made.scope = prompt.caller;
  made.blocks = prompt.blocks;
  made.input = input;
  made.block_tokens = prompt.block_tokens;
  made.minimum = model.minimum;
  made.positions = prompt.positions;
  made.breakpoints = prompt.breakpoints;
  made.lifetime = model.lifetime;
  return made;
}

}  // namespace

void InputSplit::put(const CachedModel& model, Usage& usage) const {
  usage[Meter::kInput] = plain;
  usage[Meter::kCacheRead] = read;
  for (std::size_t i = 0; i < kCacheLifetimesMax; ++i) {
    if (written[i] != Tokens()) usage[model.written[i]] += written[i];
  }
}

TargetCache::TargetCache(const CacheRules& rules)
    : name_(rules.name), from_(rules.from), young_(rules), old_(rules) {}

void TargetCache::set_rules(const CacheRules& rules) {
  const std::scoped_lock guard(lock_);
  if (rules.name == name_ && rules.from == from_) return;
  name_ = rules.name;
  from_ = rules.from;
  young_ = PromptCache(rules);
  old_ = PromptCache(rules);
}

std::optional<InputSplit> TargetCache::look_up(const CachedModel& model, const PromptBlocks& prompt,
                                               Tokens input, Instant now) const {
  const CachePrompt asked = prompt_of(model, prompt, input);
  const std::scoped_lock guard(lock_);
  const CacheAnswer young = young_.look_up(asked, now);
  if (young.problem != CacheProblem::kNone) return std::nullopt;
  const CacheAnswer old = old_.look_up(asked, now);
  const CacheBill& bill = old.bill.read > young.bill.read ? old.bill : young.bill;
  return InputSplit{.read = bill.read, .written = bill.written, .plain = bill.plain};
}

void TargetCache::store(const CachedModel& model, const PromptBlocks& prompt, Tokens input,
                        Instant now, Instant readable) {
  const CachePrompt asked = prompt_of(model, prompt, input);
  const std::scoped_lock guard(lock_);
  if (young_.begin(asked, now).problem != CacheProblem::kNone) return;
  young_.store(asked, now, std::max(now, readable));
  if (young_.entries() <= kEntriesMax) return;
  std::swap(young_, old_);
  young_.clear();
}

std::size_t TargetCache::entries() const {
  const std::scoped_lock guard(lock_);
  return young_.entries() + old_.entries();
}

}  // namespace fare
