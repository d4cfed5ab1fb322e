#include "study/run.h"

#include <cmath>
#include <deque>
#include <memory>
#include <optional>

#include "base/samplers.h"
#include "engine/event_queue.h"
#include "engine/workers.h"
#include "fare/router.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Purpose;
using fare::RandomKey;
using fare::RandomStream;
using fare::Tokens;

constexpr std::uint64_t kProgressStep = 1'000;
constexpr std::uint32_t kNobody = 0xffffffff;
constexpr double kNanosecondsPerMillisecond = 1e6;

enum EventKind : std::uint32_t { kArrive, kFirstToken, kFinish, kFail };

Duration from_ms(double milliseconds) {
  return Duration(static_cast<std::int64_t>(milliseconds * kNanosecondsPerMillisecond));
}

// One try of a request on one target.
struct Try {
  fare::TargetId target{};
  bool answered = false;
  Duration started{};      // When the request was sent, before any wait in line.
  Duration first_token{};  // Both from `started`.
  Duration total{};
};

// A request between its arrival and its end.
struct Open {
  Arrival arrival{};
  fare::Ticket ticket{};
  std::optional<double> quality_floor;
  std::array<fare::TargetId, fare::kAttemptsMax> plan{};
  std::array<Try, fare::kAttemptsMax> tries{};
  std::uint8_t planned = 0;
  std::uint8_t tried = 0;
  Duration output_time{};        // Of the current try, once its first token is out.
  std::uint32_t next = kNobody;  // In a model's line, or in the list of free slots.
};

// A model's places and the line before them.
struct Places {
  std::uint32_t busy = 0;
  std::uint32_t first = kNobody;
  std::uint32_t last = kNobody;
};

class Run {
 public:
  Run(const Scenario& scenario, const Variant& variant, std::uint32_t replication)
      : scenario_(scenario),
        variant_(variant),
        router_(
            std::move(*fare::Router::create({scenario.prices, variant.policy}, scenario.start))),
        source_(scenario.traffic, scenario.seed, replication),
        difficulty_(scenario.seed, replication, Purpose::kDifficulty),
        first_token_(scenario.seed, replication, Purpose::kFirstToken),
        output_time_(scenario.seed, replication, Purpose::kOutputTime),
        failure_(scenario.seed, replication, Purpose::kFailure),
        answer_cache_(scenario.seed, replication, Purpose::kAnswerCache),
        places_(scenario.world.models.size()),
        cache_lookups_(scenario.traffic.classes.size()) {
    result_.by_model.resize(scenario.world.models.size());
    result_.by_class.resize(scenario.traffic.classes.size());
    result_.by_tenant.resize(scenario.traffic.tenants.size());
    for (std::size_t i = 0; i < router_->targets(); ++i) {
      const fare::ModelFacts model = router_->target(static_cast<fare::TargetId>(i)).model;
      model_of_target_.push_back(*scenario.world.find(model.id));
    }
  }

  RunResult run(std::atomic<std::uint64_t>& progress) {
    if (source_.next(arriving_)) queue_.push({arriving_.at, kArrive, 0});
    while (!queue_.empty()) {
      const Event event = queue_.top();
      advance_to(event.at);
      switch (event.kind) {
        case kArrive:
          if (result_.requests % kProgressStep == kProgressStep - 1) progress += kProgressStep;
          arrive();
          break;
        case kFirstToken:
          queue_.replace_top({now_ + open_[event.slot].output_time, kFinish, event.slot});
          break;
        case kFinish:
          queue_.pop();
          finish(event.slot);
          break;
        default:
          queue_.pop();
          fail(event.slot);
      }
    }
    progress += result_.requests % kProgressStep;
    result_.length = now_;
    check_invariants();
    return std::move(result_);
  }

 private:
  void advance_to(Duration now) {
    result_.in_flight_ns += static_cast<fare::Int128>((now - now_).count()) * in_flight_;
    now_ = now;
  }

