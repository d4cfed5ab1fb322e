#include "fare/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fare/check.h"
#include "spend/flow_bucket.h"
#include "spend/spin_lock.h"

namespace fare {
namespace {

constexpr std::int64_t kUnitsMax = 1'000'000'000'000;
constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kParts = 3;
constexpr std::string_view kPartName[kParts] = {"requests", "input", "output"};

using Units = std::array<std::int64_t, kParts>;

Units units_of(const LimitUse& use, bool cache_reads_count) {
  const Tokens input = cache_reads_count ? use.input + use.cache_read : use.input;
  return {1, input.count(), use.output.count()};
}

// Two instants may be further apart than a Duration reaches.
bool is_within_a_day(Instant until, Instant now) {
  return static_cast<Int128>(until.time_since_epoch().count()) - now.time_since_epoch().count() <=
         kDay.count();
}

void check_range(const LimitUse& use) {
  for (const Tokens tokens : {use.input, use.cache_read, use.output}) {
    FARE_CHECK(tokens >= Tokens());
    FARE_CHECK(tokens <= kTokensMax);
  }
}

// One limit, under its own lock.
struct alignas(64) Limit {
  mutable SpinLock lock;
  std::uint32_t slots = 0;  // 0: as many as you like.
  std::uint32_t open = 0;
  bool cache_reads_count = true;
  Instant held_until = Instant::min();
  Instant at = Instant::min();  // The latest `now`.
  std::array<std::optional<FlowBucket>, kParts> part;

  void advance(Instant now) {
    at = std::max(at, now);
    for (auto& bucket : part) {
      if (bucket) bucket->advance(now);
    }
  }
  void correct(const Units& more) {
    for (std::size_t i = 0; i < kParts; ++i) {
      if (part[i]) part[i]->correct(more[i]);
    }
  }
  bool admits(const Units& units) const {
    if (at < held_until || (slots != 0 && open >= slots)) return false;
    for (std::size_t i = 0; i < kParts; ++i) {
      if (part[i] && !part[i]->fits(units[i])) return false;
    }
    return true;
  }
};

// Holds the locks of a request's limits; ids in ascending order.
class Held {
 public:
  Held(Limit* all, std::span<const LimitId> ids) : all_(all), ids_(ids) {
    for (const LimitId id : ids_) at(id).lock.lock();
  }
  ~Held() {
    for (const LimitId id : ids_) at(id).lock.unlock();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Limit& at(LimitId id) const { return all_[static_cast<std::uint32_t>(id)]; }

 private:
  Limit* all_;
  std::span<const LimitId> ids_;
};

void check_flow(const std::optional<Flow>& flow, const std::string& where, Errors& errors) {
  if (!flow) return;
  const auto check = [&](std::int64_t value, std::int64_t max, const char* name) {
    if (value >= 1 && value <= max) return;
    errors.push_back({ErrorCode::kOutOfRange, where + name,
                      fmt::format("is {}; must be from 1 to {}", value, max)});
  };
  check(flow->count, kUnitsMax, "/count");
  check(flow->per.count(), kDay.count(), "/per");
  check(flow->burst, kUnitsMax, "/burst");
}

Errors check_limits(std::span<const RateLimit> limits) {
  Errors errors;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const std::optional<Flow>* flows[] = {&limits[i].requests, &limits[i].input, &limits[i].output};
    for (std::size_t part = 0; part < kParts; ++part) {
      check_flow(*flows[part], fmt::format("/{}/{}", i, kPartName[part]), errors);
    }
    if (limits[i].slots == 0u) {
      errors.push_back(
          {ErrorCode::kOutOfRange, fmt::format("/{}/slots", i), "is 0; must be at least 1"});
    }
  }
  return errors;
}

// Why a limit does not admit: too large before no slot before a wait.
void add_refusal(const Limit& limit, const Units& units, LimitAnswer& answer) {
  const auto worsen = [&answer](Admission to) {
    answer.admission = std::max(answer.admission, to);
  };
  if (limit.slots != 0 && limit.open >= limit.slots) worsen(Admission::kNoSlot);
  Instant ready = std::max(limit.at, limit.held_until);
  for (std::size_t i = 0; i < kParts; ++i) {
    if (!limit.part[i]) continue;
    const bool too_large = units[i] > limit.part[i]->burst();
    const auto at = too_large ? std::nullopt : limit.part[i]->ready_at(units[i]);
    if (!at) return worsen(Admission::kTooLarge);
    ready = std::max(ready, *at);
  }
  worsen(Admission::kWait);
  answer.retry_at = std::max(answer.retry_at, ready);
}

}  // namespace

struct RateLimits::State {
  std::unique_ptr<Limit[]> limits;
  std::size_t size = 0;

