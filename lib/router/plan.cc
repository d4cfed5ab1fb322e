#include "router/plan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fare/cache_economics.h"
#include "fare/check.h"
#include "fare/latency.h"

namespace fare {
namespace {

constexpr std::uint32_t bit(std::size_t i) { return std::uint32_t{1} << i; }

// Whether input and output fit: into the context, and into what the model may write.
std::optional<Verdict> check_length(const RoutedTarget& target, const Question& question) {
  const Tokens output = question.output_max.value_or(question.expected_output);
  if (target.output_max != Tokens() && output > target.output_max) return Verdict::kOutputTooLong;
  if (target.context != Tokens() && question.input + output > target.context) {
    return Verdict::kContextTooShort;
  }
  return std::nullopt;
}

bool is_elsewhere(const PolicyRule& rule, const RoutedTarget& target) {
  if (rule.regions.empty()) return false;
  const auto found = std::find(rule.regions.begin(), rule.regions.end(), target.terms.region);
  return found == rule.regions.end();
}

// Luck for one target of a request, in [0, 1).
double luck_for(std::uint64_t luck, TargetId target) {
  const std::uint64_t mixed =
      (luck ^ (static_cast<std::uint64_t>(target) + 1) * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  return static_cast<double>((mixed ^ mixed >> 32) >> 11) * 0x1p-53;
}

}  // namespace

Plan::Plan(const Snapshot& snapshot, const PolicyRule& rule, const Question& question,
           const Rung& rung, const std::optional<Sessions::Pin>& pin, Decision& decision)
    : snapshot_(snapshot),
      rule_(rule),
      question_(question),
      rung_(rung),
      pin_(pin),
      decision_(decision) {
  if (rung.is_rules) {
    const auto index = static_cast<std::size_t>(&rule - snapshot.policy.rules.data());
    cascade_ = snapshot.cascade(index, question.request_class);
  }
  latency_bound_ = question.latency_bound;
  if (!rung.is_deferred) latency_bound_ = tighter(latency_bound_, rule.latency_bound);
  decision_.candidates.clear();
  for (const std::uint16_t target : rung.candidates) add(target);
  rivals_ = decision_.candidates.size();
  if (rung.is_rules && rule.canary) {
    const Request& request = *question.request;
    is_canary_ = is_canary(*rule.canary, request.session != 0 ? request.session : request.id);
    const bool named = std::find(rung.candidates.begin(), rung.candidates.end(),
                                 rule.canary->target) != rung.candidates.end();
    if (is_canary_ && !named) add(rule.canary->target);
    rivals_ = decision_.candidates.size();
  }
  for (const std::uint16_t target : rule.fallback) {
    const auto all = decision_.considered();
    const bool known = std::any_of(all.begin(), all.end(), [target](const Candidate& one) {
      return one.target == static_cast<TargetId>(target);
    });
    if (!known) add(target);
  }
  add_denied();
}

void Plan::add_denied() {
  for (const std::uint16_t target : rule_.denied) {
    if (decision_.candidates.size() == kCandidatesMax) return;
    Candidate& candidate = decision_.candidates.push_back({});
    candidate.target = static_cast<TargetId>(target);
    candidate.verdict = Verdict::kDenied;
  }
}

void Plan::add(std::uint16_t index) {
  const std::size_t i = decision_.candidates.size();
  const RoutedTarget& target = snapshot_.targets[index];
  // Copying a Cost at once that was just written in halves would stall for some 5 ns.
  Candidate& candidate = decision_.candidates.push_made([&] {
    return Candidate{
        .target = static_cast<TargetId>(index),
        .verdict = Verdict::kUnpriced,
        .expected_cost = cost(target, question_.usage),
        .quality = quality(target, index),
        .latency = target.record->predict(target.latency, question_.expected_output, question_.now),
        .cache_effect = Cost()};
  });
  warm_.push_back(target.is_cached ? price_warm(target, candidate) : Tokens());
  std::optional<Verdict> reason = check(target, candidate);
  if (!reason) {
    fit_ |= bit(i);
    if (cascade_ != nullptr) reason = check_floor(candidate);
  }
  candidate.verdict = reason.value_or(Verdict::kCostsMore);
  if (!reason) would_do_ |= bit(i);
}

// REQUIRES: the usage's input is the question's.
std::optional<Cost> Plan::cost(const RoutedTarget& target, const Usage& usage) const {
  return snapshot_.config.prices.tables().cost(target.price, usage, question_.input, question_.now);
}

Tokens Plan::price_warm(const RoutedTarget& target, Candidate& candidate) const {
  const PromptBlocks& prompt = question_.request->prompt;
  if (prompt.blocks.empty() || question_.is_shortened || !candidate.expected_cost) return Tokens();
  const Instant now = question_.now;
  const auto found = target.record->cache->look_up(target.cached, prompt, question_.input, now);
  if (!found) return Tokens();
  Usage usage = question_.usage;
  found->put(target.cached, usage);
  const std::optional<Cost> warm = cost(target, usage);
  if (!warm) return Tokens();
  candidate.cache_effect = *warm - *candidate.expected_cost;
  candidate.expected_cost = warm;
  return found->read;
}

std::optional<double> Plan::quality(const RoutedTarget& target, std::size_t index) const {
  const auto after_loss = [this](double one) {
    return std::max(0.0, one - question_.quality_loss);
  };
  if (target.forecast && !question_.forecast.empty()) {
    return after_loss(question_.forecast[*target.forecast].quality);
  }
  const std::optional<double>& stated = snapshot_.quality(question_.request_class, index);
  if (!stated) return std::nullopt;
  return after_loss(*stated);
}

// The first reason why it may not serve, cheapest test first.
std::optional<Verdict> Plan::check(const RoutedTarget& target, const Candidate& candidate) {
  if (is_elsewhere(rule_, target)) return Verdict::kDenied;
  if ((question_.capabilities & ~target.capabilities) != 0) return Verdict::kLacksCapability;
  if (const auto too_long = check_length(target, question_)) return too_long;
  // A floor that is not kept rules out before what takes longer to ask; stages of a cascade keep it
  // together.
  if (cascade_ == nullptr) {
    if (const auto below = check_floor(candidate)) return below;
  }
  if (latency_bound_) {
    if (!candidate.latency) return Verdict::kLatencyUnknown;
    if (*candidate.latency > *latency_bound_) return Verdict::kTooSlow;
  }
  if (!candidate.expected_cost) return Verdict::kUnpriced;
  return check_health(target, candidate.target);
}

std::optional<Verdict> Plan::check_floor(const Candidate& candidate) const {
  if (!rule_.quality_floor) return std::nullopt;
  if (!candidate.quality) return Verdict::kQualityUnknown;
  double sure = *candidate.quality;
  const RoutedTarget& target = snapshot_[candidate.target];
  const bool is_forecast = target.forecast && !question_.forecast.empty();
  if (is_forecast && rule_.floor_deviations > 0) {
    if (target.forecast_rows <= 0) return Verdict::kQualityUnknown;
    sure -= rule_.floor_deviations * std::sqrt(sure * (1 - sure) / target.forecast_rows);
  }
  if (sure < *rule_.quality_floor) return Verdict::kBelowFloor;
  return std::nullopt;
}

std::optional<Verdict> Plan::check_health(const RoutedTarget& target, TargetId id) {
  const std::size_t i = decision_.candidates.size() - 1;
  const TargetRecord::Health health = target.record->health(question_.now);
  const Instant held_until = target.record->held_until();
  if (health.share <= 0 && !health.wants_probe) {
    note_retry(std::max(health.probes_at, held_until));
    return Verdict::kEjected;
  }
  if (question_.now < held_until) {
    held_ |= bit(i);
    note_retry(held_until);
    return Verdict::kRateLimited;
  }
  if (health.wants_probe) {
    probes_ |= bit(i);
    return std::nullopt;
  }
  if (health.share >= 1) return std::nullopt;
  // Balancing weighs by the share itself; everywhere else it is drawn.
  if (rule_.objective.kind == ObjectiveKind::kBalance) return std::nullopt;
  if (luck_for(question_.luck, id) < health.share) return std::nullopt;
  return Verdict::kEjected;
}

void Plan::note_retry(Instant at) { retry_at_ = retry_at_ ? std::min(*retry_at_, at) : at; }

void Plan::fill_loads() {
  load_.clear();
  std::array<double, kCandidatesMax> known;
  std::size_t size = 0;
  const auto record_of = [this](std::size_t i) -> const TargetRecord& {
    return *snapshot_[decision_.candidates[i].target].record;
  };
  for (std::size_t i = 0; i < rung_.candidates.size(); ++i) {
    const double peak = record_of(i).peak_ns(0, question_.now);
    if (peak > 0) known[size++] = peak;
  }
  // Nobody is known: then all are alike, and any figure does.
  const double middle = median({known.data(), size}).value_or(1);
  for (std::size_t i = 0; i < rung_.candidates.size(); ++i) {
    const TargetRecord& record = record_of(i);
    load_.push_back({.peak_latency_ns = record.peak_ns(middle, question_.now),
                     .open = record.open(),
                     .share = record.health(question_.now).share,
                     .wants_probe = is_probe(i)});
  }
}

std::size_t Plan::place_of(TargetId target) const {
  for (std::size_t i = 0; i < decision_.candidates.size(); ++i) {
    if (decision_.candidates[i].target == target) return i;
  }
  FARE_CHECK(false);  // Stages are candidates of the rule.
  return 0;
}

// Whether all of these stages, each with a score but for the last, end within the bound.
bool Plan::cascade_in_time(std::uint32_t stages) const {
  if (!latency_bound_) return true;
  Int128 total = -rule_.cascade->scorer_time.count();
  for (std::size_t i = 0; i < cascade_->targets.size(); ++i) {
    if ((stages & bit(i)) == 0) continue;
    total +=
        decision_.candidates[place_of(cascade_->targets[i])].latency.value_or(Duration(0)).count();
    total += rule_.cascade->scorer_time.count();
  }
  return total <= latency_bound_->count();
}

// The first of the cascade's stages that fit, if those together keep floor and bound.
std::optional<std::size_t> Plan::first_stage() {
  stages_ = 0;
  if (cascade_ == nullptr || question_.quality_loss > 0) return std::nullopt;
  std::optional<std::size_t> first;
  std::uint32_t stages = 0;
  for (std::size_t i = 0; i < cascade_->targets.size(); ++i) {
    const std::size_t place = place_of(cascade_->targets[i]);
    if ((fit_ & bit(place)) == 0) continue;
    if (!first) first = place;
    stages |= bit(i);
  }
  if (!cascade_->keeps(stages, scorer_of(rule_), *rule_.quality_floor)) return std::nullopt;
  if (!cascade_in_time(stages)) return std::nullopt;
  stages_ = stages;
  return first;
}

std::optional<std::size_t> Plan::canary() {
  for (std::size_t i = 0; is_canary_ && i < rivals_; ++i) {
    if (decision_.candidates[i].target != static_cast<TargetId>(rule_.canary->target)) continue;
    if (!would_do(i)) break;
    for (std::size_t other = 0; other < rivals_; ++other) {
      if (would_do(other)) decision_.candidates[other].verdict = Verdict::kNotDrawn;
    }
    return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> Plan::best() {
  const double canary_share = rung_.is_rules && rule_.canary ? rule_.canary->share_ppm / 1e6 : 0;
  if (const auto one = canary()) {
    decision_.propensity = canary_share;
    return one;
  }
  for (std::size_t i = 0; i < rivals_; ++i) {
    if (would_do(i)) decision_.candidates[i].verdict = Verdict::kCostsMore;
  }
  if (rule_.objective.kind == ObjectiveKind::kBalance) fill_loads();
  const std::size_t named = rung_.candidates.size();
  const Choice choice =
      fare::choose(rule_.objective, first(named), {load_.begin(), load_.size()}, question_.luck);
  decision_.propensity = choice.propensity * (is_canary_ ? canary_share : 1 - canary_share);
  const std::optional<std::size_t> stay = pinned();
  if (!choice.winner || !stay || *stay == *choice.winner) return choice.winner;
  return stay_or_leave(*stay, *choice.winner);
}

// The session's target among those that would do, if its prefix is warm there, or may be.
std::optional<std::size_t> Plan::pinned() const {
  if (!pin_ || !rung_.is_rules) return std::nullopt;
  for (std::size_t i = 0; i < rivals_; ++i) {
    const RoutedTarget& target = snapshot_[decision_.candidates[i].target];
    if (target.record->id() != pin_->record) continue;
    const bool is_known = target.is_cached && !question_.request->prompt.blocks.empty();
    const bool is_cold = is_known && warm_[i] == Tokens();
    if (would_do(i) && !is_cold) return i;
  }
  return std::nullopt;
}

// It leaves if that saves money at once, and what leaving has cost the session stays within bounds.
std::size_t Plan::stay_or_leave(std::size_t stay, std::size_t go) {
  const Cost lost = warm_value_of(stay);
  const bool saves =
      *decision_.candidates[go].expected_cost < *decision_.candidates[stay].expected_cost;
  const std::optional<Cost>& most = rule_.pin->switch_max;
  if (most && saves && pin_->spent + lost <= *most) {
    switch_cost_ = lost;
    return go;
  }
  decision_.candidates[go].verdict = Verdict::kSwitchTooDear;
  decision_.propensity = 1;
  return stay;
}

// What the warm prefix saves the next request there, by the rates of the band it is in.
Cost Plan::warm_value_of(std::size_t candidate) const {
  const RoutedTarget& target = snapshot_[decision_.candidates[candidate].target];
  const Tokens warm = warm_[candidate];
  if (warm == Tokens()) return Cost();
  Terms terms = target.terms;
  terms.band_input = question_.input;
  const auto rate = [&](Meter meter) -> std::optional<Rate> {
    Usage one;
    one[Meter::kRequest] = Tokens();
    one[meter] = Tokens(1);
    const auto cost = snapshot_.config.prices.cost(target.model, one, question_.now, terms);
    if (!cost) return std::nullopt;
    return Rate(static_cast<std::int64_t>(cost->count()));
  };
  const auto read = rate(Meter::kCacheRead);
  const auto write = rate(target.cached.written[target.cached.lifetime]);
  if (!read || !write) return Cost();
  const Cost value =
      warm_value(warm, {.plain = *write, .read = *read, .write = *write, .storage = Rate()});
  return std::max(Cost(), value);
}

std::optional<std::size_t> Plan::next() {
  switch_cost_ = Cost();
  if (const auto first = first_stage()) return first;
  if (would_do_ == 0) return std::nullopt;
  if ((would_do_ & (bit(rivals_ - 1) * 2 - 1)) != 0) {
    if (const auto winner = best()) return winner;
  }
  decision_.propensity = 1;
  for (const std::uint16_t target : rule_.fallback) {
    for (std::size_t i = 0; i < decision_.candidates.size(); ++i) {
      if (decision_.candidates[i].target == static_cast<TargetId>(target) && would_do(i)) return i;
    }
  }
  return std::nullopt;
}

void Plan::rule_out(std::size_t candidate, Verdict why) {
  would_do_ &= ~bit(candidate);
  fit_ &= ~bit(candidate);
  decision_.candidates[candidate].verdict = why;
}

void Plan::choose(std::size_t candidate) {
  const auto take = [this](std::size_t i, Verdict verdict) {
    decision_.candidates[i].verdict = verdict;
    decision_.attempt[decision_.attempts++] = decision_.candidates[i].target;
  };
  take(candidate, Verdict::kChosen);
  if (stages_ != 0) {
    decision_.propensity = 1;
    decision_.accept_min = rule_.cascade->accept_min;
    for (std::size_t i = 0; i < cascade_->targets.size(); ++i) {
      const std::size_t place = place_of(cascade_->targets[i]);
      if ((stages_ & bit(i)) != 0 && place != candidate) take(place, Verdict::kFallback);
    }
    decision_.stages = decision_.attempts;
  }
  for (const std::uint16_t target : rule_.fallback) {
    for (std::size_t i = 0; i < decision_.candidates.size(); ++i) {
      if (decision_.candidates[i].target != static_cast<TargetId>(target)) continue;
      const Verdict verdict = decision_.candidates[i].verdict;
      if (verdict == Verdict::kChosen || verdict == Verdict::kFallback) continue;
      if (decision_.attempts == kAttemptsMax) return;
      // Who is held may be free by the time it is needed: top_up() asks again.  Below the floor a
      // cascade's stage serves nobody alone.
      const bool is_held = (held_ & bit(i)) != 0 && !check_floor(decision_.candidates[i]);
      if (would_do(i) || is_held) take(i, Verdict::kFallback);
    }
  }
}

}  // namespace fare