  void arrive() {
    const Arrival arrival = arriving_;
    if (source_.next(arriving_)) {
      queue_.replace_top({arriving_.at, kArrive, 0});
    } else {
      queue_.pop();
    }
    ++result_.requests;
    ++result_.by_class[arrival.request_class].requests;
    ++result_.by_tenant[arrival.tenant].requests;
    if (variant_.answer_cache && hits_cache(arrival)) {
      ++result_.from_cache;
      result_.first_token.record(variant_.answer_cache->latency);
      result_.end_to_end.record(variant_.answer_cache->latency);
      return;
    }
    const fare::Decision decision = route(arrival);
    if (decision.refusal != fare::Refusal::kNone) {
      ++result_.refused[static_cast<std::size_t>(decision.refusal)];
      ++result_.by_class[arrival.request_class].refused;
      ++result_.by_tenant[arrival.tenant].refused;
      return;
    }
    const std::uint32_t slot = take_slot();
    Open& open = open_[slot];
    open.arrival = arrival;
    open.ticket = decision.ticket;
    open.quality_floor = decision.quality_floor;
    open.plan = decision.attempt;
    open.planned = decision.attempts;
    open.tried = 0;
    ++in_flight_;
    send(slot);
  }

  fare::Decision route(const Arrival& arrival) {
    const fare::Tag tags[] = {{"tenant", scenario_.traffic.tenants[arrival.tenant].name}};
    return router_->route({.id = arrival.index,
                           .request_class = scenario_.traffic.classes[arrival.request_class].name,
                           .tags = tags,
                           .capabilities = {},
                           .input = arrival.input,
                           .expected_output = {},
                           .max_output = {},
                           .latency_bound = {}},
                          scenario_.start + now_);
  }

  // Dealt exactly, request n of a class hits if n shares have passed one more whole number.
  bool hits_cache(const Arrival& arrival) {
    constexpr std::uint64_t kMillion = 1'000'000;
    const AnswerCache& cache = *variant_.answer_cache;
    const auto share = static_cast<std::uint64_t>(cache.hits_per_million);
    if (!cache.exact) return RandomStream(answer_cache_, arrival.index).below(kMillion) < share;
    const std::uint64_t before = cache_lookups_[arrival.request_class]++;
    return (before + 1) * share / kMillion > before * share / kMillion;
  }

  std::uint32_t model_of(const Open& open) const {
    return model_of_target_[static_cast<std::size_t>(open.tries[open.tried - 1u].target)];
  }

  // Sends a request to the next target of its plan: into service, or into the line before it.
  void send(std::uint32_t slot) {
    Open& open = open_[slot];
    Try& now_tried = open.tries[open.tried];
    now_tried = {.target = open.plan[open.tried], .started = now_};
    ++open.tried;
    const std::uint32_t model = model_of(open);
    ++result_.by_model[model].attempts;
    Places& places = places_[model];
    const std::uint32_t limit = scenario_.world.models[model].concurrency;
    if (limit == 0 || places.busy < limit) {
      ++places.busy;
      serve(slot);
      return;
    }
    ++result_.by_model[model].waits;
    open.next = kNobody;
    if (places.first == kNobody) {
      places.first = slot;
    } else {
      open_[places.last].next = slot;
    }
    places.last = slot;
  }

