#include <algorithm>
#include <array>

#include "router/router_state.h"

namespace fare {
namespace {

Ledger::Options ledger_options(const Config& config) {
  // The ledger spreads its tickets by scope, the router by request: were all of them one scope's,
  // one shard of the ledger's would hold them all.
  const std::uint64_t most = std::uint64_t{config.open_tickets_max} * TicketTable::kShards;
  return {.tickets_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, 0xffffffffu))};
}

bool same(const std::optional<RateLimit>& a, const std::optional<RateLimit>& b) {
  const auto same_flow = [](const std::optional<Flow>& x, const std::optional<Flow>& y) {
    if (!x || !y) return !x && !y;
    return x->count == y->count && x->per == y->per && x->burst == y->burst;
  };
  if (!a || !b) return !a && !b;
  return same_flow(a->requests, b->requests) && same_flow(a->input, b->input) &&
         same_flow(a->output, b->output) && a->slots == b->slots &&
         a->cache_reads_count == b->cache_reads_count;
}

// Whether two configurations mean the same by a target.
bool same(const Snapshot& a, std::size_t i, const Snapshot& b, std::size_t k) {
  const PolicyTarget& x = a.policy.targets[i];
  const PolicyTarget& y = b.policy.targets[k];
  return a.targets[i].facts.provider == b.targets[k].facts.provider &&
         a.targets[i].facts.model == b.targets[k].facts.model && x.region == y.region &&
         x.tier == y.tier && x.cache == y.cache && same(x.limits, y.limits);
}

std::optional<std::size_t> find_target(const PolicyData& policy, std::string_view name) {
  for (std::size_t i = 0; i < policy.targets.size(); ++i) {
    if (policy.targets[i].name == name) return i;
  }
  return std::nullopt;
}

void compare(const Snapshot& before, const Snapshot& after, RouterReload& report) {
  report.prices_changed = before.config.prices.hash() != after.config.prices.hash();
  report.policy_changed = before.config.policy.hash() != after.config.policy.hash();
  for (std::size_t i = 0; i < after.targets.size(); ++i) {
    const auto known = find_target(before.policy, after.policy.targets[i].name);
    if (!known) {
      ++report.targets_added;
    } else if (!same(before, *known, after, i)) {
      ++report.targets_changed;
    }
  }
  for (const PolicyTarget& target : before.policy.targets) {
    report.targets_removed += find_target(after.policy, target.name) ? 0 : 1;
  }
}

}  // namespace

Expected<std::vector<LimitId>> Router::State::load_limits(const Snapshot& snapshot, Instant now) {
  std::vector<RateLimit> all;
  std::vector<std::optional<LimitId>> from;
  for (const PolicyTarget& target : snapshot.policy.targets) {
    if (!target.limits) continue;
    all.push_back(*target.limits);
    const auto record = records.find(target.name);
    from.push_back(record == records.end() ? std::nullopt : record->second->limit);
  }
  return limits->reload(all, from, now);
}

// From here on nothing fails.
void Router::State::attach(Snapshot& snapshot, std::span<const LimitId> limit_ids, Instant now) {
  const auto& rules = snapshot.policy.rules;
  if (std::any_of(rules.begin(), rules.end(), [](const PolicyRule& rule) { return rule.pin; })) {
    sessions.prepare();
  }
  for (const PolicyRule& rule : rules) {
    const bool hedges = rule.hedge && snapshot.ledger != nullptr;
    snapshot.hedge_scopes.push_back(hedges ? snapshot.ledger->find(rule.hedge->scope) : ScopeId{});
  }
  std::vector<std::string> classes;
  for (const PolicyClass& one : snapshot.policy.classes) classes.push_back(one.name);
  for (std::size_t i = 0; i < snapshot.targets.size(); ++i) {
    const PolicyTarget& named = snapshot.policy.targets[i];
    RoutedTarget& target = snapshot.targets[i];
    std::unique_ptr<TargetRecord>& record = records[named.name];
    if (record == nullptr) {
      record = std::make_unique<TargetRecord>(named.name, ++records_made, snapshot.policy.health);
    }
    record->set_health(snapshot.policy.health);
    target.output_place = record->set_classes(classes);
    target.record = record.get();
    ++record->users;
    if (named.limits) {
      record->limit = target.limit = limit_ids.front();
      limit_ids = limit_ids.subspan(1);
    }
    if (target.is_cached) record->set_cache(*target.cached.rules);
    if (snapshot.ledger == nullptr) continue;
    for (const std::string& name : {"provider:" + std::string(target.facts.provider),
                                    "model:" + std::string(target.facts.model)}) {
      const ScopeId scope = snapshot.ledger->find_or_create(name, now);
      if (scope != ScopeId{}) target.side_scopes.push_back(scope);
    }
  }
}

// Forgets what no configuration has any more, unless a limit or a hold is to be found again.
void Router::State::drop(const Snapshot& snapshot, Instant now) {
  for (const RoutedTarget& target : snapshot.targets) --target.record->users;
  std::erase_if(records, [now](const auto& one) {
    const TargetRecord& record = *one.second;
    return record.users == 0 && !record.limit && record.held_until() <= now;
  });
}

Expected<RouterReload> Router::State::load(Config config, Instant now) {
  Expected<std::unique_ptr<Snapshot>> made = make_snapshot(std::move(config), now);
  if (!made) return tl::unexpected<Errors>(std::move(made.error()));
  Snapshot& snapshot = **made;
  const std::optional<std::uint32_t> slot =
      generations.free_slot([this, now](const Snapshot& old) { drop(old, now); });
  if (!slot) {
    return fail(ErrorCode::kConflict, "open_tickets",
                "tickets of all of the last 63 configurations are still open");
  }
  const Expected<std::vector<LimitId>> limit_ids = load_limits(snapshot, now);
  if (!limit_ids) return tl::unexpected<Errors>(limit_ids.error());
  RouterReload report;
  const std::optional<BudgetConfig>& budgets = snapshot.config.budgets;
  if (budgets && ledger == nullptr) {
    auto first = Ledger::create(*budgets, now, ledger_options(snapshot.config));
    if (!first) return tl::unexpected<Errors>(std::move(first.error()));
    ledger = std::move(*first);
  } else if (budgets) {
    const Expected<ReloadReport> changed = ledger->reload(*budgets, now);
    if (!changed) return tl::unexpected<Errors>(changed.error());
    report.budgets = *changed;
  }
  snapshot.ledger = budgets ? ledger.get() : nullptr;
  attach(snapshot, *limit_ids, now);
  report.generation = snapshot.generation = ++loads;
  if (loads > 1) compare(current(), snapshot, report);
  tickets.set_open_max(snapshot.config.open_tickets_max);
  retries.set(snapshot.policy.retry, tickets.routed());
  generations.publish(*slot, std::move(*made));
  return report;
}

}  // namespace fare
