#include "fare/cache_scope.h"

#include <iterator>

#include "base/names.h"
#include "cache/block_index.h"

namespace fare {

std::uint64_t cache_scope(const CacheRules& rules, const CacheCaller& caller) {
  const struct {
    std::uint8_t part;
    std::string_view name;
  } parts[] = {{kScopeOrganisation, caller.organisation},
               {kScopeWorkspace, caller.workspace},
               {kScopeRegion, caller.region},
               {kScopeModel, caller.model},
               {kScopeCacheKey, caller.cache_key}};
  std::uint64_t scope = caller.machine;
  for (const auto& [part, name] : parts) {
    if ((rules.scope & part) == 0) continue;
    scope = BlockHash()(scope + part) ^ NameHash()(name);
  }
  return scope;
}

struct MachineSpread::State {
  struct Minute {
    Instant start;
    std::uint32_t requests = 0;
  };

  void sweep(Instant now) {
    if (minutes.size() < sweep_at) return;
    for (auto entry = minutes.begin(); entry != minutes.end();) {
      const bool old = now - entry->second.start >= std::chrono::minutes(2);
      entry = old ? minutes.erase(entry) : std::next(entry);
    }
    sweep_at = 2 * minutes.size() + 1'024;
  }

  std::uint32_t per_minute;
  std::size_t sweep_at = 1'024;
  tsl::robin_map<std::uint64_t, Minute, BlockHash> minutes;
};

MachineSpread::MachineSpread(std::uint32_t per_minute) : state_(std::make_unique<State>()) {
  state_->per_minute = per_minute;
}

MachineSpread::~MachineSpread() = default;

std::uint32_t MachineSpread::place(std::uint64_t prefix, Instant now) {
  State& state = *state_;
  if (state.per_minute == 0) return 0;
  state.sweep(now);
  auto& minute = state.minutes.try_emplace(prefix, State::Minute{now, 0}).first.value();
  if (now - minute.start >= std::chrono::minutes(1)) minute = {now, 0};
  return minute.requests++ / state.per_minute;
}

}  // namespace fare
