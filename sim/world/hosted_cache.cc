#include "world/hosted_cache.h"

#include <algorithm>
#include <chrono>

namespace routesim {
namespace {

namespace json = fare::json;
using fare::CacheUnit;
using fare::ErrorCode;
using fare::Instant;
using fare::JsonNode;
using fare::Meter;
using fare::Tokens;

constexpr std::int64_t kBlocksMax = 1'000'000'000;
constexpr std::int64_t kInputPrice = 1'000'000;  // In millionths of itself.
constexpr std::uint64_t kAllHeld = UINT64_MAX;

// Price tables name writes by how long they last.
Meter meter_of(const fare::CacheLifetime& lifetime) {
  if (lifetime.write_ppm == kInputPrice) return Meter::kInput;
  if (lifetime.ttl <= std::chrono::minutes(30)) return Meter::kCacheWrite5m;
  return lifetime.ttl <= std::chrono::hours(1) ? Meter::kCacheWrite1h : Meter::kCacheWrite12h;
}

void find_rules(const JsonNode& node, const std::string& name, Instant at,
                const fare::CacheRuleBook* book, CacheModel& model) {
  if (book == nullptr) {
    node.problem(ErrorCode::kUnknownName,
                 "needs cache rules: a folder \"cache\" beside the price tables");
    return;
  }
  const fare::Expected<fare::CacheChoice> choice = book->find(name, at);
  if (choice) {
    model.rules = *choice->rules;
    model.lifetime = choice->lifetime;
    return;
  }
  for (const fare::Error& error : choice.error()) node.problem(error.code, error.message);
}

}  // namespace

std::optional<CacheModel> read_cache_model(const JsonNode& node, Instant at,
                                           const fare::CacheRuleBook* book) {
  CacheModel model;
  fare::ObjectReader reader(node);
  std::string name;
  if (reader.required("rules", name, json::text(128))) {
    find_rules(node.member("rules"), name, at, book, model);
  }
  std::int64_t blocks = 0;
  reader.optional("capacity_blocks", blocks, json::integer(1, kBlocksMax));
  model.blocks_max = static_cast<std::uint64_t>(blocks);
  // An oracle would need the future.
  const std::vector<std::string_view> names = {"lru-flat", "lru-leaf", "lru-rev", "fifo", "lfu"};
  std::size_t eviction = 1;
  if (reader.optional("eviction", eviction, json::one_of(names))) {
    model.eviction = *fare::parse_eviction(names[eviction]);
  }
  reader.optional("by_tenant", model.by_tenant, json::boolean());
  reader.finish();
  return reader.ok() ? std::optional<CacheModel>(std::move(model)) : std::nullopt;
}

HostedCache::HostedCache(const CacheModel& model, std::string_view name,
                         const fare::RandomKey& life)
    : model_(model),
      minimum_(model.rules.minimum_for(name)),
      life_(life),
      write_meter_(meter_of(model.rules.lifetimes[model.lifetime])),
      cache_(model.rules),
      cold_(model.rules),
      spread_(model.rules.overflow_per_minute) {
  if (model.blocks_max == 0) return;
  bounded_ = fare::BlockCache::create({.eviction = model.eviction, .blocks_max = model.blocks_max});
}

fare::CachePrompt HostedCache::see(const Prompt& prompt, Tokens input, std::uint32_t tenant,
                                   std::uint32_t machine) const {
  fare::CachePrompt seen{.scope = reader(tenant) << 32 | machine,
                         .blocks = prompt.blocks,
                         .input = input,
                         .block_tokens = prompt.block_tokens,
                         .minimum = minimum_,
                         .lifetime = model_.lifetime};
  if (model_.rules.unit != CacheUnit::kBreakpoints) return seen;
  seen.positions = prompt.positions;
  const std::size_t most = model_.rules.breakpoints_max;
  seen.breakpoints = prompt.breakpoints.first(std::min(prompt.breakpoints.size(), most));
  return seen;
}

CacheUse HostedCache::use_of(const fare::CachePrompt& prompt, const fare::CacheAnswer& answer,
                             std::uint64_t held, Instant now) const {
  FARE_CHECK(answer.problem == fare::CacheProblem::kNone);
  if (answer.hit_blocks <= held) {
    return {.read = answer.bill.read, .written = answer.bill.all_written()};
  }
  const fare::CacheBill cold = cold_.look_up(prompt, now).bill;
  CacheUse use{.read = {}, .written = cold.all_written()};
  if (model_.rules.unit != CacheUnit::kAnyPrefix) return use;
  const std::int64_t left = static_cast<std::int64_t>(held) * prompt.block_tokens.count();
  const Tokens whole(left - left % model_.rules.step.count());
  if (whole < prompt.minimum) return use;
  use.read = whole;
  use.written = std::max(use.written - whole, Tokens());
  return use;
}

CacheUse HostedCache::look_up(const Prompt& prompt, Tokens input, std::uint32_t tenant,
                              Instant now) const {
  const fare::CachePrompt seen = see(prompt, input, tenant, 0);
  const std::uint64_t held = bounded_ ? bounded_->match(prompt.blocks) : kAllHeld;
  return use_of(seen, cache_.look_up(seen, now), held, now);
}

void HostedCache::fetch(const Prompt& prompt, Tokens input, std::uint32_t tenant) const {
  if (spreads(prompt)) spread_.fetch(spread_name(prompt, tenant));
  cache_.fetch(see(prompt, input, tenant, 0));
  if (bounded_) bounded_->fetch(prompt.blocks);
}

void HostedCache::fetch_found(const Prompt& prompt, Tokens input, std::uint32_t tenant) const {
  cache_.fetch_found(see(prompt, input, tenant, 0));
  if (bounded_) bounded_->fetch_found(prompt.blocks);
}

CacheUse HostedCache::begin(const Prompt& prompt, Tokens input, std::uint32_t tenant, Instant now) {
  std::uint32_t machine = 0;
  if (spreads(prompt)) machine = spread_.place(spread_name(prompt, tenant), now);
  const fare::CachePrompt seen = see(prompt, input, tenant, machine);
  const std::uint64_t held = bounded_ ? bounded_->use(prompt.blocks) : kAllHeld;
  CacheUse use = use_of(seen, cache_.begin(seen, now), held, now);
  use.machine = machine;
  return use;
}

void HostedCache::store(const Prompt& prompt, Tokens input, std::uint32_t tenant,
                        std::uint32_t machine, std::uint64_t luck, Instant now, Instant readable) {
  fare::CachePrompt seen = see(prompt, input, tenant, machine);
  const fare::CacheLifetime& lifetime = model_.rules.lifetimes[model_.lifetime];
  if (lifetime.ttl_max > lifetime.ttl) seen.life = fare::RandomStream(life_, luck).uniform();
  cache_.store(seen, now, readable);
}

}  // namespace routesim
