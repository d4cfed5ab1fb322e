#pragma once

#include <array>     // std::array.
#include <cstdint>   // std::uint8_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "fare/cache_economics.h"  // CachePrices.
#include "fare/cache_rules.h"      // CacheRules.
#include "fare/prompt_cache.h"     // PromptCache.
#include "fare/request.h"          // PromptBlocks.
#include "fare/usage.h"            // Usage, Meter.
#include "spend/spin_lock.h"       // SpinLock.

namespace fare {

// How a target's prompts are cached and billed.
struct CachedModel {
  const CacheRules* rules = nullptr;  // Null: not at all, or it is not known how.
  std::uint8_t lifetime = 0;          // Of everything but breakpoints that say otherwise.
  Tokens minimum;
  std::array<Meter, kCacheLifetimesMax> written{};  // What written tokens are billed as.
};

// How the input of a prompt is expected to be billed.
struct InputSplit {
  Tokens read;
  std::array<Tokens, kCacheLifetimesMax> written{};
  Tokens plain;

  void put(const CachedModel& model, Usage& usage) const;
};

// What one target's vendor is likely to hold of the prompts that were sent there.  Thread-safe,
// with a lock of its own.
//
// Memory: two caches take turns.  Once the younger one holds kEntriesMax entries it becomes the
// older one, which is only read, and the older one is forgotten: what was used since is in both.
// So never more than twice that, at about 100 bytes an entry, and what is forgotten counts as cold.
class TargetCache {
 public:
  static constexpr std::size_t kEntriesMax = 250'000;

  explicit TargetCache(const CacheRules& rules);

  // Goes on by these rules; if they are others, with nothing in it.
  void set_rules(const CacheRules& rules);

  // What the prompt would be billed as now; nothing if the vendor would refuse it.
  std::optional<InputSplit> look_up(const CachedModel& model, const PromptBlocks& prompt,
                                    Tokens input, Instant now) const;

  // It is sent now, and its first token is expected at `readable`.
  void store(const CachedModel& model, const PromptBlocks& prompt, Tokens input, Instant now,
             Instant readable);

  std::size_t entries() const;

 private:
  std::string name_;
  Instant from_;
  mutable SpinLock lock_;
  PromptCache young_;
  PromptCache old_;
};

}  // namespace fare
