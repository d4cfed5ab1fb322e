#pragma once

#include <cstdint>      // std::uint64_t.
#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.

#include "fare/cache_rules.h"  // CacheRules.
#include "fare/time.h"         // Instant.

namespace fare {

// Who asks.  Only the parts that the rules name keep caches apart.
struct CacheCaller {
  std::string_view organisation{};
  std::string_view workspace{};
  std::string_view region{};
  std::string_view model{};
  std::string_view cache_key{};
  std::uint32_t machine = 0;  // As MachineSpread says; always keeps apart.
};

// A number for CachePrompt::scope: equal for callers that share a cache under the rules; different
// for others, but for a chance of 2^-64.
[[nodiscard]] std::uint64_t cache_scope(const CacheRules& rules, const CacheCaller& caller);

// On which of its vendor's machines a request lands whose prompts start alike.  Entries live on one
// machine; beyond `per_minute` requests in a minute the next ones spill to the next machine, which
// is cold.  A model of what OpenAI documents, with minutes counted from a prefix's first request.
// Not thread-safe.  Memory grows with the prefixes of the last minutes.
class MachineSpread {
 public:
  explicit MachineSpread(std::uint32_t per_minute);  // 0: one machine for all.
  ~MachineSpread();

  // Counts the request.  `prefix` names the initial tokens (a first block's name, mixed with the
  // scope and cache key).  REQUIRES: `now` is not before an earlier one by more than a minute.
  std::uint32_t place(std::uint64_t prefix, Instant now);

  // Lets the processor fetch what place() will look at.  Changes nothing.
  void fetch(std::uint64_t prefix) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare
