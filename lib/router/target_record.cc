#include "router/target_record.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace fare {
namespace {

constexpr Duration kHoldMax = std::chrono::hours(24);
constexpr double kCenturyNs = 3'155'760'000e9;

// What is left of a weight of one after `age`: exact after whole half-lives, straight between them,
// so never more than 6.2 % too much; it costs a division instead of an exponential.
double roughly_left(std::int64_t age_ns, Duration half_life) {
  if (age_ns <= 0) return 1;
  const std::int64_t halves = age_ns / half_life.count();
  if (halves >= 60) return 0;
  const auto rest = static_cast<double>(age_ns % half_life.count());
  const double part = rest / static_cast<double>(half_life.count());
  return (1 - part / 2) / static_cast<double>(std::int64_t{1} << halves);
}

AttemptEnd end_of(const Attempt& attempt) {
  return attempt.end.value_or(attempt.answered ? AttemptEnd::kAnswered : AttemptEnd::kServerError);
}

bool has_times(const Attempt& attempt) {
  return attempt.answered && attempt.first_token >= Duration(0) &&
         attempt.total >= attempt.first_token && attempt.total > Duration(0);
}

}  // namespace

TargetRecord::TargetRecord(std::string name, std::uint64_t id, const Breaker::Options& health)
    : name_(std::move(name)), id_(id), breaker_(health), latency_(kLatencyHalfLife) {}

void TargetRecord::set_health(const Breaker::Options& health) {
  const std::scoped_lock guard(lock_);
  breaker_.set_options(health);
}

std::vector<std::uint32_t> TargetRecord::set_classes(const std::vector<std::string>& names) {
  std::vector<std::uint32_t> places;
  const std::scoped_lock guard(lock_);
  const auto place = [this](const std::string& name) {
    auto found = std::find(output_names_.begin(), output_names_.end(), name);
    if (found == output_names_.end()) {
      output_names_.push_back(name);
      outputs_.emplace_back(kOutputHalfLife);
      found = output_names_.end() - 1;
    }
    return static_cast<std::uint32_t>(found - output_names_.begin());
  };
  for (const std::string& name : names) places.push_back(place(name));
  places.push_back(place(""));
  return places;
}

void TargetRecord::set_cache(const CacheRules& rules) {
  if (cache == nullptr) {
    cache = std::make_unique<TargetCache>(rules);
  } else {
    cache->set_rules(rules);
  }
}

TargetRecord::Health TargetRecord::ask_health(Instant now) const {
  const std::scoped_lock guard(lock_);
  return {.share = breaker_.share(now),
          .wants_probe = breaker_.wants_probe(now),
          .probes_at = breaker_.probes_at()};
}

bool TargetRecord::hold(Instant until, Instant now) {
  const bool has_day = now <= Instant::max() - kHoldMax;
  if (has_day && until > now + kHoldMax) return false;
  const std::int64_t to = until.time_since_epoch().count();
  std::int64_t held = held_until_.load(std::memory_order_relaxed);
  while (held < to && !held_until_.compare_exchange_weak(held, to, std::memory_order_relaxed)) {
  }
  return true;
}

bool TargetRecord::begin(bool is_probe, Instant now) {
  if (is_probe) {
    const std::scoped_lock guard(lock_);
    if (!breaker_.wants_probe(now)) return false;
    breaker_.start_probe(now);
  }
  open_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void TargetRecord::publish(Published& to, const DecayingMean& from, Instant now) {
  to.weight.store(from.weight(now), std::memory_order_relaxed);
  to.mean.store(from.upper(0).value_or(0), std::memory_order_relaxed);
}

void TargetRecord::end(const Attempt& attempt, std::uint32_t output_place, Instant now) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  const std::scoped_lock guard(lock_);
  breaker_.record(end_of(attempt), attempt.started, now);
  is_unwell_.store(breaker_.state(now) != Breaker::State::kClosed, std::memory_order_release);
  const std::int64_t output = attempt.usage ? attempt.usage->total_output().count() : 0;
  if (has_times(attempt)) {
    latency_.observe(attempt.first_token, attempt.total, output, now);
    publish(first_, latency_.first_token_ns(), now);
    publish(each_, latency_.per_token_ns(), now);
    published_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  if (attempt.answered && attempt.usage) {
    outputs_[output_place].observe(static_cast<double>(output), now);
  }
}

void TargetRecord::forget(bool was_probe, Instant now) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (!was_probe) return;
  const std::scoped_lock guard(lock_);
  breaker_.record(AttemptEnd::kCancelled, now, now);
}

std::optional<Duration> TargetRecord::predict(const std::optional<LatencyPrior>& prior,
                                              Tokens output, Instant now) const {
  const double known = first_.weight.load(std::memory_order_relaxed);
  const auto later = std::max<std::int64_t>(output.count() - 1, 0);
  double total = 0;
  if (known == 0) {
    if (!prior) return std::nullopt;
    // At most a day each and 1e12 tokens: 128 bits hold the product.
    const Int128 exact =
        prior->first_token.count() + static_cast<Int128>(later) * prior->per_output_token.count();
    if (exact <= static_cast<Int128>(1) << 52) return Duration(static_cast<std::int64_t>(exact));
    total = static_cast<double>(exact);
  } else {
    const std::int64_t age =
        now.time_since_epoch().count() - published_at_.load(std::memory_order_relaxed);
    const double left = roughly_left(age, kLatencyHalfLife);
    const auto blend = [left](const Published& seen, std::optional<Duration> before) {
      const double weight = seen.weight.load(std::memory_order_relaxed) * left;
      const double mean = seen.mean.load(std::memory_order_relaxed);
      if (!before) return mean;
      return (weight * mean + static_cast<double>(before->count())) / (weight + 1);
    };
    using Prior = std::optional<Duration>;
    total = blend(first_, prior ? Prior(prior->first_token) : std::nullopt) +
            blend(each_, prior ? Prior(prior->per_output_token) : std::nullopt) *
                static_cast<double>(later);
  }
  return Duration(static_cast<std::int64_t>(std::min(total, kCenturyNs)));
}

double TargetRecord::peak_ns(double prior, Instant now) const {
  const std::scoped_lock guard(lock_);
  return latency_.first_token_peak_ns().value(prior, now);
}

std::optional<double> TargetRecord::output_upper(std::uint32_t place, Instant now) const {
  const std::scoped_lock guard(lock_);
  const DecayingMean& seen = outputs_[place];
  if (seen.weight(now) < kOutputsMin) return std::nullopt;
  return seen.upper(kOutputQuantile);
}

TargetState TargetRecord::state(Instant now) const {
  const std::scoped_lock guard(lock_);
  TargetState state;
  state.health = breaker_.state(now);
  state.open = open();
  const auto mean = [](const DecayingMean& seen) -> std::optional<Duration> {
    const std::optional<double> value = seen.upper(0);
    if (!value) return std::nullopt;
    return Duration(static_cast<std::int64_t>(*value));
  };
  state.first_token = mean(latency_.first_token_ns());
  state.output_token = mean(latency_.per_token_ns());
  return state;
}

}  // namespace fare