  // Draws what the model does with the request.  Luck belongs to the request and the number of the
  // try, not to the target: so two policies meet the same luck.
  void serve(std::uint32_t slot) {
    Open& open = open_[slot];
    const std::uint32_t model = model_of(open);
    const WorldModel& world = scenario_.world.models[model];
    const std::uint64_t entity = open.arrival.index * fare::kAttemptsMax + open.tried - 1;
    result_.by_model[model].waited += now_ - open.tries[open.tried - 1u].started;
    RandomStream first_token(first_token_, entity);
    const double input_k = static_cast<double>(open.arrival.input.count()) / 1'000;
    const Duration wait = from_ms(world.first_token_ms.sample(first_token) +
                                  world.first_token_ms_per_1k_input * input_k);
    const bool fails =
        world.failure_share > 0 && RandomStream(failure_, entity).uniform() < world.failure_share;
    if (fails) {
      queue_.push({now_ + wait, kFail, slot});
      return;
    }
    RandomStream output_time(output_time_, entity);
    const double later_tokens = static_cast<double>(open.arrival.output.count() - 1);
    open.output_time = from_ms(world.ms_per_output_token.sample(output_time) * later_tokens);
    open.tries[open.tried - 1u].first_token = now_ + wait - open.tries[open.tried - 1u].started;
    queue_.push({now_ + wait, kFirstToken, slot});
  }

  // Gives the place of a served request to the first in line.
  void leave_place(std::uint32_t model) {
    Places& places = places_[model];
    if (places.first == kNobody) {
      --places.busy;
      return;
    }
    const std::uint32_t slot = places.first;
    places.first = open_[slot].next;
    serve(slot);
  }

  void finish(std::uint32_t slot) {
    Open& open = open_[slot];
    Try& last = open.tries[open.tried - 1u];
    last.answered = true;
    last.total = now_ - last.started;
    const std::uint32_t model = model_of(open);
    ++result_.answered;
    result_.first_token.record(last.started + last.first_token - open.arrival.at);
    result_.end_to_end.record(now_ - open.arrival.at);
    judge(open, model);
    close(slot);
    leave_place(model);
  }

  void fail(std::uint32_t slot) {
    Open& open = open_[slot];
    Try& last = open.tries[open.tried - 1u];
    last.total = now_ - last.started;
    const std::uint32_t model = model_of(open);
    ++result_.by_model[model].failures;
    if (open.tried < open.planned) {
      send(slot);
    } else {
      ++result_.failed;
      close(slot);
    }
    leave_place(model);
  }

  void judge(const Open& open, std::uint32_t model) {
    const WorldModel& world = scenario_.world.models[model];
    if (world.skill.empty()) return;
    const std::uint32_t in_class = open.arrival.request_class;
    const Difficulty& of_class = scenario_.world.difficulty[in_class];
    RandomStream stream(difficulty_, open.arrival.index);
    const double difficulty = of_class.mean + of_class.sd * fare::normal_quantile(stream.uniform());
    const double quality = 1 / (1 + std::exp(difficulty - world.skill[in_class]));
    ++result_.judged;
    result_.quality_sum += quality;
    if (!open.quality_floor) return;
    ++result_.with_floor;
    if (quality >= *open.quality_floor) ++result_.above_floor;
  }

  // Settles the request with the router and books what it cost.
  void close(std::uint32_t slot) {
    Open& open = open_[slot];
    std::array<fare::Attempt, fare::kAttemptsMax> attempts;
    for (std::size_t i = 0; i < open.tried; ++i) {
      const Try& one = open.tries[i];
      attempts[i] = {.target = one.target,
                     .started = scenario_.start + one.started,
                     .answered = one.answered,
                     .usage = std::nullopt,
                     .first_token = one.first_token,
                     .total = one.total};
      if (!one.answered) continue;
      fare::Usage& usage = attempts[i].usage.emplace();
      usage[fare::Meter::kInput] = open.arrival.input;
      usage[fare::Meter::kOutput] = open.arrival.output;
    }
    const fare::Settlement settlement =
        router_->settle(open.ticket, {{attempts.data(), open.tried}}, scenario_.start + now_);
    FARE_CHECK(settlement.status == fare::SettleStatus::kSettled);
    book(open, settlement);
    result_.sojourn_ns += (now_ - open.arrival.at).count();
    --in_flight_;
    open.next = free_;
    free_ = slot;
  }

