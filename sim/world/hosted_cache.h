#pragma once

#include <cstdint>      // std::uint64_t.
#include <memory>       // std::unique_ptr.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.

#include "base/json_reader.h"   // JsonNode.
#include "base/random.h"        // RandomKey.
#include "fare/block_cache.h"   // BlockCache, Eviction.
#include "fare/cache_rules.h"   // CacheRules, CacheRuleBook.
#include "fare/cache_scope.h"   // MachineSpread.
#include "fare/prompt_cache.h"  // PromptCache.
#include "fare/usage.h"         // Meter.
#include "world/prompts.h"      // Prompt.

namespace routesim {

// A hosted model's prompt cache: its vendor's rules, and how much it holds.
struct CacheModel {
  fare::CacheRules rules;  // As of the start of the run.
  std::uint8_t lifetime = 0;
  std::uint64_t blocks_max = 0;  // 0: no bound but the rules'.
  fare::Eviction eviction = fare::Eviction::kLruLeaf;
  bool by_tenant = false;  // Tenants read only their own; the capacity is common.
};

// Reads {"rules": "anthropic-5m", "capacity_blocks": 100000, "eviction": "lru-leaf",
//        "by_tenant": false}.  `book` is null if there are no rules at hand.
std::optional<CacheModel> read_cache_model(const fare::JsonNode& node, fare::Instant at,
                                           const fare::CacheRuleBook* book);

// How an input is billed: `read`, `written`, and the rest plainly.
struct CacheUse {
  fare::Tokens read;
  fare::Tokens written;
  std::uint32_t machine = 0;  // Of the vendor's, where the entry lives.
};

// The cache in one run.  What a bounded cache has evicted is not read, whatever the rules say: of a
// prefix that may be cut anywhere what is left is read; what is read whole or not at all is not.
// Not thread-safe.  Memory grows with what is alive.
class HostedCache {
 public:
  // `life` gives entries their place between the shortest and the longest life of their rules.
  HostedCache(const CacheModel& model, std::string_view name, const fare::RandomKey& life);

  // What the prompt would read and write on the first machine; changes nothing.
  CacheUse look_up(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant,
                   fare::Instant now) const;

  // Lets the processor fetch what begin() will look at first; then, some hundred nanoseconds later,
  // what that leads to.  Change nothing.
  void fetch(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant) const;
  void fetch_found(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant) const;

  // What an attempt that is admitted reads and writes; what it read lives anew.
  CacheUse begin(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant, fare::Instant now);

  // Writes what it leaves behind, readable from `readable` on.  `luck` is its entity.
  void store(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant, std::uint32_t machine,
             std::uint64_t luck, fare::Instant now, fare::Instant readable);

  // Whose rate written tokens have: where writing costs as much as input they are input.
  fare::Meter write_meter() const { return write_meter_; }
  bool reads_count() const { return model_.rules.reads_count; }
  bool charges_storage() const { return model_.rules.storage > fare::Rate(); }

 private:
  // Who reads what the tenant writes.
  std::uint64_t reader(std::uint32_t tenant) const {
    return model_.by_tenant ? std::uint64_t{tenant} + 1 : 0;
  }
  bool spreads(const Prompt& prompt) const {
    return model_.rules.overflow_per_minute > 0 && !prompt.blocks.empty();
  }
  std::uint64_t spread_name(const Prompt& prompt, std::uint32_t tenant) const {
    return prompt.blocks.front().first ^ reader(tenant) << 40;
  }
  fare::CachePrompt see(const Prompt& prompt, fare::Tokens input, std::uint32_t tenant,
                        std::uint32_t machine) const;
  CacheUse use_of(const fare::CachePrompt& prompt, const fare::CacheAnswer& answer,
                  std::uint64_t held, fare::Instant now) const;

  CacheModel model_;
  fare::Tokens minimum_;
  fare::RandomKey life_;
  fare::Meter write_meter_;
  fare::PromptCache cache_;
  fare::PromptCache cold_;  // Always empty: how a prompt is billed of which nothing is held.
  fare::MachineSpread spread_;
  std::unique_ptr<fare::BlockCache> bounded_;  // Null: no bound.
};

}  // namespace routesim
