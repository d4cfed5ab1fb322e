#include "world/hosted_model.h"

#include <algorithm>

#include "fare/check.h"

namespace routesim {
namespace {

using fare::AttemptEnd;
using fare::Duration;
using fare::Purpose;
using fare::RandomStream;
using fare::Tokens;

constexpr double kNanosecondsPerMillisecond = 1e6;
constexpr double kCenturyNs = 3.15576e18;
constexpr fare::LimitId kOnlyLimit{0};

// A century stands for more: no run lasts that long.
Duration from_ms(double milliseconds) {
  const double ns = milliseconds * kNanosecondsPerMillisecond;
  return Duration(static_cast<std::int64_t>(std::min(ns, kCenturyNs)));
}

double thousands(Tokens tokens) { return static_cast<double>(tokens.count()) / 1'000; }

// Ends it at `at` already: cut off if it has begun, else as its fault has it.
void end_early(Duration at, Fault fault, Fate& fate) {
  fate.fault = fault;
  fate.output = given_until(fate, at);
  fate.begins = fate.begins && at >= fate.first_token;
  fate.end = fate.begins ? AttemptEnd::kCutOff : end_of(fault);
  fate.total = at;
}

}  // namespace

HostedModel::Luck::Luck(const Options& options)
    : first_token(options.seed, options.replication, Purpose::kFirstToken),
      output_time(options.seed, options.replication, Purpose::kOutputTime),
      failure(options.seed, options.replication, Purpose::kFailure) {}

HostedModel::HostedModel(const World& world, std::uint32_t index, const Options& options)
    : model_(world.models[index]), start_(options.start), luck_(options) {
  const HostedPhysics& physics = model_.hosted;
  if (physics.cache) {
    const fare::RandomKey life(options.seed, options.replication, Purpose::kCacheLife);
    cache_.emplace(*physics.cache, model_.model, life);
  }
  add_limits(physics.limits);
  phases_.push_back({.failure_share = model_.failure_share,
                     .concurrency = model_.concurrency,
                     .quality = model_.quality});
  for (const HostedChange& change : physics.changes) add_phase(change);
  const fare::RandomKey luck(options.seed, options.replication, Purpose::kOutage);
  constexpr std::uint64_t kModels = std::uint64_t{1} << 32;  // Entities: regions are below.
  for (std::size_t i = 0; i < physics.outages.size(); ++i) {
    const std::uint64_t entity = kModels + (std::uint64_t{index} << 16) + i;
    outages_.add(physics.outages[i], RandomStream(luck, entity));
  }
  if (!physics.region) return;
  const Region& region = world.regions[*physics.region];
  for (std::size_t i = 0; i < region.outages.size(); ++i) {
    const std::uint64_t entity = (std::uint64_t{*physics.region} << 16) + i;
    region_outages_.add(region.outages[i], RandomStream(luck, entity));
  }
}

void HostedModel::add_phase(const HostedChange& change) {
  Phase phase = phases_.back();
  phase.from = change.at;
  if (change.latency_factor) phase.latency_factor = *change.latency_factor;
  if (change.failure_share) phase.failure_share = *change.failure_share;
  if (change.concurrency) phase.concurrency = change.concurrency;
  if (!change.skill.empty()) phase.quality.skill = change.skill;
  phase.retired = phase.retired || change.retired;
  if (change.limits) {
    add_limits(change.limits);
    phase.limits = limits_.size() - 1;
  }
  phases_.push_back(std::move(phase));
}

void HostedModel::add_limits(const std::optional<HostedLimits>& limits) {
  Limits& added = limits_.emplace_back();
  if (!limits) return;
  fare::RateLimit rate = limits->rate;
  rate.cache_reads_count = limits->cache_reads_count.value_or(!cache_ || cache_->reads_count());
  auto rates = fare::RateLimits::create({&rate, 1}, start_);
  FARE_CHECK(rates.has_value());
  added.rates = std::move(*rates);
  added.needs_read = rate.input && !rate.cache_reads_count;
  added.output_estimate = limits->output_estimate;
}

const HostedModel::Phase& HostedModel::phase_at(Duration now) {
  while (phase_ + 1 < phases_.size() && phases_[phase_ + 1].from <= now) ++phase_;
  return phases_[phase_];
}

Fate HostedModel::refuse(Fault fault, Duration retry_after) const {
  Fate fate;
  fate.end = end_of(fault);
  fate.fault = fault;
  fate.total = model_.hosted.refusal;
  fate.retry_after = retry_after;
  return fate;
}

Fault HostedModel::find_fault(const Phase& phase, Duration now) {
  if (phase.retired) return Fault::kRetired;
  if (region_outages_.is_down(now)) return Fault::kRegionOutage;
  if (outages_.is_down(now)) return Fault::kOutage;
  if (phase.concurrency == std::uint32_t{0}) return Fault::kNoCapacity;
  return Fault::kNone;
}

std::optional<Fate> HostedModel::ask_ramp(Duration now) {
  if (!model_.hosted.ramp) return std::nullopt;
  const RampLimit& ramp = *model_.hosted.ramp;
  if (ramp_max_ == 0) ramp_max_ = ramp.floor;
  const std::int64_t windows = (now - ramp_from_) / ramp.window;
  if (windows > 0) {
    // Whole windows without a request leave the floor.
    const double before = windows == 1 ? static_cast<double>(ramp_count_) : 0;
    const double grown = std::min(before * ramp.growth, 1e18);
    ramp_max_ = std::max(ramp.floor, static_cast<std::uint64_t>(grown));
    ramp_from_ += windows * ramp.window;
    ramp_count_ = 0;
  }
  if (ramp_count_ < ramp_max_) return std::nullopt;
  return refuse(Fault::kRamp, ramp_from_ + ramp.window - now);
}

fare::LimitUse HostedModel::estimate(const Ask& ask, const Entry& entry) const {
  return {.input = ask.input - entry.estimated_read,
          .cache_read = entry.estimated_read,
          .output = limits_[phases_[entry.phase].limits].output_estimate};
}

std::optional<Fate> HostedModel::ask_limits(const Ask& ask, Entry& entry, Duration now) {
  const Limits& limits = limits_[phases_[entry.phase].limits];
  if (limits.rates == nullptr) return std::nullopt;
  if (limits.needs_read && cache_ && ask.prompt != nullptr) {
    entry.estimated_read = cache_->look_up(*ask.prompt, ask.input, ask.tenant, start_ + now).read;
  }
  const fare::LimitAnswer answer =
      limits.rates->acquire({&kOnlyLimit, 1}, estimate(ask, entry), start_ + now);
  if (answer.admission == fare::Admission::kAdmitted) {
    entry.charged = answer.ticket.charged;
    return std::nullopt;
  }
  const bool may_wait = answer.admission == fare::Admission::kWait;
  return refuse(Fault::kRateLimit, may_wait ? answer.retry_at - (start_ + now) : Duration(0));
}

Entry HostedModel::send(const Ask& ask, Duration now, Fate& refusal) {
  Entry entry{.way = Entry::Way::kRefused};
  const Phase& phase = phase_at(now);
  entry.phase = static_cast<std::uint16_t>(phase_);
  if (const Fault fault = find_fault(phase, now); fault != Fault::kNone) {
    refusal = refuse(fault);
    return entry;
  }
  const bool is_served = has_place(phase);
  const std::optional<std::uint32_t>& queue_max = model_.hosted.queue_max;
  if (!is_served && queue_max && waiting() >= *queue_max) {
    refusal = refuse(Fault::kQueueFull);
    return entry;
  }
  std::optional<Fate> refused = ask_ramp(now);
  if (!refused) refused = ask_limits(ask, entry, now);
  if (refused) {
    refusal = *refused;
    return entry;
  }
  ++ramp_count_;
  if (cache_ && ask.prompt != nullptr) {
    entry.cache = cache_->begin(*ask.prompt, ask.input, ask.tenant, start_ + now);
  }
  if (is_served) {
    ++busy_;
    entry.way = Entry::Way::kServed;
  } else {
    entry.place = line_begin_ + line_.size();
    line_.push_back({ask.slot, ask.sent});
    entry.way = Entry::Way::kWaits;
  }
  return entry;
}

void HostedModel::draw_times(const Ask& ask, const Entry& entry, const Phase& phase,
                             Fate& fate) const {
  const HostedPhysics& physics = model_.hosted;
  const double others = static_cast<double>(busy_ - 1);
  RandomStream first_token(luck_.first_token, ask.luck);
  RandomStream output_time(luck_.output_time, ask.luck);
  const double first_ms =
      model_.first_token_ms.sample(first_token) +
      model_.first_token_ms_per_1k_input * thousands(ask.input - entry.cache.read) +
      physics.first_token_ms_per_1k_cached * thousands(entry.cache.read) +
      physics.first_token_ms_per_busy * others;
  const double later_tokens = static_cast<double>(ask.output.count() - 1);
  const double slowdown = (1 + physics.output_share_per_busy * others) * phase.latency_factor;
  const double output_ms = model_.ms_per_output_token.sample(output_time) * later_tokens * slowdown;
  fate.first_token = from_ms(first_ms * phase.latency_factor);
  fate.total = fate.first_token + from_ms(output_ms);
  fate.begins = true;
  fate.output = ask.output;
}

// Numbers are drawn in a fixed order, each for one purpose: a share that changes leaves the luck of
// the others as it was.
void HostedModel::draw_faults(const Ask& ask, const Phase& phase, Duration now, Fate& fate) const {
  const HostedPhysics& physics = model_.hosted;
  bool is_silent = false;
  if (phase.failure_share > 0 || physics.timeout_share > 0 || physics.cut_share > 0) {
    RandomStream luck(luck_.failure, ask.luck);
    const bool fails = luck.uniform() < phase.failure_share;
    if (physics.timeout_share > 0 || physics.cut_share > 0) {
      is_silent = luck.uniform() < physics.timeout_share;
      const bool breaks = luck.uniform() < physics.cut_share;
      const double where = luck.uniform();
      if (breaks) {
        const double span = static_cast<double>((fate.total - fate.first_token).count());
        const Duration at = fate.first_token + Duration(static_cast<std::int64_t>(where * span));
        end_early(at, Fault::kCutOff, fate);
      }
    }
    if (fails) {
      fate.begins = false;
      end_early(fate.first_token, Fault::kServerError, fate);
    }
  }
  if (physics.timeout == Duration(0)) return;
  const Duration patience = std::max(ask.sent + physics.timeout - now, Duration(0));
  if (!is_silent && fate.first_token <= patience) return;
  fate.begins = false;
  end_early(patience, Fault::kTimeout, fate);
}

void HostedModel::meet_outages(Duration now, Fate& fate) {
  const Duration region = region_outages_.next_start(now);
  const Duration own = outages_.next_start(now);
  const Duration next = std::min(region, own);
  if (next == kNever || next - now >= fate.total) return;
  end_early(next - now, region <= own ? Fault::kRegionOutage : Fault::kOutage, fate);
}

Fate HostedModel::serve(const Ask& ask, const Entry& entry, Duration now) {
  const Phase& phase = phase_at(now);
  Fate fate;
  if (const Fault fault = find_fault(phase, now); fault != Fault::kNone) {
    fate = refuse(fault);
  } else {
    draw_times(ask, entry, phase, fate);
    draw_faults(ask, phase, now, fate);
    meet_outages(now, fate);
  }
  fate.phase = static_cast<std::uint16_t>(phase_);
  fate.has_place = true;
  if (cache_ && ask.prompt != nullptr && fate.begins) {
    const fare::Instant readable = start_ + now + fate.first_token;
    cache_->store(*ask.prompt, ask.input, ask.tenant, entry.cache.machine, ask.luck, start_ + now,
                  readable);
  }
  return fate;
}

void HostedModel::end(const Ask& ask, const Entry& entry, const Fate& fate, Duration now) {
  if (entry.way == Entry::Way::kRefused) return;
  const Limits& limits = limits_[phases_[entry.phase].limits];
  if (limits.rates == nullptr) return;
  fare::LimitTicket ticket;
  ticket.limits.push_back(kOnlyLimit);
  ticket.estimate = estimate(ask, entry);
  ticket.charged = entry.charged;
  fare::LimitUse used;  // What came to nothing counts as a request only.
  if (fate.begins) {
    used = {.input = ask.input - entry.cache.read,
            .cache_read = entry.cache.read,
            .output = fate.output};
  }
  limits.rates->settle(ticket, used, start_ + now);
}

std::optional<std::uint32_t> HostedModel::leave(Duration now) {
  FARE_CHECK(busy_ > 0);
  const Phase& phase = phase_at(now);
  if (line_.empty() || (phase.concurrency && busy_ > *phase.concurrency)) {
    --busy_;
    return std::nullopt;
  }
  const std::uint32_t slot = line_.front().slot;
  pop_line();
  return slot;
}

void HostedModel::pop_line() {
  line_.pop_front();
  ++line_begin_;
  while (!line_.empty() && line_.front().slot == kGone) {
    line_.pop_front();
    ++line_begin_;
    --gone_;
  }
}

void HostedModel::withdraw(const Ask& ask, const Entry& entry, Duration now) {
  const std::uint64_t place = entry.place - line_begin_;
  FARE_CHECK(place < line_.size());
  FARE_CHECK(line_[place].slot == ask.slot);
  if (place == 0) {
    pop_line();
  } else {
    line_[place].slot = kGone;
    ++gone_;
  }
  end(ask, entry, Fate{}, now);
}

Duration HostedModel::next_change() const {
  if (line_.empty()) return kNever;
  Duration next = kNever;
  if (model_.hosted.timeout > Duration(0)) next = line_.front().sent + model_.hosted.timeout;
  if (phase_ + 1 < phases_.size()) next = std::min(next, phases_[phase_ + 1].from);
  return next;
}

std::optional<LineMove> HostedModel::advance(Duration now) {
  const Phase& phase = phase_at(now);
  if (line_.empty()) return std::nullopt;
  const Duration timeout = model_.hosted.timeout;
  LineMove move{.slot = line_.front().slot, .is_served = false, .fate = {}};
  if (phase.retired) {
    move.fate = refuse(Fault::kRetired);
  } else if (phase.concurrency == std::uint32_t{0}) {
    move.fate = refuse(Fault::kNoCapacity);
  } else if (timeout > Duration(0) && line_.front().sent + timeout <= now) {
    move.fate = refuse(Fault::kTimeout);
    move.fate.total = Duration(0);
  } else if (has_place(phase)) {
    move.is_served = true;
    ++busy_;
  } else {
    return std::nullopt;
  }
  pop_line();
  return move;
}

fare::Meter HostedModel::write_meter() const {
  return cache_ ? cache_->write_meter() : fare::Meter::kInput;
}

}  // namespace routesim
