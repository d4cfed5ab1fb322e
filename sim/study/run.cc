#include "study/run.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

#include "engine/event_queue.h"
#include "engine/workers.h"
#include "fare/router.h"
#include "study/answer_luck.h"
#include "study/open_requests.h"
#include "study/payers.h"
#include "study/run_books.h"
#include "world/answer_grade.h"
#include "world/hosted_model.h"

namespace routesim {
namespace {

using fare::AttemptEnd;
using fare::Duration;
using fare::Meter;

constexpr std::uint64_t kProgressStep = 1'000;

// kModelChange is about a model, whose index stands in for the slot.
enum EventKind : std::uint32_t { kArrive, kFirstToken, kEnd, kModelChange, kLook };

bool needs_own_blocks(const WorldModel& model) {
  const std::optional<CacheModel>& cache = model.hosted.cache;
  return cache && (cache->blocks_max > 0 || cache->rules.unit == fare::CacheUnit::kUnits);
}

// One replication: takes events in order of time and hands each to who it is for.
class Run {
 public:
  Run(const Scenario& scenario, const Variant& variant, std::uint32_t replication,
      RunObserver* observer)
      : scenario_(scenario),
        variant_(variant),
        observer_(observer),
        router_(std::move(*fare::Router::create(config_of(scenario, variant), scenario.start))),
        payers_(scenario.traffic, variant),
        source_(scenario.traffic, scenario.seed, replication),
        quality_(scenario.world, scenario.seed, replication),
        answers_(scenario.traffic.classes.size(), scenario.seed, replication),
        changes_(scenario.world.models.size(), kNever),
        books_(scenario) {
    const World& world = scenario.world;
    if (world.prompts) {
      PromptMix mix = *world.prompts;
      mix.own_blocks = std::any_of(world.models.begin(), world.models.end(), needs_own_blocks);
      prompts_.emplace(mix, scenario.seed, replication);
    }
    for (std::uint32_t i = 0; i < world.models.size(); ++i) {
      models_.emplace_back(
          world, i,
          HostedModel::Options{
              .seed = scenario.seed, .replication = replication, .start = scenario.start});
    }
    for (std::size_t i = 0; i < router_->targets(); ++i) {
      const fare::ModelFacts model = router_->target(static_cast<fare::TargetId>(i)).model;
      model_of_target_.push_back(*world.find(model.id));
    }
  }

  RunResult run(std::atomic<std::uint64_t>& progress) {
    if (source_.next(arriving_)) queue_.push({arriving_.at, kArrive, 0});
    if (observer_ != nullptr) look();
    while (!queue_.empty()) {
      const Event event = queue_.top();
      // Nothing is left but to look: time does not go on for that.
      if (event.kind == kLook && queue_.size() == 1) break;
      books_.pass(event.at - now_, open_.size());
      now_ = event.at;
      handle(event, progress);
    }
    progress += books_.result().requests % kProgressStep;
    FARE_CHECK(open_.size() == 0);
    if (observer_ != nullptr) observer_->look_last(*router_, instant());
    return books_.close(now_, router_->stats());
  }

 private:
  void handle(const Event& event, std::atomic<std::uint64_t>& progress) {
    switch (event.kind) {
      case kArrive:
        if (books_.result().requests % kProgressStep == kProgressStep - 1) {
          progress += kProgressStep;
        }
        arrive();
        break;
      case kFirstToken: {
        const Open& open = open_[event.slot];
        queue_.replace_top({open.served + open.fate.total, kEnd, event.slot});
        break;
      }
      case kEnd:
        queue_.pop();
        end(event.slot);
        break;
      case kModelChange:
        queue_.pop();
        changes_[event.slot] = kNever;
        move_line(event.slot);
        break;
      default:
        queue_.pop();
        look();
    }
  }

  // Lets the observer look, and asks when it wants to look again.
  void look() {
    const std::optional<fare::Instant> next = observer_->look(*router_, instant());
    if (!next) return;
    FARE_CHECK(*next > instant());
    queue_.push({*next - scenario_.start, kLook, 0});
  }