  void book(const Open& open, const fare::Settlement& settlement) {
    for (std::size_t i = 0; i < settlement.charges.size(); ++i) {
      const auto target = static_cast<std::size_t>(open.tries[i].target);
      ModelTally& tally = result_.by_model[model_of_target_[target]];
      for (const fare::CostLine& line : settlement.charges[i].lines) {
        tally.used[static_cast<std::size_t>(line.meter)] += line.count;
        tally.cost[static_cast<std::size_t>(line.meter)] += line.cost;
      }
    }
    result_.by_class[open.arrival.request_class].cost += settlement.total;
    result_.by_tenant[open.arrival.tenant].cost += settlement.total;
    result_.cost += settlement.total;
    if (settlement.cost_status != fare::CostStatus::kPriced) ++result_.not_priced;
  }

  std::uint32_t take_slot() {
    if (free_ == kNobody) {
      open_.emplace_back();
      return static_cast<std::uint32_t>(open_.size() - 1);
    }
    const std::uint32_t slot = free_;
    free_ = open_[slot].next;
    return slot;
  }

  void check_invariants() const {
    fare::Cost models;
    for (const ModelTally& tally : result_.by_model) {
      for (const fare::Cost& cost : tally.cost) models += cost;
    }
    fare::Cost classes;
    for (const GroupTally& tally : result_.by_class) classes += tally.cost;
    fare::Cost tenants;
    for (const GroupTally& tally : result_.by_tenant) tenants += tally.cost;
    const fare::RouterStats stats = router_->stats();
    FARE_CHECK(models == result_.cost);
    FARE_CHECK(classes == result_.cost);
    FARE_CHECK(tenants == result_.cost);
    FARE_CHECK(stats.cost == result_.cost);
    FARE_CHECK(stats.open == 0);
    FARE_CHECK(stats.refused == result_.refusals());
    FARE_CHECK(stats.routed == result_.requests - result_.from_cache);
    FARE_CHECK(in_flight_ == 0);
    FARE_CHECK(result_.requests ==
               result_.answered + result_.from_cache + result_.failed + result_.refusals());
    // Little's law holds to the nanosecond on a run that starts and ends empty.
    FARE_CHECK(result_.in_flight_ns == result_.sojourn_ns);
  }

  const Scenario& scenario_;
  const Variant& variant_;
  std::unique_ptr<fare::Router> router_;
  TrafficSource source_;
  RandomKey difficulty_;
  RandomKey first_token_;
  RandomKey output_time_;
  RandomKey failure_;
  RandomKey answer_cache_;
  std::vector<std::uint32_t> model_of_target_;
  std::vector<Places> places_;
  std::vector<std::uint64_t> cache_lookups_;  // By class.
  EventQueue queue_;
  std::vector<Open> open_;
  std::uint32_t free_ = kNobody;
  Arrival arriving_{};
  Duration now_{};
  std::int64_t in_flight_ = 0;
  RunResult result_;
};

}  // namespace

std::uint64_t RunResult::refusals() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : refused) sum += count;
  return sum;
}

RunResult run_once(const Scenario& scenario, const Variant& variant, std::uint32_t replication,
                   std::atomic<std::uint64_t>& progress) {
  return Run(scenario, variant, replication).run(progress);
}

std::vector<std::vector<RunResult>> run_all_replications(
    const Scenario& scenario, const std::vector<const Variant*>& variants, unsigned threads,
    std::atomic<std::uint64_t>& progress) {
  std::vector<std::vector<RunResult>> results(variants.size());
  for (auto& of_variant : results) of_variant.resize(scenario.replications);
  run_all(variants.size() * scenario.replications, threads, [&](std::size_t i) {
    const std::size_t variant = i % variants.size();
    const std::size_t replication = i / variants.size();
    results[variant][replication] =
        run_once(scenario, *variants[variant], static_cast<std::uint32_t>(replication), progress);
  });
  return results;
}

}  // namespace routesim
