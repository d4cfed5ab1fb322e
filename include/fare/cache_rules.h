#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <memory>       // std::shared_ptr.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <utility>      // std::pair.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "fare/money.h"     // Rate.
#include "fare/time.h"      // Duration, Instant.
#include "fare/tokens.h"    // Tokens.

namespace fare {

// What a vendor's cache can be read at.
enum class CacheUnit : std::uint8_t {
  kAnyPrefix,    // Any prefix of blocks that earlier prompts had, rounded down to a step of tokens.
  kBreakpoints,  // Only where an earlier prompt had a breakpoint: the lookup starts at a breakpoint
                 // and walks back over a number of positions (content blocks, messages).
  kUnits,        // Only whole units: ends of inputs and outputs, common prefixes once detected, and
                 // every so many tokens.
};

// Who shares a cache: the parts of a name that must be equal.  A set of bits.
enum CacheScopePart : std::uint8_t {
  kScopeOrganisation = 1,
  kScopeWorkspace = 2,
  kScopeRegion = 4,
  kScopeModel = 8,
  kScopeCacheKey = 16,
};

// How long an entry lives and what writing it costs.
struct CacheLifetime {
  std::string name;    // "5m"; unique among its rules.
  Duration ttl{};      // At least so long,
  Duration ttl_max{};  // and at most so long: vendors leave some of it open.
  std::int64_t write_ppm =
      1'000'000;  // Price of a written token, in millionths of the input price.
};

inline constexpr std::size_t kCacheLifetimesMax = 4;
inline constexpr Duration kForever = Duration::max();

// The rules of one vendor's prompt cache for one period: a value, read from data.
struct CacheRules {
  std::string vendor;
  std::string name;      // "anthropic".
  Instant from{};        // The period starts here, as far as its source tells.
  std::string source;    // Title and place of what it was read from.
  std::string observed;  // The day of reading: "2026-08-21".
  std::string note;

  CacheUnit unit = CacheUnit::kAnyPrefix;
  Tokens step{1};                     // kAnyPrefix: what was read is a multiple of it.
  std::uint32_t breakpoints_max = 0;  // kBreakpoints: of one prompt.
  std::uint32_t lookback = 0;         // kBreakpoints: positions checked, the breakpoint's included.
  bool common_prefixes = false;       // kUnits: a prefix that two prompts share becomes a unit.
  Tokens interval;                    // kUnits: one every so many tokens; 0: none.

  Tokens minimum;  // A shorter prefix is not cached; for models that are not in the list.
  std::vector<std::pair<std::string, Tokens>> model_minimum;
  std::vector<CacheLifetime> lifetimes;  // At least one; a prompt chooses by index.
  bool refreshed_by_reads = true;        // A read starts the lifetime anew.
  bool clock_from_first_token = false;   // The lifetime counts from there, not the request's start.
  bool readable_at_once = false;         // Else from the first token of the request that wrote.
  std::uint8_t scope = 0;                // CacheScopePart bits.
  std::uint32_t overflow_per_minute =
      0;  // Above that rate a prefix spills to a cold machine; 0: no.

  std::int64_t read_ppm = 1'000'000;  // Price of a token read, in millionths of the input price.
  Rate storage;             // Picodollars for a token kept for an hour; 0: keeping is free.
  bool reads_count = true;  // Whether tokens read count toward the limit of input tokens a minute.

  // The minimum of a model: of its id, or of the id without a date such as "-20251101".
  [[nodiscard]] Tokens minimum_for(std::string_view model) const;
};

// Rules, and one of their lifetimes.
struct CacheChoice {
  const CacheRules* rules = nullptr;
  std::uint8_t lifetime = 0;
};

// Dated rules of many vendors: an immutable value; copies share it, any number of threads may read.
// The format "fare-cache-rules/1" is described in pricing/cache/README.md and schema.json.
class CacheRuleBook {
 public:
  struct Source {
    std::string_view name;  // The path, for messages.
    std::string_view text;  // JSON.
  };

  // Reads all files together.  Errors: everything wrong with any of them, each with its place; a
  // name that stands twice.
  [[nodiscard]] static Expected<CacheRuleBook> parse(std::span<const Source> sources);

  // The rules in force at `at`, by "NAME-LIFETIME" ("anthropic-1h") or, for their first lifetime,
  // by "NAME".  An alias is as good as the name.  The choice lives as long as the book.
  // Errors: no such name; the rules start later.
  [[nodiscard]] Expected<CacheChoice> find(std::string_view name, Instant at) const;

  // Every "NAME-LIFETIME", as find() takes them, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  struct Tables;

 private:
  explicit CacheRuleBook(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}

  std::shared_ptr<const Tables> tables_;
};

}  // namespace fare
