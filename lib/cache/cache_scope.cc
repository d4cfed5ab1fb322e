#include "fare/cache_scope.h"

#include "base/names.h"
#include "base/probe_table.h"
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
    Instant start = Instant::min();
    std::uint32_t requests = 0;
  };

  void sweep(Instant now) {
    if (minutes.size() < sweep_at) return;
    minutes.erase_if(
        [now](const Minute& minute) { return now - minute.start >= std::chrono::minutes(2); });
    sweep_at = 2 * minutes.size() + 1'024;
  }

  std::uint32_t per_minute;
  std::size_t sweep_at = 1'024;
  ProbeTable<std::uint64_t, Minute, BlockHash> minutes;
};

MachineSpread::MachineSpread(std::uint32_t per_minute) : state_(std::make_unique<State>()) {
  state_->per_minute = per_minute;
}

MachineSpread::~MachineSpread() = default;

std::uint32_t MachineSpread::place(std::uint64_t prefix, Instant now) {
  State& state = *state_;
  if (state.per_minute == 0) return 0;
  state.sweep(now);
  State::Minute& minute = state.minutes.make(prefix);
  if (minute.requests == 0 || now - minute.start >= std::chrono::minutes(1)) {
    minute.start = now;
    minute.requests = 0;
  }
  return minute.requests++ / state.per_minute;
}

void MachineSpread::fetch(std::uint64_t prefix) const { state_->minutes.fetch(prefix); }

}  // namespace fare
