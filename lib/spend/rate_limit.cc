#include "fare/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blocks.h"
#include "fare/check.h"
#include "spend/flow_bucket.h"
#include "spend/spin_lock.h"

namespace fare {
namespace {

constexpr std::int64_t kUnitsMax = 1'000'000'000'000;
constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kParts = 3;
// A limit's share of LimitTicket::charged: a bit for each part, and one for how input was counted.
constexpr unsigned kChargedBits = 4;
constexpr std::uint64_t kCacheReads = 8;
static_assert(kLimitsMax * kChargedBits <= 64);
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
  std::uint8_t limited = 0;  // Bit i: part i is; the bucket of one that no longer is sleeps.
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
  bool is_limited(std::size_t i) const { return (limited >> i & 1u) != 0; }
  // What a request that is admitted now takes, for correct(): its parts, and how input is counted.
  std::uint64_t charged() const { return limited | (cache_reads_count ? kCacheReads : 0u); }
  void correct(std::uint64_t charged, const Units& more) {
    for (std::size_t i = 0; i < kParts; ++i) {
      if ((charged >> i & 1u) != 0) part[i]->correct(more[i]);
    }
  }
  bool admits(const Units& units) const {
    if (at < held_until || (slots != 0 && open >= slots)) return false;
    for (std::size_t i = 0; i < kParts; ++i) {
      if (is_limited(i) && !part[i]->fits(units[i])) return false;
    }
    return true;
  }
  void configure(const RateLimit& to, Instant now) {
    advance(now);
    slots = to.slots.value_or(0);
    cache_reads_count = to.cache_reads_count;
    limited = 0;
    const std::optional<Flow>* flow[kParts] = {&to.requests, &to.input, &to.output};
    for (std::size_t i = 0; i < kParts; ++i) {
      if (!*flow[i]) continue;
      limited = static_cast<std::uint8_t>(limited | 1u << i);
      if (part[i]) {
        part[i]->change(**flow[i]);
      } else {
        part[i].emplace(**flow[i], at);
      }
    }
  }
};

using Limits = Blocks<Limit, 16>;

// Holds the locks of a request's limits; ids in ascending order.
class Held {
 public:
  Held(const Limits& all, std::span<const LimitId> ids) : size_(ids.size()) {
    for (std::size_t i = 0; i < size_; ++i) {
      limit_[i] = &all[static_cast<std::uint32_t>(ids[i])];
      limit_[i]->lock.lock();
    }
  }
  ~Held() {
    for (std::size_t i = 0; i < size_; ++i) limit_[i]->lock.unlock();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Limit& operator[](std::size_t i) const { return *limit_[i]; }
  std::size_t size() const { return size_; }

 private:
  std::array<Limit*, kLimitsMax> limit_;
  std::size_t size_;
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
    if (!limit.is_limited(i)) continue;
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
  Limits limits;
  std::atomic<std::uint32_t> size = 0;
  std::mutex structure;  // Held while limits are added.

  bool has(LimitId id) const {
    return static_cast<std::uint32_t>(id) < size.load(std::memory_order_acquire);
  }
  Limit& at(LimitId id) const {
    FARE_CHECK(has(id));
    return limits[static_cast<std::uint32_t>(id)];
  }
  LimitId add(const RateLimit& limit, Instant now) {
    const std::uint32_t index = size.load(std::memory_order_relaxed);
    limits.grow(index + 1);
    limits[index].configure(limit, now);
    size.store(index + 1, std::memory_order_release);
    return LimitId{index};
  }
};

RateLimits::RateLimits(std::unique_ptr<State> state) : state_(std::move(state)) {}
RateLimits::~RateLimits() = default;

Expected<std::unique_ptr<RateLimits>> RateLimits::create(std::span<const RateLimit> limits,
                                                         Instant now) {
  Errors errors = check_limits(limits);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  auto state = std::make_unique<State>();
  for (const RateLimit& limit : limits) state->add(limit, now);
  return std::unique_ptr<RateLimits>(new RateLimits(std::move(state)));
}

Expected<std::vector<LimitId>> RateLimits::reload(std::span<const RateLimit> limits,
                                                  std::span<const std::optional<LimitId>> from,
                                                  Instant now) {
  FARE_CHECK(from.size() == limits.size());
  Errors errors = check_limits(limits);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  std::vector<LimitId> named;
  for (const std::optional<LimitId>& id : from) {
    if (!id) continue;
    FARE_CHECK(state_->has(*id));
    named.push_back(*id);
  }
  std::sort(named.begin(), named.end());
  FARE_CHECK(std::adjacent_find(named.begin(), named.end()) == named.end());
  const std::scoped_lock structure(state_->structure);
  std::vector<LimitId> ids;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    ids.push_back(from[i] ? *from[i] : state_->add(limits[i], now));
    if (!from[i]) continue;
    Limit& limit = state_->at(*from[i]);
    const std::scoped_lock lock(limit.lock);
    limit.configure(limits[i], now);
  }
  return ids;
}

LimitAnswer RateLimits::acquire(std::span<const LimitId> limits, const LimitUse& estimate,
                                Instant now) {
  check_range(estimate);
  LimitAnswer answer;
  answer.ticket.estimate = estimate;
  const std::uint32_t size = state_->size.load(std::memory_order_acquire);
  for (const LimitId id : limits) {
    FARE_CHECK(static_cast<std::uint32_t>(id) < size);
    answer.ticket.limits.push_back(id);
  }
  auto& ids = answer.ticket.limits;
  std::sort(ids.begin(), ids.end());
  FARE_CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  const Held held(state_->limits, {ids.begin(), ids.size()});
  bool fits = true;
  for (std::size_t i = 0; i < held.size(); ++i) {
    Limit& limit = held[i];
    limit.advance(now);
    fits &= limit.admits(units_of(estimate, limit.cache_reads_count));
  }
  if (!fits) {
    answer.retry_at = now;
    for (std::size_t i = 0; i < held.size(); ++i) {
      add_refusal(held[i], units_of(estimate, held[i].cache_reads_count), answer);
    }
    return answer;
  }
  std::uint64_t all_charged = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    Limit& limit = held[i];
    const std::uint64_t charged = limit.charged();
    limit.correct(charged, units_of(estimate, limit.cache_reads_count));
    limit.open += 1;
    all_charged |= charged << kChargedBits * i;
  }
  answer.ticket.charged = all_charged;
  return answer;
}

