#include "study/run.h"
#include "base/fetch.h"

#include <deque>
#include <memory>
#include <optional>

#include "base/fetch.h"
#include "engine/event_queue.h"
#include "engine/workers.h"
#include "fare/inline_list.h"
#include "fare/router.h"
#include "study/answer_luck.h"
#include "study/arrival_prompts.h"
#include "study/deadlines.h"
#include "study/due_arrivals.h"
#include "study/open_requests.h"
#include "study/payers.h"
#include "study/run_books.h"
#include "study/run_judges.h"
#include "traffic/session.h"
#include "world/answer_draws.h"
#include "world/hosted_model.h"
#include "world/pool.h"

namespace routesim {
namespace {

using fare::AttemptEnd;
using fare::Duration;
using fare::Meter;

constexpr std::uint64_t kProgressStep = 1'000;

// kFollow is about a slot of DueArrivals, kModelChange about a model, whose index stands in for
// one.
enum EventKind : std::uint32_t { kArrive, kFollow, kEnd, kEnterPool, kScored, kModelChange, kLook };

bool has_sessions(const TrafficModel& traffic) {
  return traffic.sessions || (traffic.recorded && !traffic.recorded->trace.sessions.empty());
}

Fate fate_of(PoolRejection rejection) {
  Fate fate;
  switch (rejection) {
    case PoolRejection::kQueueFull:
      fate.fault = Fault::kQueueFull;
      break;
    case PoolRejection::kTooLong:
      fate.fault = Fault::kTooLong;
      break;
    case PoolRejection::kNone:
    case PoolRejection::kNoCapacity:
    case PoolRejection::kDrained:
      fate.fault = Fault::kNoCapacity;
  }
  fate.end = end_of(fate.fault);
  return fate;
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
        judges_(scenario.world, variant.judging, scenario.seed, replication),
        answers_(scenario.traffic.classes.size(), scenario.seed, replication),
        prompts_(scenario.world, scenario.seed, replication),
        last_model_(scenario.traffic.classes.size()),
        changes_(scenario.world.models.size(), kNever),
        has_sessions_(has_sessions(scenario.traffic)),
        has_similar_(variant.answer_cache && variant.answer_cache->similar),
        escalates_(scenario.traffic.users.escalations_max > 0),
        books_(scenario) {
    const World& world = scenario.world;
    for (std::uint32_t i = 0; i < world.models.size(); ++i) {
      models_.emplace_back(
          world, i,
          HostedModel::Options{
              .seed = scenario.seed, .replication = replication, .start = scenario.start});
      pools_.emplace_back();
      if (!world.models[i].pool) continue;
      const fare::RandomKey acceptance(scenario.seed, replication, fare::Purpose::kAcceptance);
      pools_.back() = std::make_unique<Pool>(*world.models[i].pool, acceptance);
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
      if (deadlines_.next() < event.at) {
        pass_to(deadlines_.next());
        abandon(deadlines_.first());
        continue;
      }
      // Nothing is left but to look: time does not go on for that.
      if (event.kind == kLook && queue_.size() == 1 + gone_) break;
      if (gone_ > 0 && is_of_gone(event)) {
        queue_.pop();
        --gone_;
        open_.free_slot(event.slot);
        continue;
      }
      if (event.kind == kModelChange && is_outdated(event)) {
        pass_over(event);
        continue;
      }
      pass_to(event.at);
      handle(event, progress);
    }
    progress += came_ % kProgressStep;
    FARE_CHECK(open_.size() == 0);
    if (observer_ != nullptr) observer_->look_last(*router_, instant());
    for (std::uint32_t i = 0; i < pools_.size(); ++i) {
      if (pools_[i]) books_.close_pool(tally_of(i));
    }
    return books_.close(now_, router_->stats());
  }

 private:
  PoolTally tally_of(std::uint32_t model) const {
    const PoolTotals totals = pools_[model]->totals(now_);
    return {.model = model,
            .gpus_per_replica = scenario_.world.models[model].pool->gpus_per_replica,
            .replica_ns = totals.replica_ns,
            .busy_ns = totals.busy.count(),
            .cost = totals.cost,
            .preemptions = totals.done.preemptions,
            .held = totals.held,
            .replicas_max = totals.replicas_max};
  }

  void pass_to(Duration at) {
    books_.pass(at - now_, open_.size());
    now_ = at;
  }

  // Whether it was to happen to a try that is cancelled.
  bool is_of_gone(const Event& event) const {
    const bool is_of_try = event.kind == kEnd || event.kind == kEnterPool || event.kind == kScored;
    return is_of_try && open_[event.slot].is_gone;
  }

  // Whether a pool has another next change by now: time does not go on for that.
  bool is_outdated(const Event& event) const {
    const Pool* const pool = pools_[event.slot].get();
    return pool != nullptr && (changes_[event.slot] != event.at || pool->next_change() != event.at);
  }

  void pass_over(const Event& event) {
    queue_.pop();
    if (changes_[event.slot] != event.at) return;
    changes_[event.slot] = kNever;
    watch_line(event.slot);
  }

  void handle(const Event& event, std::atomic<std::uint64_t>& progress) {
    switch (event.kind) {
      case kArrive:
        if (++came_ % kProgressStep == 0) progress += kProgressStep;
        come();
        break;
      case kFollow:
        queue_.pop();
        arrive(due_.take(event.slot));
        break;
      case kEnd:
        queue_.pop();
        fetch_next();
        end(event.slot);
        break;
      case kEnterPool:
        queue_.pop();
        enter_pool(event.slot);
        break;
      case kScored:
        queue_.pop();
        take_score(event.slot);
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

  // With many requests open the next to end is in no near cache: it is fetched while this event is
  // worked on.
  void fetch_next() const {
    if (queue_.empty()) return;
    const Event next = queue_.top();
    if (next.kind == kEnd) open_.fetch(next.slot);
  }

  // Lets the observer look, and asks when it wants to look again.
  void look() {
    const std::optional<fare::Instant> next = observer_->look(*router_, instant());
    if (!next) return;
    FARE_CHECK(*next > instant());
    queue_.push({*next - scenario_.start, kLook, 0});
  }

  // A request comes by itself.
  void come() {
    const Arrival arrival = arriving_;
    const bool is_last = !source_.next(arriving_);
    if (is_last) {
      queue_.pop();
    } else {
      queue_.replace_top({arriving_.at, kArrive, 0});
      books_.fetch(arriving_.tenant);
      fare::fetch(scenario_.traffic.tenants[arriving_.tenant].name);
    }
    fetch_next();
    fetch_cache(arrival, &HostedCache::fetch_found);
    arrive(arrival);
    if (!is_last) fetch_cache(arriving_, &HostedCache::fetch);
  }

  // Lets the processor fetch what a request will read of a prompt cache, if it goes where the last
  // one of its class went.  Recorded prompts are not worth it: finding their ends takes longer.
  void fetch_cache(const Arrival& arrival,
                   void (HostedCache::*fetch)(const Prompt&, fare::Tokens, std::uint32_t) const) {
    const HostedCache* const cache = models_[last_model_[arrival.request_class]].cache();
    if (cache == nullptr || arrival.block_tokens > fare::Tokens()) return;
    const Prompt* const prompt = prompts_.of(arrival, arrival.input);
    if (prompt != nullptr) (cache->*fetch)(*prompt, arrival.input, arrival.tenant);
  }

  void arrive(const Arrival& arrival) {
    books_.arrive(arrival);
    if (variant_.answer_cache && answers_.hits(*variant_.answer_cache, arrival)) {
      const Duration latency = variant_.answer_cache->latency;
      books_.answer_from_cache(latency);
      follow_up(arrival, now_ + latency, Ending::kGood);
      return;
    }
    const fare::Decision decision = route(arrival);
    if (decision.action == fare::Action::kAnswerCached) return answer_as_similar(arrival, decision);
    if (decision.refusal != fare::Refusal::kNone) {
      books_.refuse(arrival, decision);
      follow_up(arrival, now_, Ending::kRefused);
      return;
    }
    accept(arrival, decision);
  }

  // What whoever asked does next, at `now` or later.
  void follow_up(const Arrival& finished, Duration now, Ending ending) {
    const std::optional<Arrival> first = source_.after(finished, now, ending);
    if (!first) return;
    if (first->attempt > finished.attempt) {
      books_.ask_again(first->escalations > finished.escalations);
    }
    queue_.push({first->at, kFollow, due_.put(*first)});
    for (Arrival more; source_.also(more);) queue_.push({more.at, kFollow, due_.put(more)});
  }

  void accept(const Arrival& arrival, const fare::Decision& decision) {
    const std::uint32_t slot = open_.take();
    Open& open = open_[slot];
    open.arrival = arrival;
    open.input = arrival.input;
    open.output = arrival.output;
    if (decision.input_max) open.input = std::min(open.input, *decision.input_max);
    for (const auto& cap : {decision.output_max, max_output_of(arrival)}) {
      if (cap) open.output = std::min(open.output, *cap);
    }
    if (arrival.patience != Duration::max()) deadlines_.add(slot, arrival.at + arrival.patience);
    open.is_gone = false;
    open.ticket = decision.ticket;
    open.found = open_.size() - 1;
    open.waited = Duration(0);
    open.quality_floor = decision.quality_floor;
    open.accept_min = decision.accept_min;
    open.stages = decision.stages;
    open.answers = 0;
    open.in_hand = 0;
    open.plan = decision.attempt;
    open.planned = decision.attempts;
    open.next = 1;
    books_.route(decision);
    send(slot, open.plan[0]);
  }

  void answer_as_similar(const Arrival& arrival, const fare::Decision& decision) {
    const Duration latency = variant_.answer_cache->latency;
    books_.answer_as_similar(decision, latency);
    const bool is_good = answers_.similar(*variant_.answer_cache->similar, arrival).is_good;
    follow_up(arrival, now_ + latency, escalates_ && !is_good ? Ending::kBad : Ending::kGood);
  }

  fare::Decision route(const Arrival& arrival) {
    const std::string_view tenant = scenario_.traffic.tenants[arrival.tenant].name;
    const fare::Tag tags[] = {{"tenant", tenant}};
    fare::Request request{.id = arrival.index,
                          .request_class = scenario_.traffic.classes[arrival.request_class].name,
                          .tags = tags,
                          .capabilities = {},
                          .input = arrival.input,
                          .expected_output = {},
                          .max_output = max_output_of(arrival),
                          .latency_bound = {},
                          .scopes = payers_.of(arrival.tenant),
                          .session = has_sessions_ ? arrival.session + 1 : 0,
                          .prompt = prompts_.blocks_of(arrival)};
    if (has_similar_ && answers_.similar(*variant_.answer_cache->similar, arrival).is_there) {
      if (request.scopes.empty()) request.scopes = {&tenant, 1};
      request.cached_answer = {.scope = request.scopes.front(),
                               .quality = variant_.answer_cache->similar->quality};
    }
    return router_->route(request, instant());
  }

  // The entity of a try's draws, counted from 1; of the current one's.
  static std::uint64_t luck_of(const Open& open, std::uint64_t tried) {
    return open.arrival.index * fare::kAttemptsMax + tried - 1;
  }
  static std::uint64_t luck_of(const Open& open) { return luck_of(open, open.tried); }

  // What the model is asked by the current try, without its prompt.
  Ask ask_of(std::uint32_t slot) {
    const Open& open = open_[slot];
    return {.slot = slot,
            .luck = luck_of(open),
            .tenant = open.arrival.tenant,
            .sent = open.last().started,
            .input = open.input,
            .output = open.output,
            .prompt = nullptr};
  }

  // The same with the prompt, which holds until the next call.
  Ask ask_with_prompt(std::uint32_t slot) {
    Ask ask = ask_of(slot);
    ask.prompt = prompts_.of(open_[slot].arrival, open_[slot].input);
    return ask;
  }

  // Sends a request to a target of its plan: into service, or into the line before it.
  void send(std::uint32_t slot, fare::TargetId target) {
    Open& open = open_[slot];
    Try& next = open_.add_try(open);
    next.target = target;
    next.started = now_;
    next.model = model_of_target_[static_cast<std::size_t>(next.target)];
    last_model_[open.arrival.request_class] = next.model;
    books_.send(next.model);
    if (pools_[next.model]) {
      open.entry = Entry{};
      open.fate = Fate{};
      open.served = now_;
      const Duration overhead = scenario_.world.models[next.model].pool->overhead;
      queue_.push({now_ + overhead, kEnterPool, slot});
      return;
    }
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
        open.in_line = true;
        books_.wait(next.model);
        watch_line(next.model);
    }
  }

  void enter_pool(std::uint32_t slot) {
    Open& open = open_[slot];
    const std::uint32_t model = open.last().model;
    open.served = now_;
    open.in_pool = true;
    happened_.clear();
    pools_[model]->send({.slot = slot,
                         .entity = luck_of(open),
                         .input = open.input,
                         .cached = {},
                         .output = open.output},
                        now_, happened_);
    take_in(model);
  }

  // Takes in what has just happened in a pool.  None of it makes anything else happen there now.
  void take_in(std::uint32_t model) {
    for (const PoolEvent& event : happened_) {
      Open& open = open_[event.slot];
      switch (event.kind) {
        case PoolEventKind::kStarted:
          if (now_ == open.served) break;
          books_.wait(model);
          books_.leave_line(model, now_ - open.served);
          open.waited += now_ - open.served;
          break;
        case PoolEventKind::kFirstToken:
          open.fate.begins = true;
          open.fate.first_token = now_ - open.served;
          break;
        case PoolEventKind::kFinished:
          open.in_pool = false;
          open.fate.total = now_ - open.served;
          open.fate.output = open.output;
          end(event.slot);
          break;
        case PoolEventKind::kPreempted:
          break;
        case PoolEventKind::kRejected:
          open.in_pool = false;
          follow(event.slot, fate_of(event.rejection));
      }
    }
    watch_line(model);
  }

  void serve(std::uint32_t slot, const Ask& ask) {
    Open& open = open_[slot];
    leave_line(open);
    follow(slot, models_[open.last().model].serve(ask, open.entry, now_));
  }

  void leave_line(Open& open) {
    open.in_line = false;
    const Duration waited = now_ - open.last().started;
    books_.leave_line(open.last().model, waited);
    open.waited += waited;
  }

  // Lets the fate of the current try take its course.
  void follow(std::uint32_t slot, const Fate& fate) {
    Open& open = open_[slot];
    open.fate = fate;
    open.served = now_;
    queue_.push({now_ + fate.total, kEnd, slot});
  }

  // The current try has ended: the request has its answer, or goes on, or has failed.
  void end(std::uint32_t slot) {
    Open& open = open_[slot];
    const Fate fate = open.fate;
    end_try(slot, fate);
    const Try& last = open.last();
    const std::uint32_t model = last.model;
    if (fate.end == AttemptEnd::kAnswered) {
      take_answer(slot);
    } else {
      books_.fail(model, fate.fault);
      if (fate.end == AttemptEnd::kRateLimited && fate.retry_after > Duration(0)) {
        router_->hold(last.target, instant() + fate.retry_after, instant());
      }
      if (!go_on(slot)) give_up(slot);
    }
    if (fate.has_place) leave_place(model);
  }

  // The current try was answered: the answer is given; or scored first, if another stage follows.
  void take_answer(std::uint32_t slot) {
    Open& open = open_[slot];
    const Try& last = open.last();
    const AnswerQuality quality = quality_of(open);
    if (!open.accept_min) {
      return give(slot, quality, last.started + last.first_token, luck_of(open));
    }
    open.quality = quality;
    open.in_hand = open.tried;
    ++open.answers;
    if (open.next >= open.stages) {
      books_.answer_after(open.answers, false);
      return give(slot, quality, last.started + last.first_token, luck_of(open));
    }
    const Duration delay = judges_.scorer().delay(luck_of(open));
    books_.score(open.arrival, judges_.scorer().cost(), delay);
    open.in_scoring = true;
    queue_.push({now_ + delay, kScored, slot});
  }

  void take_score(std::uint32_t slot) {
    Open& open = open_[slot];
    open.in_scoring = false;
    const double grade = judges_.scorer().grade(open.quality, luck_of(open));
    const bool accepted = grade >= *open.accept_min;
    books_.accept(accepted);
    if (accepted) return give_in_hand(slot, false);
    if (!go_on(slot)) give_in_hand(slot, true);
  }

  // No target is left to ask: what was answered before, if anything was, must do.
  void give_up(std::uint32_t slot) {
    if (open_[slot].in_hand > 0) return give_in_hand(slot, true);
    books_.give_up();
    close(slot, Ending::kFailed);
    open_.free_slot(slot);
  }

  // Gives the answer that was held back for its score.
  void give_in_hand(std::uint32_t slot, bool was_rejected) {
    const Open& open = open_[slot];
    books_.answer_after(open.answers, was_rejected);
    give(slot, open.quality, now_, luck_of(open, open.in_hand));
  }

  // Gives an answer to whoever asked; `luck` is its entity.
  void give(std::uint32_t slot, const AnswerQuality& quality, Duration first_token,
            std::uint64_t luck) {
    const Open& open = open_[slot];
    books_.answer(open, first_token, now_);
    books_.grade(quality, open.quality_floor);
    if (judges_.evaluates()) evaluate(open, quality, luck);
    const std::optional<bool> good =
        quality.is_known() ? std::optional(quality.good) : std::nullopt;
    close(slot, escalates_ && quality.is_bad() ? Ending::kBad : Ending::kGood, good);
    open_.free_slot(slot);
  }

  void evaluate(const Open& open, const AnswerQuality& quality, std::uint64_t luck) {
    const auto found = judges_.evaluate(quality, open.arrival.index, luck);
    const std::size_t tried = open.in_hand > 0 ? open.in_hand : open.tried;
    if (found) books_.evaluate(*found, judges_.window(open.at(tried - 1).started));
  }

  // Notes how the current try has ended, and tells its model.
  void end_try(std::uint32_t slot, const Fate& fate) {
    Open& open = open_[slot];
    Try& last = open.last();
    last.total = now_ - last.started;
    if (fate.begins) last.first_token = open.served + fate.first_token - last.started;
    last.end = fate.end;
    last.cache_read = open.entry.cache.read;
    last.cache_written = open.entry.cache.written;
    last.output = fate.output;
    models_[last.model].end(ask_of(slot), open.entry, fate, now_);
  }

  void leave_place(std::uint32_t model) {
    const std::optional<std::uint32_t> next = models_[model].leave(now_);
    if (next) serve(*next, ask_with_prompt(*next));
  }

  // Whoever asked gives up: the current try is cancelled, wherever it is.
  void abandon(std::uint32_t slot) {
    Open& open = open_[slot];
    const std::uint32_t model = open.last().model;
    books_.abandon();
    if (open.in_scoring) {
      open.in_scoring = false;
      close(slot, Ending::kAbandoned);
      return leave_event(open);
    }
    books_.cancel(model);
    if (open.in_line) {
      models_[model].withdraw(ask_of(slot), open.entry, now_);
      leave_line(open);
      open.last().total = now_ - open.last().started;
      open.last().end = AttemptEnd::kCancelled;
      close(slot, Ending::kAbandoned);
      open_.free_slot(slot);
      return;
    }
    Fate fate = cancelled_at(open.fate, now_ - open.served);
    const bool in_pool = open.in_pool;
    if (in_pool) {
      open.in_pool = false;
      fate.output = pools_[model]->cancel(slot, now_);
      watch_line(model);
    }
    end_try(slot, fate);
    close(slot, Ending::kAbandoned);
    if (in_pool) return open_.free_slot(slot);
    leave_event(open);
    if (fate.has_place) leave_place(model);
  }

  // What was to happen to a closed request is still in the queue, and must find nobody else.
  void leave_event(Open& open) {
    open.is_gone = true;
    ++gone_;
  }

  // Sends the request to the next target of its plan that the router grants; false if none is left.
  bool go_on(std::uint32_t slot) {
    Open& open = open_[slot];
    const fare::Attempt ended = attempt_of(open, open.last());
    while (open.next < open.planned) {
      const fare::TargetId target = open.plan[open.next++];
      const fare::TopUp answer = router_->top_up(open.ticket, ended, target, instant());
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
    const Duration next = pools_[model] ? pools_[model]->next_change().value_or(kNever)
                                        : models_[model].next_change();
    if (next >= changes_[model]) return;
    changes_[model] = next;
    queue_.push({next, kModelChange, model});
  }

  void move_line(std::uint32_t model) {
    if (pools_[model]) {
      happened_.clear();
      pools_[model]->advance(now_, happened_);
      return take_in(model);
    }
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

  // How good the current try's answer is.
  AnswerQuality quality_of(const Open& open) const {
    const std::uint32_t model = open.last().model;
    return quality_.draw(model, models_[model].quality(open.fate.phase),
                         {.request_class = open.arrival.request_class,
                          .request = first_asked(open.arrival),
                          .answer = luck_of(open),
                          .begun = open.served});
  }

  // Settles the request with the router, books what it cost, and lets what follows from it come.
  // Its slot is still taken.
  void close(std::uint32_t slot, Ending ending, std::optional<bool> good = {}) {
    const Open& open = open_[slot];
    if (open.arrival.patience != Duration::max()) deadlines_.remove(slot);
    fare::InlineList<fare::Attempt, fare::kAttemptsMax> attempts;
    for (std::size_t i = 0; i < open.tried; ++i) {
      attempts.push_made([&] { return attempt_of(open, open.at(i)); });
    }
    const fare::Settlement settlement =
        router_->settle(open.ticket, {{attempts.begin(), attempts.size()}}, instant());
    FARE_CHECK(settlement.status == fare::SettleStatus::kSettled);
    books_.settle(open, settlement, now_);
    if (observer_ != nullptr) {
      observer_->on_end({.index = open.arrival.index,
                         .arrived = open.arrival.at,
                         .ended = now_,
                         .waited = open.waited,
                         .found = open.found,
                         .answered = ending == Ending::kGood || ending == Ending::kBad,
                         .good = good});
    }
    open_.leave();
    follow_up(open.arrival, now_, ending);
  }

  // What is answered is billed, and what was given of a stream that broke or was given up.
  fare::Attempt attempt_of(const Open& open, const Try& one) const {
    fare::Attempt attempt{.target = one.target,
                          .started = scenario_.start + one.started,
                          .answered = one.end == AttemptEnd::kAnswered,
                          .usage = std::nullopt,
                          .first_token = one.first_token,
                          .total = one.total,
                          .end = one.end};
    const bool was_begun = one.end == AttemptEnd::kCutOff || one.end == AttemptEnd::kCancelled;
    if (!attempt.answered && !(was_begun && one.output > fare::Tokens())) return attempt;
    fare::Usage& usage = attempt.usage.emplace();
    usage[Meter::kInput] = open.input - one.cache_read - one.cache_written;
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
  SessionSource source_;
  AnswerDraws quality_;
  RunJudges judges_;
  AnswerLuck answers_;
  ArrivalPrompts prompts_;
  std::deque<HostedModel> models_;            // Which cannot move.
  std::vector<std::unique_ptr<Pool>> pools_;  // By model; null: it is hosted.
  std::vector<PoolEvent> happened_;
  std::vector<std::uint32_t> model_of_target_;
  std::vector<std::uint32_t> last_model_;  // By class: where it was sent last.
  std::vector<Duration> changes_;  // By model: the next kModelChange that is pending; or kNever.
  EventQueue queue_;
  OpenRequests open_;
  DueArrivals due_;
  Deadlines deadlines_;     // Of open requests that somebody may give up.
  std::size_t gone_ = 0;    // Slots of cancelled tries that an event is still to come to.
  std::uint64_t came_ = 0;  // Requests that came by themselves.
  const bool has_sessions_;
  const bool has_similar_;
  const bool escalates_;
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
    std::atomic<std::uint64_t>& progress, const ObserverOf& observer_of) {
  std::vector<std::vector<RunResult>> results(variants.size());
  for (auto& of_variant : results) of_variant.resize(scenario.replications);
  run_all(variants.size() * scenario.replications, threads, [&](std::size_t i) {
    const std::size_t variant = i % variants.size();
    const auto replication = static_cast<std::uint32_t>(i / variants.size());
    RunObserver* observer = observer_of ? observer_of(variant, replication) : nullptr;
    results[variant][replication] =
        run_once(scenario, *variants[variant], replication, progress, observer);
  });
  return results;
}

}  // namespace routesim
