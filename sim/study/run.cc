#include "study/run.h"
#include "base/fetch.h"

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

// A run's clock ends a century after its start: times beyond are no instants that prices, windows
// and tickets could be asked about.
constexpr Duration kClockEnd = std::chrono::hours(24 * 36'525);

// Of kFollow the slot is one of DueArrivals, of kModelChange a model's index, and of what comes to
// open requests a TryId.
enum EventKind : std::uint32_t {
  kArrive,
  kFollow,
  kEnd,
  kEnterPool,
  kScored,
  kHedge,
  kModelChange,
  kLook
};

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
      models_.push_back(std::make_unique<HostedModel>(
          world, i,
          HostedModel::Options{
              .seed = scenario.seed, .replication = replication, .start = scenario.start}));
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
    if (next_arrival()) queue_.push({arriving_.at, kArrive, 0});
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
        pass_gone(slot_of(event.slot));
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
  // Draws the next request that comes by itself; false if none does.
  bool next_arrival() {
    if (!source_.next(arriving_)) return false;
    if (arriving_.at <= kClockEnd) return true;
    books_.end_clock();
    return false;
  }

  // Pools are there until the traffic's span is over, though the last request may end before.
  PoolTally tally_of(std::uint32_t model) const {
    const TrafficModel& traffic = scenario_.traffic;
    const bool is_synthetic = !traffic.trace && !traffic.recorded;
    const Duration end = is_synthetic ? std::max(now_, traffic.arrivals.length) : now_;
    const PoolTotals totals = pools_[model]->totals(end);
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

  static bool is_of_open(const Event& event) {
    return event.kind == kEnd || event.kind == kEnterPool || event.kind == kScored ||
           event.kind == kHedge;
  }

  // Whether it was to happen to a request that is closed.
  bool is_of_gone(const Event& event) const {
    return is_of_open(event) && open_[slot_of(event.slot)].is_gone;
  }

  void pass_gone(std::uint32_t slot) {
    --gone_;
    if (--open_[slot].events == 0) open_.free_slot(slot);
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
      case kEnterPool:
      case kScored:
      case kHedge:
        queue_.pop();
        fetch_next();
        happen(event);
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

  void happen(const Event& event) {
    const TryId id = event.slot;
    --open_[slot_of(id)].events;
    books_.fetch(open_[slot_of(id)].arrival.tenant);
    if (event.kind == kScored) return take_score(slot_of(id));
    if (open_.at(id).is_over) return;
    if (event.kind == kEnd) return end(id);
    if (event.kind == kEnterPool) return enter_pool(id);
    hedge(id);
  }

  // Lets something happen to an open request.
  void expect(Duration at, EventKind kind, TryId id) {
    ++open_[slot_of(id)].events;
    queue_.push({at, kind, id});
  }

  // With many requests open the next to end is in no near cache: it is fetched while this event is
  // worked on.
  void fetch_next() const {
    if (queue_.empty()) return;
    const Event next = queue_.top();
    if (next.kind == kEnd) open_.fetch(slot_of(next.slot));
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
    const bool is_last = !next_arrival();
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
    const HostedCache* const cache = models_[last_model_[arrival.request_class]]->cache();
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
    if (await(*first) && first->attempt > finished.attempt) {
      books_.ask_again(first->escalations > finished.escalations);
    }
    for (Arrival more; source_.also(more);) await(more);
  }

  // False: the clock ends before it comes.
  bool await(const Arrival& arrival) {
    if (arrival.at > kClockEnd) {
      books_.end_clock();
      return false;
    }
    queue_.push({arrival.at, kFollow, due_.put(arrival)});
    return true;
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
    open.under_way = 0;
    open.events = 0;
    open.ticket = decision.ticket;
    open.found = open_.size() - 1;
    open.waited = Duration(0);
    open.quality_floor = decision.quality_floor;
    open.accept_min = decision.accept_min;
    open.hedge_after = decision.hedge_after.value_or(kNever);
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

  // The entity of a try's draws.
  std::uint64_t luck_of(TryId id) const {
    return open_[slot_of(id)].arrival.index * fare::kAttemptsMax + number_of(id);
  }

  // What the model is asked by a try, without its prompt.
  Ask ask_of(TryId id) {
    const Open& open = open_[slot_of(id)];
    return {.slot = id,
            .luck = luck_of(id),
            .tenant = open.arrival.tenant,
            .sent = open_.at(id).started,
            .input = open.input,
            .output = open.output,
            .prompt = nullptr};
  }

  // The same with the prompt, which holds until the next call.
  Ask ask_with_prompt(TryId id) {
    Ask ask = ask_of(id);
    const Open& open = open_[slot_of(id)];
    ask.prompt = prompts_.of(open.arrival, open.input);
    return ask;
  }

  // Sends a request to a target of its plan: into service, or into the line before it.
  void send(std::uint32_t slot, fare::TargetId target, bool is_hedge = false) {
    const TryId id = open_.add_try(slot);
    Open& open = open_[slot];
    Try& next = open_.at(id);
    ++open.under_way;
    next.target = target;
    next.started = next.served = now_;
    next.is_hedge = is_hedge;
    next.model = model_of_target_[static_cast<std::size_t>(target)];
    last_model_[open.arrival.request_class] = next.model;
    books_.send(next.model);
    if (pools_[next.model]) {
      expect(now_ + scenario_.world.models[next.model].pool->overhead, kEnterPool, id);
    } else {
      ask(id);
    }
    if (open.hedge_after != kNever && may_hedge(open, next)) {
      expect(now_ + open.hedge_after, kHedge, id);
    }
  }

  void ask(TryId id) {
    Try& next = open_.at(id);
    const Ask ask = ask_with_prompt(id);
    if (ask.prompt == nullptr && models_[next.model]->cache() != nullptr) {
      books_.send_unseen(next.model);
    }
    Fate refusal;
    next.entry = models_[next.model]->send(ask, now_, refusal);
    switch (next.entry.way) {
      case Entry::Way::kServed:
        serve(id, ask);
        break;
      case Entry::Way::kRefused:
        follow(id, refusal);
        break;
      case Entry::Way::kWaits:
        next.in_line = true;
        books_.wait(next.model);
        watch_line(next.model);
    }
  }

  // Whether a try that was just sent may turn out slow, and there is who could be asked beside it.
  bool may_hedge(const Open& open, const Try& one) const {
    if (open.under_way > 1 || open.next >= open.planned) return false;
    if (one.in_line || pools_[one.model]) return true;
    return (one.fate.begins ? one.fate.first_token : one.fate.total) > open.hedge_after;
  }

  // A try has been under way for so long that it may be hedged, if it has not begun to answer.
  void hedge(TryId id) {
    Open& open = open_[slot_of(id)];
    const Try& slow = open_.at(id);
    const bool has_begun = slow.fate.begins && slow.served + slow.fate.first_token <= now_;
    if (has_begun || open.under_way > 1 || open.next >= open.planned) return;
    const fare::TargetId target = open.plan[open.next];
    const fare::TopUp answer = router_->hedge(open.ticket, target, instant());
    if (answer.status != fare::TopUpStatus::kGranted) return books_.hold_back(answer.status);
    ++open.next;
    books_.hedge();
    send(slot_of(id), target, true);
  }

  void enter_pool(TryId id) {
    Try& one = open_.at(id);
    const Open& open = open_[slot_of(id)];
    one.served = now_;
    one.in_pool = true;
    happened_.clear();
    pools_[one.model]->send({.slot = id,
                             .entity = luck_of(id),
                             .input = open.input,
                             .cached = {},
                             .output = open.output},
                            now_, happened_);
    take_in(one.model);
  }

  // Takes in what has just happened in a pool.  None of it makes anything else happen there now.
  void take_in(std::uint32_t model) {
    for (const PoolEvent& event : happened_) {
      const bool is_out =
          event.kind == PoolEventKind::kFinished || event.kind == PoolEventKind::kRejected;
      if (is_out) leave_pool(event.slot);
    }
    for (const PoolEvent& event : happened_) {
      // Of two tries of one request that end at once, the first one cuts off the second.
      const bool is_gone = number_of(event.slot) >= open_[slot_of(event.slot)].tried;
      if (!is_gone && !open_.at(event.slot).is_over) take_in(event);
    }
    watch_line(model);
  }

  void leave_pool(TryId id) {
    Try& one = open_.at(id);
    one.in_pool = false;
    one.fate.total = now_ - one.served;
    one.fate.output = open_[slot_of(id)].output;
  }

  void take_in(const PoolEvent& event) {
    Try& one = open_.at(event.slot);
    switch (event.kind) {
      case PoolEventKind::kStarted:
        if (now_ == one.served) break;
        books_.wait(one.model);
        books_.leave_line(one.model, now_ - one.served);
        open_[slot_of(event.slot)].waited += now_ - one.served;
        break;
      case PoolEventKind::kFirstToken:
        one.fate.begins = true;
        one.fate.first_token = now_ - one.served;
        break;
      case PoolEventKind::kFinished:
        end(event.slot);
        break;
      case PoolEventKind::kPreempted:
        break;
      case PoolEventKind::kRejected:
        follow(event.slot, fate_of(event.rejection));
    }
  }

  void serve(TryId id, const Ask& ask) {
    leave_line(id);
    const Try& one = open_.at(id);
    follow(id, models_[one.model]->serve(ask, one.entry, now_));
  }

  void leave_line(TryId id) {
    Try& one = open_.at(id);
    one.in_line = false;
    const Duration waited = now_ - one.started;
    books_.leave_line(one.model, waited);
    open_[slot_of(id)].waited += waited;
  }

  // Lets the fate of a try take its course.
  void follow(TryId id, const Fate& fate) {
    Try& one = open_.at(id);
    one.fate = fate;
    one.served = now_;
    if (fate.total > kClockEnd - now_) {
      books_.end_clock();
      one.fate = cancelled_at(fate, kClockEnd - now_);
      one.fate.end = AttemptEnd::kTimeout;
      one.fate.fault = Fault::kTimeout;
    }
    expect(now_ + one.fate.total, kEnd, id);
  }

  // A try has ended: the request has its answer, or goes on, or has failed.
  void end(TryId id) {
    const Try& ended = open_.at(id);
    const Fate fate = ended.fate;
    const std::uint32_t model = ended.model;
    const std::uint32_t slot = slot_of(id);
    end_try(id, fate);
    if (fate.end == AttemptEnd::kAnswered) {
      cut_off(slot);
      take_answer(id);
    } else {
      books_.fail(model, fate.fault);
      if (fate.end == AttemptEnd::kRateLimited && fate.retry_after > Duration(0)) {
        // A wait that is longer than the router takes in is asked for again.
        const Duration wait = std::min<Duration>(fate.retry_after, std::chrono::hours(24));
        router_->hold(ended.target, instant() + wait, instant());
      }
      if (open_[slot].under_way == 0 && !go_on(slot, ended)) give_up(slot);
    }
    if (fate.has_place) leave_place(model);
  }

  // A try was answered: the answer is given; or scored first, if another stage follows.
  void take_answer(TryId id) {
    const std::uint32_t slot = slot_of(id);
    Open& open = open_[slot];
    const Try& one = open_.at(id);
    const AnswerQuality quality = quality_of(id);
    if (one.is_hedge) books_.win_hedge();
    open.in_hand = static_cast<std::uint8_t>(number_of(id) + 1);
    if (!open.accept_min) return give(slot, quality, one.started + one.first_token);
    open.quality = quality;
    ++open.answers;
    if (open.next >= open.stages) {
      books_.answer_after(open.answers, false);
      return give(slot, quality, one.started + one.first_token);
    }
    const Duration delay = judges_.scorer().delay(luck_of(id));
    books_.score(open.arrival, judges_.scorer().cost(), delay);
    open.in_scoring = true;
    expect(now_ + delay, kScored, id);
  }

  void take_score(std::uint32_t slot) {
    Open& open = open_[slot];
    open.in_scoring = false;
    const double grade = judges_.scorer().grade(open.quality, luck_of(in_hand(slot)));
    const bool accepted = grade >= *open.accept_min;
    books_.accept(accepted);
    if (accepted) return give_in_hand(slot, false);
    if (!go_on(slot, open_.at(in_hand(slot)))) give_in_hand(slot, true);
  }

  // REQUIRES: a try was answered.
  TryId in_hand(std::uint32_t slot) const { return id_of(slot, open_[slot].in_hand - 1u); }

  // No target is left to ask: what was answered before, if anything was, must do.
  void give_up(std::uint32_t slot) {
    if (open_[slot].in_hand > 0) return give_in_hand(slot, true);
    books_.give_up();
    close(slot, Ending::kFailed);
    release(slot);
  }

  // Gives the answer that was held back for its score.
  void give_in_hand(std::uint32_t slot, bool was_rejected) {
    const Open& open = open_[slot];
    books_.answer_after(open.answers, was_rejected);
    give(slot, open.quality, now_);
  }

  // Gives the answer in hand to whoever asked.
  void give(std::uint32_t slot, const AnswerQuality& quality, Duration first_token) {
    const Open& open = open_[slot];
    books_.answer(open, first_token, now_);
    books_.grade(quality, open.quality_floor);
    if (judges_.evaluates()) evaluate(in_hand(slot), quality);
    const std::optional<bool> good =
        quality.is_known() ? std::optional(quality.good) : std::nullopt;
    close(slot, escalates_ && quality.is_bad() ? Ending::kBad : Ending::kGood, good);
    release(slot);
  }

  void evaluate(TryId id, const AnswerQuality& quality) {
    const std::uint64_t index = open_[slot_of(id)].arrival.index;
    const auto found = judges_.evaluate(quality, index, luck_of(id));
    if (found) books_.evaluate(*found, judges_.window(open_.at(id).started));
  }

  // Notes how a try has ended, and tells its model.
  void end_try(TryId id, const Fate& fate) {
    Try& one = open_.at(id);
    one.total = now_ - one.started;
    if (fate.begins) one.first_token = one.served + fate.first_token - one.started;
    one.end = fate.end;
    one.output = fate.output;
    if (one.entry.cache.written > fare::Tokens() && models_[one.model]->charges_storage()) {
      books_.keep(one.model);
    }
    models_[one.model]->end(ask_of(id), one.entry, fate, now_);
    close_try(id);
  }

  void close_try(TryId id) {
    open_.at(id).is_over = true;
    --open_[slot_of(id)].under_way;
  }

  void leave_place(std::uint32_t model) {
    const std::optional<TryId> next = models_[model]->leave(now_);
    if (next) serve(*next, ask_with_prompt(*next));
  }

  // Whoever asked gives up.
  void abandon(std::uint32_t slot) {
    books_.abandon();
    open_[slot].in_scoring = false;
    cut_off(slot);
    close(slot, Ending::kAbandoned);
    release(slot);
  }

  // Cuts off all tries that are under way, wherever they are.
  void cut_off(std::uint32_t slot) {
    const Open& open = open_[slot];
    for (std::size_t i = 0; open.under_way > 0; ++i) {
      if (!open.at(i).is_over) cut_off_try(id_of(slot, i));
    }
  }

  void cut_off_try(TryId id) {
    Try& one = open_.at(id);
    const std::uint32_t model = one.model;
    books_.cancel(model);
    if (one.in_line) {
      models_[model]->withdraw(ask_of(id), one.entry, now_);
      leave_line(id);
      one.total = now_ - one.started;
      one.end = AttemptEnd::kCancelled;
      return close_try(id);
    }
    Fate fate = cancelled_at(one.fate, now_ - one.served);
    const bool in_pool = one.in_pool;
    if (in_pool) {
      one.in_pool = false;
      fate.output = pools_[model]->cancel(id, now_);
      watch_line(model);
    }
    end_try(id, fate);
    if (fate.has_place && !in_pool) leave_place(model);
  }

  // Frees the slot of a closed request.  What was still to happen to it is in the queue, and must
  // find nobody else.
  void release(std::uint32_t slot) {
    Open& open = open_[slot];
    if (open.events == 0) return open_.free_slot(slot);
    open.is_gone = true;
    gone_ += open.events;
  }

  // Sends the request to the next target of its plan that the router grants; false if none is left.
  bool go_on(std::uint32_t slot, const Try& last) {
    Open& open = open_[slot];
    const fare::Attempt ended = attempt_of(open, last);
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
                                        : models_[model]->next_change();
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
    while (const std::optional<LineMove> move = models_[model]->advance(now_)) {
      if (move->is_served) {
        serve(move->slot, ask_with_prompt(move->slot));
      } else {
        leave_line(move->slot);
        follow(move->slot, move->fate);
      }
    }
    watch_line(model);
  }

  // How good a try's answer is.
  AnswerQuality quality_of(TryId id) {
    const Open& open = open_[slot_of(id)];
    const Try& one = open_.at(id);
    return quality_.draw(one.model, models_[one.model]->quality(one.fate.phase),
                         {.request_class = open.arrival.request_class,
                          .request = first_asked(open.arrival),
                          .answer = luck_of(id),
                          .begun = one.served});
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

  static bool was_hedged(const Open& open) {
    for (std::size_t i = 1; i < open.tried; ++i) {
      if (open.at(i).is_hedge) return true;
    }
    return false;
  }

  // What is answered is billed, and what was given of a stream that broke or was given up.  Of a
  // hedge that was cut off before its first token it is known that nothing is.
  fare::Attempt attempt_of(const Open& open, const Try& one) const {
    fare::Attempt attempt{.target = one.target,
                          .started = scenario_.start + one.started,
                          .answered = one.end == AttemptEnd::kAnswered,
                          .usage = std::nullopt,
                          .first_token = one.first_token,
                          .total = one.total,
                          .end = one.end};
    const bool was_begun = one.end == AttemptEnd::kCutOff || one.end == AttemptEnd::kCancelled;
    if (!attempt.answered && !(was_begun && one.output > fare::Tokens())) {
      if (one.end == AttemptEnd::kCancelled && was_hedged(open)) attempt.usage.emplace();
      return attempt;
    }
    const CacheUse& cache = one.entry.cache;
    fare::Usage& usage = attempt.usage.emplace();
    usage[Meter::kInput] = open.input - cache.read - cache.written;
    usage[Meter::kCacheRead] = cache.read;
    usage[models_[one.model]->write_meter()] += cache.written;
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
  std::vector<std::unique_ptr<HostedModel>> models_;
  std::vector<std::unique_ptr<Pool>> pools_;  // By model; null: it is hosted.
  std::vector<PoolEvent> happened_;
  std::vector<std::uint32_t> model_of_target_;
  std::vector<std::uint32_t> last_model_;  // By class: where it was sent last.
  std::vector<Duration> changes_;  // By model: the next kModelChange that is pending; or kNever.
  EventQueue queue_;
  OpenRequests open_;
  DueArrivals due_;
  Deadlines deadlines_;     // Of open requests that somebody may give up.
  std::size_t gone_ = 0;    // Events that are still to come to closed requests.
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