  void arrive() {
    const Arrival arrival = arriving_;
    if (source_.next(arriving_)) {
      queue_.replace_top({arriving_.at, kArrive, 0});
    } else {
      queue_.pop();
    }
    books_.arrive(arrival);
    if (variant_.answer_cache && answers_.hits(*variant_.answer_cache, arrival)) {
      books_.answer_from_cache(variant_.answer_cache->latency);
      return;
    }
    const fare::Decision decision = route(arrival);
    if (decision.refusal != fare::Refusal::kNone) {
      books_.refuse(arrival, decision);
      return;
    }
    const std::uint32_t slot = open_.take();
    Open& open = open_[slot];
    open.arrival = arrival;
    if (decision.input_max) open.arrival.input = std::min(arrival.input, *decision.input_max);
    for (const auto& cap : {decision.output_max, max_output_of(arrival)}) {
      if (cap) open.arrival.output = std::min(open.arrival.output, *cap);
    }
    open.ticket = decision.ticket;
    open.found = open_.size() - 1;
    open.waited = Duration(0);
    open.quality_floor = decision.quality_floor;
    open.plan = decision.attempt;
    open.planned = decision.attempts;
    open.tried = 0;
    open.next = 1;
    books_.route(decision);
    send(slot, open.plan[0]);
  }

  fare::Decision route(const Arrival& arrival) {
    const fare::Tag tags[] = {{"tenant", scenario_.traffic.tenants[arrival.tenant].name}};
    return router_->route({.id = arrival.index,
                           .request_class = scenario_.traffic.classes[arrival.request_class].name,
                           .tags = tags,
                           .capabilities = {},
                           .input = arrival.input,
                           .expected_output = {},
                           .max_output = max_output_of(arrival),
                           .latency_bound = {},
                           .scopes = payers_.of(arrival.tenant)},
                          instant());
  }

  // What the model is asked by the current try, without its prompt.
  Ask ask_of(std::uint32_t slot) {
    const Open& open = open_[slot];
    return {.slot = slot,
            .luck = open.arrival.index * fare::kAttemptsMax + open.tried - 1,
            .tenant = open.arrival.tenant,
            .sent = open.last().started,
            .input = open.arrival.input,
            .output = open.arrival.output,
            .prompt = nullptr};
  }

  // The same with the prompt, which holds until the next call.
  Ask ask_with_prompt(std::uint32_t slot) {
    Ask ask = ask_of(slot);
    if (!prompts_) return ask;
    prompt_ = prompts_->of(open_[slot].arrival.index, open_[slot].arrival.input);
    ask.prompt = &prompt_;
    return ask;
  }

  // Sends a request to a target of its plan: into service, or into the line before it.
  void send(std::uint32_t slot, fare::TargetId target) {
    Open& open = open_[slot];
    Try& next = open.tries[open.tried];
    next = Try{};
    next.target = target;
    next.started = now_;
    next.model = model_of_target_[static_cast<std::size_t>(next.target)];
    ++open.tried;
    books_.send(next.model);
    const Ask ask = ask_with_prompt(slot);
    Fate refusal;
    open.entry = models_[next.model].send(ask, now_, refusal);
    switch (open.entry.way) {
      case Entry::Way::kServed:
        serve(slot, ask);
        break;
      case Entry::Way::kRefused:
        follow(slot, refusal);
        break;
      case Entry::Way::kWaits:
        books_.wait(next.model);
        watch_line(next.model);
    }
  }

  void serve(std::uint32_t slot, const Ask& ask) {
    Open& open = open_[slot];
    leave_line(open);
    follow(slot, models_[open.last().model].serve(ask, open.entry, now_));
  }

  void leave_line(Open& open) {
    const Duration waited = now_ - open.last().started;
    books_.leave_line(open.last().model, waited);
    open.waited += waited;
  }

  // Lets the fate of the current try take its course.
  void follow(std::uint32_t slot, const Fate& fate) {
    Open& open = open_[slot];
    open.fate = fate;
    open.served = now_;
    const Duration next = fate.begins ? fate.first_token : fate.total;
    queue_.push({now_ + next, fate.begins ? kFirstToken : kEnd, slot});
  }

  // The current try has ended: the request has its answer, or goes on, or has failed.
  void end(std::uint32_t slot) {
    Open& open = open_[slot];
    Try& last = open.last();
    const std::uint32_t model = last.model;
    const Fate fate = open.fate;
    last.total = now_ - last.started;
    if (fate.begins) last.first_token = open.served + fate.first_token - last.started;
    last.end = fate.end;
    last.cache_read = open.entry.cache.read;
    last.cache_written = open.entry.cache.written;
    last.output = fate.output;
    models_[model].end(ask_of(slot), open.entry, fate, now_);
    if (fate.end == AttemptEnd::kAnswered) {
      books_.answer(open, now_);
      judge(open, model);
      close(slot);
    } else {
      books_.fail(model, fate.fault);
      if (fate.end == AttemptEnd::kRateLimited && fate.retry_after > Duration(0)) {
        router_->hold(last.target, instant() + fate.retry_after, instant());
      }
      if (!go_on(slot)) {
        books_.give_up();
        close(slot);
      }
    }
    if (!fate.has_place) return;
    const std::optional<std::uint32_t> next = models_[model].leave(now_);
    if (next) serve(*next, ask_with_prompt(*next));
  }

