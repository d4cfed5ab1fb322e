#include "fare/cache_economics.h"

#include <algorithm>

#include "fare/check.h"

namespace fare {
namespace {

constexpr std::int64_t kRequestsMax = 1'000'000;
constexpr std::int64_t kMillion = 1'000'000;

Int128 ceil_of(Int128 dividend, Int128 divisor) {
  const Int128 quotient = dividend / divisor;
  return quotient + (dividend % divisor > 0 ? 1 : 0);
}

Rate times_ppm(Rate rate, std::int64_t ppm) {
  return Rate(static_cast<std::int64_t>(static_cast<Int128>(rate.count()) * ppm / kMillion));
}

}  // namespace

CachePrices prices_from(const CacheRules& rules, std::uint8_t lifetime, Rate input) {
  FARE_CHECK(lifetime < rules.lifetimes.size());
  return {.plain = input,
          .read = times_ppm(input, rules.read_ppm),
          .write = times_ppm(input, rules.lifetimes[lifetime].write_ppm),
          .storage = rules.storage};
}

Cost input_cost(Tokens input, Tokens warm, const CachePrices& prices) {
  FARE_CHECK(warm >= Tokens());
  FARE_CHECK(warm <= input);
  return prices.read * warm + prices.write * (input - warm);
}

Cost warm_value(Tokens warm, const CachePrices& prices) {
  return prices.write * warm - prices.read * warm;
}

// After the first request, request k reads input + (k - 1) growth and writes growth.
Cost session_cost(const SessionAhead& ahead, Tokens warm, const CachePrices& prices) {
  FARE_CHECK(ahead.requests >= 1);
  FARE_CHECK(ahead.requests <= kRequestsMax);
  const std::int64_t later = ahead.requests - 1;
  const std::int64_t steps = later * (later - 1) / 2;
  const Int128 read = static_cast<Int128>(later) * ahead.input.count() +
                      static_cast<Int128>(steps) * ahead.growth.count();
  const Int128 written = static_cast<Int128>(later) * ahead.growth.count();
  return input_cost(ahead.input, warm, prices) +
         Cost(read * prices.read.count() + written * prices.write.count());
}

Cost switch_regret(const SessionAhead& ahead, const CacheSide& stay, const CacheSide& go) {
  return session_cost(ahead, go.warm, go.prices) - session_cost(ahead, stay.warm, stay.prices);
}

// As a function of the requests the regret is a parabola, or a line; so from some number on its
// sign stays, and walking back from the end finds where it last changed.
std::optional<std::int64_t> switch_break_even(const SessionAhead& ahead, const CacheSide& stay,
                                              const CacheSide& go, std::int64_t requests_max) {
  FARE_CHECK(requests_max >= 1);
  FARE_CHECK(requests_max <= kRequestsMax);
  const auto pays = [&](std::int64_t requests) {
    return switch_regret({ahead.input, ahead.growth, requests}, stay, go) <= Cost();
  };
  if (!pays(requests_max)) return std::nullopt;
  std::int64_t requests = requests_max;
  while (requests > 1 && pays(requests - 1)) --requests;
  return requests;
}

std::optional<std::int64_t> pre_warm_break_even(const CachePrices& prices) {
  const std::int64_t saved = (prices.write - prices.read).count();
  if (saved <= 0) return std::nullopt;
  return prices.write.count() / saved + 1;  // n * saved > write.
}

std::int64_t keep_alive_reads(const CachePrices& prices) {
  if (prices.read <= Rate()) return kRequestsMax;
  const std::int64_t saved = (prices.write - prices.read).count();
  return std::clamp<std::int64_t>(saved / prices.read.count(), 0, kRequestsMax);
}

LifetimeChoice lifetime_cost(const CacheRules& rules, std::uint8_t lifetime,
                             std::span<const Duration> gaps) {
  FARE_CHECK(lifetime < rules.lifetimes.size());
  LifetimeChoice choice{.lifetime = lifetime, .reads = 0, .writes = 1, .cost_ppm = 0};
  for (const Duration gap : gaps) {
    ++(gap <= rules.lifetimes[lifetime].ttl ? choice.reads : choice.writes);
  }
  choice.cost_ppm =
      choice.reads * rules.read_ppm + choice.writes * rules.lifetimes[lifetime].write_ppm;
  return choice;
}

LifetimeChoice best_lifetime(const CacheRules& rules, std::span<const Duration> gaps) {
  LifetimeChoice best = lifetime_cost(rules, 0, gaps);
  for (std::size_t i = 1; i < rules.lifetimes.size(); ++i) {
    const LifetimeChoice other = lifetime_cost(rules, static_cast<std::uint8_t>(i), gaps);
    if (other.cost_ppm < best.cost_ppm) best = other;
  }
  return best;
}

// N L p >= M w + (N - 1) M r, solved for L.
Tokens padding_break_even(Tokens minimum, std::int64_t uses, const CachePrices& prices) {
  FARE_CHECK(uses >= 1);
  FARE_CHECK(prices.plain > Rate());
  const Int128 padded =
      static_cast<Int128>(minimum.count()) *
      (prices.write.count() + (uses - 1) * static_cast<Int128>(prices.read.count()));
  const Int128 plain = static_cast<Int128>(uses) * prices.plain.count();
  const Int128 length = ceil_of(padded, plain);
  return length > minimum.count() ? minimum : Tokens(static_cast<std::int64_t>(length));
}

Cost storage_cost(Tokens tokens, Duration kept, const CachePrices& prices) {
  const Int128 hour = std::chrono::duration_cast<Duration>(std::chrono::hours(1)).count();
  // Tokens times rate fit in 82 bits for a million dollars a million; nanoseconds are split off.
  const Int128 per_hour = (prices.storage * tokens).count();
  const Int128 whole = kept.count() / hour;
  const Int128 rest = kept.count() % hour;
  return Cost(per_hour * whole + ceil_of(per_hour * rest, hour));
}

}  // namespace fare
