#include "fare/health.h"

#include <algorithm>

#include "fare/check.h"
#include "spend/decay.h"

namespace fare {

bool blames_target(AttemptEnd end) {
  switch (end) {
    case AttemptEnd::kServerError:
    case AttemptEnd::kTimeout:
    case AttemptEnd::kCutOff:
      return true;
    case AttemptEnd::kAnswered:
    case AttemptEnd::kRateLimited:
    case AttemptEnd::kRejected:
    case AttemptEnd::kFiltered:
    case AttemptEnd::kCancelled:
      break;
  }
  return false;
}

AttemptEnd end_of_status(int status) {
  if (status >= 200 && status < 300) return AttemptEnd::kAnswered;
  if (status == 408) return AttemptEnd::kTimeout;
  if (status == 429) return AttemptEnd::kRateLimited;
  return status >= 500 ? AttemptEnd::kServerError : AttemptEnd::kRejected;
}

Breaker::Breaker(const Options& options) { set_options(options); }

void Breaker::set_options(const Options& options) {
  FARE_CHECK(options.failures_max >= 1);
  FARE_CHECK(options.failure_share_max > 0);
  FARE_CHECK(options.failure_share_max <= 1);
  FARE_CHECK(options.attempts_min >= 1);
  FARE_CHECK(options.half_life > Duration(0));
  FARE_CHECK(options.eject_min > Duration(0));
  FARE_CHECK(options.eject_max >= options.eject_min);
  FARE_CHECK(options.eject_max <= std::chrono::hours(24 * 366));
  FARE_CHECK(options.probes_max >= 1);
  FARE_CHECK(options.probes_needed >= 1);
  FARE_CHECK(options.probe_timeout > Duration(0));
  FARE_CHECK(options.ramp >= Duration(0));
  FARE_CHECK(options.ramp <= std::chrono::hours(24 * 366));
  FARE_CHECK(options.ramp_from > 0);
  FARE_CHECK(options.ramp_from <= 1);
  options_ = options;
}

Breaker::State Breaker::state(Instant now) const {
  if (is_out_) return now < since_ ? State::kEjected : State::kProbing;
  return ejections_ > 0 && now < since_ + options_.ramp ? State::kRamping : State::kClosed;
}

double Breaker::share(Instant now) const {
  switch (state(now)) {
    case State::kClosed:
      return 1;
    case State::kRamping:
      break;
    case State::kEjected:
    case State::kProbing:
      return 0;
  }
  const auto passed = static_cast<double>(std::max(Duration(0), now - since_).count());
  const double done = passed / static_cast<double>(options_.ramp.count());
  return options_.ramp_from + (1 - options_.ramp_from) * done;
}

bool Breaker::wants_probe(Instant now) const {
  if (state(now) != State::kProbing) return false;
  return probing_ < options_.probes_max || now - options_.probe_timeout >= probe_at_;
}

void Breaker::start_probe(Instant now) {
  FARE_CHECK(wants_probe(now));
  if (probing_ == options_.probes_max) probing_ = 0;  // They are lost.
  probing_ += 1;
  probe_at_ = now;
}

void Breaker::record(AttemptEnd end, Instant started, Instant now) {
  if (started < since_) return;
  if (is_out_) return record_probe(end, now);
  const bool failed = blames_target(end);
  if (!failed && end != AttemptEnd::kAnswered) return;
  const double left = decay(weighed_at_, now, options_.half_life);
  attempts_ = attempts_ * left + 1;
  failed_ = failed_ * left + (failed ? 1 : 0);
  weighed_at_ = std::max(weighed_at_, now);
  failures_ = failed ? failures_ + 1 : 0;
  const bool too_many =
      attempts_ >= options_.attempts_min && failed_ >= options_.failure_share_max * attempts_;
  if (failed && (failures_ >= options_.failures_max || too_many)) eject(now);
}

void Breaker::record_probe(AttemptEnd end, Instant now) {
  probing_ = std::max(0, probing_ - 1);
  if (blames_target(end)) return eject(now);
  if (end != AttemptEnd::kAnswered && end != AttemptEnd::kRateLimited) return;
  probes_answered_ += 1;
  if (probes_answered_ >= options_.probes_needed) close(now);
}

void Breaker::eject(Instant now) {
  const bool was_healthy = !is_out_ && ejections_ > 0 && now >= since_ + options_.eject_max;
  if (was_healthy) ejections_ = 0;
  Duration time = options_.eject_min;
  for (int i = 0; i < ejections_ && time < options_.eject_max; ++i) time += time;
  ejections_ += 1;
  is_out_ = true;
  since_ = now + std::min(time, options_.eject_max);
  probing_ = 0;
  probes_answered_ = 0;
}

void Breaker::close(Instant now) {
  is_out_ = false;
  since_ = now;
  failures_ = 0;
  attempts_ = failed_ = 0;
}

}  // namespace fare