  Limit& at(LimitId id) const {
    FARE_CHECK(static_cast<std::size_t>(id) < size);
    return limits[static_cast<std::size_t>(id)];
  }
};

RateLimits::RateLimits(std::unique_ptr<State> state) : state_(std::move(state)) {}
RateLimits::~RateLimits() = default;

Expected<std::unique_ptr<RateLimits>> RateLimits::create(std::span<const RateLimit> limits,
                                                         Instant now) {
  Errors errors = check_limits(limits);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  auto state = std::make_unique<State>();
  state->limits = std::make_unique<Limit[]>(limits.size());
  state->size = limits.size();
  for (std::size_t i = 0; i < limits.size(); ++i) {
    Limit& limit = state->limits[i];
    limit.slots = limits[i].slots.value_or(0);
    limit.cache_reads_count = limits[i].cache_reads_count;
    limit.at = now;
    if (limits[i].requests) limit.part[0].emplace(*limits[i].requests, now);
    if (limits[i].input) limit.part[1].emplace(*limits[i].input, now);
    if (limits[i].output) limit.part[2].emplace(*limits[i].output, now);
  }
  return std::unique_ptr<RateLimits>(new RateLimits(std::move(state)));
}

LimitAnswer RateLimits::acquire(std::span<const LimitId> limits, const LimitUse& estimate,
                                Instant now) {
  check_range(estimate);
  LimitAnswer answer;
  answer.ticket.estimate = estimate;
  for (const LimitId id : limits) {
    FARE_CHECK(static_cast<std::size_t>(id) < state_->size);
    answer.ticket.limits.push_back(id);
  }
  auto& ids = answer.ticket.limits;
  std::sort(ids.begin(), ids.end());
  FARE_CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  const Held held(state_->limits.get(), {ids.begin(), ids.size()});
  bool fits = true;
  for (const LimitId id : ids) {
    Limit& limit = held.at(id);
    limit.advance(now);
    fits &= limit.admits(units_of(estimate, limit.cache_reads_count));
  }
  if (!fits) {
    answer.retry_at = now;
    for (const LimitId id : ids) {
      add_refusal(held.at(id), units_of(estimate, held.at(id).cache_reads_count), answer);
    }
    return answer;
  }
  for (const LimitId id : ids) {
    Limit& limit = held.at(id);
    limit.correct(units_of(estimate, limit.cache_reads_count));
    limit.open += 1;
  }
  return answer;
}

void RateLimits::settle(const LimitTicket& ticket, const std::optional<LimitUse>& used,
                        Instant now) {
  if (used) check_range(*used);
  for (const LimitId id : ticket.limits) {
    Limit& limit = state_->at(id);
    const std::lock_guard guard(limit.lock);
    FARE_CHECK(limit.open > 0);
    limit.open -= 1;
    if (!used) continue;
    const Units taken = units_of(ticket.estimate, limit.cache_reads_count);
    const Units actual = units_of(*used, limit.cache_reads_count);
    limit.advance(now);
    limit.correct({0, actual[1] - taken[1], actual[2] - taken[2]});
  }
}

void RateLimits::release(const LimitTicket& ticket, Instant now) {
  for (const LimitId id : ticket.limits) {
    Limit& limit = state_->at(id);
    const std::lock_guard guard(limit.lock);
    FARE_CHECK(limit.open > 0);
    limit.open -= 1;
    const Units taken = units_of(ticket.estimate, limit.cache_reads_count);
    limit.advance(now);
    limit.correct({-taken[0], -taken[1], -taken[2]});
  }
}

bool RateLimits::observe(LimitId id, const VendorState& state, Instant now) {
  FARE_CHECK(state.remaining >= 0);
  Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  limit.advance(now);
  auto& bucket = limit.part[static_cast<std::size_t>(state.part)];
  if (!bucket) return false;
  if (state.window_end && !is_within_a_day(*state.window_end, limit.at)) return false;
  if (state.window_end) {
    bucket->set_window(state.remaining, *state.window_end);
  } else {
    bucket->lower(state.remaining);
  }
  return true;
}

bool RateLimits::hold(LimitId id, Instant until, Instant now) {
  Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  limit.advance(now);
  if (!is_within_a_day(until, limit.at)) return false;
  limit.held_until = std::max(limit.held_until, until);
  return true;
}

std::optional<std::int64_t> RateLimits::level(LimitId id, LimitPart part, Instant now) const {
  Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  limit.advance(now);
  const auto& bucket = limit.part[static_cast<std::size_t>(part)];
  if (!bucket) return std::nullopt;
  return bucket->level();
}

std::uint32_t RateLimits::open(LimitId id) const {
  const Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  return limit.open;
}

}  // namespace fare