  // Sends the request to the next target of its plan that the router grants; false if none is left.
  bool go_on(std::uint32_t slot) {
    Open& open = open_[slot];
    const fare::Attempt failed = attempt_of(open, open.last());
    while (open.next < open.planned) {
      const fare::TargetId target = open.plan[open.next++];
      const fare::TopUp answer = router_->top_up(open.ticket, failed, target, instant());
      if (answer.status == fare::TopUpStatus::kGranted) {
        send(slot, target);
        return true;
      }
      books_.hold_back(answer.status);
    }
    return false;
  }

  std::optional<fare::Tokens> max_output_of(const Arrival& arrival) const {
    if (arrival.max_output || !variant_.spending) return arrival.max_output;
    return variant_.spending->max_output;
  }

  fare::Instant instant() const { return scenario_.start + now_; }

  // Asks to be told when the model's line next moves by itself.  One event a model is pending, or
  // a few if it moves earlier than was thought.
  void watch_line(std::uint32_t model) {
    const Duration next = models_[model].next_change();
    if (next >= changes_[model]) return;
    changes_[model] = next;
    queue_.push({next, kModelChange, model});
  }

  void move_line(std::uint32_t model) {
    while (const std::optional<LineMove> move = models_[model].advance(now_)) {
      if (move->is_served) {
        serve(move->slot, ask_with_prompt(move->slot));
      } else {
        leave_line(open_[move->slot]);
        follow(move->slot, move->fate);
      }
    }
    watch_line(model);
  }

  void judge(const Open& open, std::uint32_t model) {
    const std::vector<double>& skill = models_[model].skill(open.fate.phase);
    if (skill.empty()) return;
    const std::uint32_t in_class = open.arrival.request_class;
    books_.judge(quality_.of(open.arrival.index, in_class, skill[in_class]), open.quality_floor);
  }

  // Settles the request with the router and books what it cost.
  void close(std::uint32_t slot) {
    const Open& open = open_[slot];
    std::array<fare::Attempt, fare::kAttemptsMax> attempts;
    for (std::size_t i = 0; i < open.tried; ++i) attempts[i] = attempt_of(open, open.tries[i]);
    const fare::Settlement settlement =
        router_->settle(open.ticket, {{attempts.data(), open.tried}}, scenario_.start + now_);
    FARE_CHECK(settlement.status == fare::SettleStatus::kSettled);
    books_.settle(open, settlement, now_);
    if (observer_ != nullptr) {
      observer_->on_end({.index = open.arrival.index,
                         .arrived = open.arrival.at,
                         .ended = now_,
                         .waited = open.waited,
                         .found = open.found,
                         .answered = open.last().end == AttemptEnd::kAnswered});
    }
    open_.give_back(slot);
  }

  // What is answered is billed, and what was given of a stream that broke.
  fare::Attempt attempt_of(const Open& open, const Try& one) const {
    fare::Attempt attempt{.target = one.target,
                          .started = scenario_.start + one.started,
                          .answered = one.end == AttemptEnd::kAnswered,
                          .usage = std::nullopt,
                          .first_token = one.first_token,
                          .total = one.total,
                          .end = one.end};
    if (!attempt.answered && one.end != AttemptEnd::kCutOff) return attempt;
    fare::Usage& usage = attempt.usage.emplace();
    usage[Meter::kInput] = open.arrival.input - one.cache_read - one.cache_written;
    usage[Meter::kCacheRead] = one.cache_read;
    usage[models_[one.model].write_meter()] += one.cache_written;
    usage[Meter::kOutput] = one.output;
    return attempt;
  }

  const Scenario& scenario_;
  const Variant& variant_;
  RunObserver* observer_;
  std::unique_ptr<fare::Router> router_;
  Payers payers_;
  TrafficSource source_;
  AnswerGrade quality_;
  AnswerLuck answers_;
  std::optional<SyntheticPrompts> prompts_;
  Prompt prompt_{};
  std::deque<HostedModel> models_;  // Which cannot move.
  std::vector<std::uint32_t> model_of_target_;
  std::vector<Duration> changes_;  // By model: the next kModelChange that is pending; or kNever.
  EventQueue queue_;
  OpenRequests open_;
  RunBooks books_;
  Arrival arriving_{};
  Duration now_{};
};

}  // namespace

std::uint64_t RunResult::refusals() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : refused) sum += count;
  return sum;
}

RunResult run_once(const Scenario& scenario, const Variant& variant, std::uint32_t replication,
                   std::atomic<std::uint64_t>& progress, RunObserver* observer) {
  return Run(scenario, variant, replication, observer).run(progress);
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