void RateLimits::settle(const LimitTicket& ticket, const std::optional<LimitUse>& used,
                        Instant now) {
  if (used) check_range(*used);
  std::uint64_t charged = ticket.charged;
  for (const LimitId id : ticket.limits) {
    Limit& limit = state_->at(id);
    const std::lock_guard guard(limit.lock);
    FARE_CHECK(limit.open > 0);
    limit.open -= 1;
    if (used) {
      const Units taken = units_of(ticket.estimate, (charged & kCacheReads) != 0);
      const Units actual = units_of(*used, (charged & kCacheReads) != 0);
      limit.advance(now);
      limit.correct(charged, {0, actual[1] - taken[1], actual[2] - taken[2]});
    }
    charged >>= kChargedBits;
  }
}

void RateLimits::release(const LimitTicket& ticket, Instant now) {
  std::uint64_t charged = ticket.charged;
  for (const LimitId id : ticket.limits) {
    Limit& limit = state_->at(id);
    const std::lock_guard guard(limit.lock);
    FARE_CHECK(limit.open > 0);
    limit.open -= 1;
    const Units taken = units_of(ticket.estimate, (charged & kCacheReads) != 0);
    limit.advance(now);
    limit.correct(charged, {-taken[0], -taken[1], -taken[2]});
    charged >>= kChargedBits;
  }
}

bool RateLimits::observe(LimitId id, const VendorState& state, Instant now) {
  FARE_CHECK(state.remaining >= 0);
  Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  limit.advance(now);
  const auto part = static_cast<std::size_t>(state.part);
  if (!limit.is_limited(part)) return false;
  auto& bucket = limit.part[part];
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
  if (!limit.is_limited(static_cast<std::size_t>(part))) return std::nullopt;
  return limit.part[static_cast<std::size_t>(part)]->level();
}

std::uint32_t RateLimits::open(LimitId id) const {
  const Limit& limit = state_->at(id);
  const std::lock_guard guard(limit.lock);
  return limit.open;
}

}  // namespace fare
