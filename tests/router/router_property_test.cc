// Goal: whatever requests, retries, cut streams, lost tickets and reloads come, the router's books
// are those of a model that is slow and simple, and strict budgets are exceeded by exactly 0.
// Method: seeded random lives against a model that keeps every attempt for ever; the equation and
// every line of the books are checked after every step.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "router/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

#ifdef NDEBUG
constexpr std::uint64_t kLives = 300;
#else
constexpr std::uint64_t kLives = 30;  // Sanitizers are slow.
#endif

// Prices with fractions of a nanodollar; "wordy" reasons at a higher price and writes to a cache.
constexpr std::string_view kModels = R"({
  "format": "fare-prices/1", "vendor": "v", "currency": "USD",
  "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
  "models": [
    {"id": "small", "context_tokens": 3000, "max_output_tokens": 700,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "0.333333", "output": "1.777777"}}]},
    {"id": "wordy", "context_tokens": 100000, "max_output_tokens": 900,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "1.111111", "output": "2.5", "output_reasoning": "3.1",
                                  "cache_read": "0.1", "cache_write_5m": "1.390001"}}]},
    {"id": "large", "context_tokens": 100000, "max_output_tokens": 5000,
     "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
                 "usd_per_mtok": {"input": "3.000001", "output": "15"}}]}]})";

struct ModelTarget {
  const char* name;
  std::int64_t context, output_max;
  std::int64_t input, output;  // The dearest, in picodollars a token.
};
constexpr ModelTarget kTargets[] = {{"small", 3'000, 700, 333'333, 1'777'777},
                                    {"wordy", 100'000, 900, 1'390'001, 3'100'000},
                                    {"large", 100'000, 5'000, 3'000'001, 15'000'000}};

Money rounded_up(Int128 picodollars) {
  return Money(static_cast<std::int64_t>((picodollars + 999) / 1'000));
}

Money half_even(Int128 picodollars) {
  const Int128 whole = picodollars / 1'000;
  const Int128 rest = picodollars % 1'000;
  const bool up = rest > 500 || (rest == 500 && whole % 2 == 1);
  return Money(static_cast<std::int64_t>(whole + (up ? 1 : 0)));
}

constexpr const char* kScopeIds[] = {"org", "team", "key", "tag", "provider:v", "model:wordy"};
constexpr std::size_t kScopes = 6;

std::string scopes_json(const std::vector<Money>& limits) {
  constexpr const char* kKinds[] = {"org", "team", "key", "tag", "provider", "model"};
  constexpr const char* kParents[] = {"", "org", "team", "", "", ""};
  std::string text;
  for (std::size_t i = 0; i < kScopes; ++i) {
    text += std::string(i == 0 ? "[" : ",") + R"({"id": ")" + kScopeIds[i] + R"(", "kind": ")" +
            kKinds[i] + R"(", )";
    if (*kParents[i] != 0) text += R"("parent": ")" + std::string(kParents[i]) + R"(", )";
    text += R"("budgets": [{"id": "day", "keep_debt": false, )"
            R"("window": {"kind": "day", "zone": "UTC"}, "limit_usd": ")" +
            to_usd(limits[i]) + R"("}]})";
  }
  return text + "]";
}

Policy policy_of(bool with_limits) {
  const std::string limits =
      with_limits ? R"(, "limits": {"requests_per_minute": 40, "concurrency": 6})" : "";
  return Policy::parse("policy.json", R"({
    "format": "fare-policy/1", "name": "p", "expected_output_tokens": 100,
    "retry": {"per_1000": 1000, "saved_max": 1000, "attempts_max": 3},
    "health": {"failures_max": 8, "eject_min_ms": 1000, "eject_max_ms": 60000},
    "targets": [{"name": "small", "model": "small")" +
                                          limits + R"(},
                {"name": "wordy", "model": "wordy"}, {"name": "large", "model": "large"}],
    "rules": [{"name": "r", "candidates": ["small", "wordy", "large"],
               "fallback": ["large", "wordy", "small"],
               "degrade": [{"name": "brief", "cap_output_tokens": 20}]}]})")
      .value();
}

// What the model keeps of one attempt.
struct ModelAttempt {
  std::size_t target = 0;
  std::vector<std::size_t> payers;
  std::int64_t day = 0;
  Tokens output;
  Money reserved;
};

struct ModelTicket {
  Ticket ticket{};
  Tokens input;
  std::vector<TargetId> plan;
  std::vector<std::size_t> payers;  // Without side scopes.
  Instant deadline;
  std::vector<ModelAttempt> tried;
  std::vector<Attempt> outcomes;  // Of those that ended.
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(RandomKey(seed, 0, Purpose::kTest), 0) {
    may_reload_ = seed % 2 == 0;
    for (std::size_t i = 0; i < kScopes; ++i) limits_.push_back(random_limit());
    constexpr const char* kAborts[] = {"charge_reserved", "charge_counted", "drain"};
    constexpr const char* kExpiries[] = {"charge_reserved", "release"};
    abort_ = kAborts[random_.below(3)];
    expiry_ = kExpiries[random_.below(2)];
    with_limits_ = random_.below(2) == 0;
    router_ = router_of(config(), now_);
  }

  RouterStats stats() const { return router_->stats(); }
  std::uint64_t drained() const { return drained_; }

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      switch (random_.below(12)) {
        case 0:
          now_ += minutes(1) * static_cast<std::int64_t>(random_.below(200));
          break;
        case 1:
          now_ += hours(random_.below(8) == 0 ? 30 : 0);
          expire();
          break;
        case 2:
          if (may_reload_) reload();
          break;
        case 3:
        case 4:
          extend();
          break;
        case 5:
        case 6:
          top_up();
          break;
        case 7:
        case 8:
          settle();
          break;
        default:
          route();
      }
      now_ += std::chrono::milliseconds(random_.below(300));
      check();
    }
  }

 private:
  Money random_limit() { return Money(static_cast<std::int64_t>(random_.below(60'000'000))); }

  Config config() {
    const PriceBook::Source source{"prices.json", kModels};
    return {.prices = PriceBook::parse({&source, 1}).value(),
            .policy = policy_of(with_limits_),
            .budgets =
                budgets_with(scopes_json(limits_), "\"on_abort\": \"" + abort_ +
                                                       "\", \"on_expiry\": \"" + expiry_ + "\", "),
            .ticket_life = hours(3)};
  }

  std::int64_t today() const {
    return std::chrono::duration_cast<hours>(now_.time_since_epoch()).count() / 24;
  }

  static std::vector<std::size_t> with_sides(std::vector<std::size_t> payers, std::size_t target) {
    payers.push_back(4);
    if (target == 1) payers.push_back(5);
    return payers;
  }

  Money used(std::size_t scope, std::int64_t day) const {
    Money sum;
    if (const auto found = settled_.find({scope, day}); found != settled_.end())
      sum += found->second;
    return sum + reserved(scope, day);
  }
  Money reserved(std::size_t scope, std::int64_t day) const {
    Money sum;
    for (const ModelTicket& ticket : open_) {
      for (const ModelAttempt& attempt : ticket.tried) {
        const bool pays = std::count(attempt.payers.begin(), attempt.payers.end(), scope) > 0;
        if (pays && attempt.day == day) sum += attempt.reserved;
      }
    }
    return sum;
  }
  bool fits(const std::vector<std::size_t>& payers, std::int64_t day, Money amount) const {
    return std::all_of(payers.begin(), payers.end(), [&](std::size_t scope) {
      const auto past = past_limit_.find({scope, day});
      const Money limit = past == past_limit_.end() ? limits_[scope] : past->second;
      return used(scope, day) + amount <= limit;
    });
  }

  static Money worst(std::size_t target, Tokens input, Tokens output) {
    const ModelTarget& facts = kTargets[target];
    return rounded_up(static_cast<Int128>(facts.input) * input.count() +
                      static_cast<Int128>(facts.output) * output.count());
  }

  static Tokens bound(std::size_t target, Tokens input, std::optional<Tokens> cap) {
    const ModelTarget& facts = kTargets[target];
    std::int64_t bound = std::min(facts.output_max, facts.context - input.count());
    if (cap) bound = std::min(bound, cap->count());
    return Tokens(bound);
  }

  void route() {
    static constexpr std::string_view kKey[] = {"key"};
    static constexpr std::string_view kTeamTag[] = {"team", "tag"};
    const bool by_key = random_.below(2) == 0;
    Request request;
    request.id = ++requests_;
    request.input = Tokens(static_cast<std::int64_t>(random_.below(2'500)));
    if (random_.below(2) == 0)
      request.max_output = Tokens(static_cast<std::int64_t>(random_.below(600)));
    request.scopes = by_key ? std::span<const std::string_view>(kKey) : kTeamTag;
    const std::vector<std::size_t> payers =
        by_key ? std::vector<std::size_t>{2, 1, 0} : std::vector<std::size_t>{1, 0, 3};
    const Decision decision = router_->route(request, now_);
    if (decision.refusal != Refusal::kNone) {
      ++refused_;
      if (decision.refusal == Refusal::kOverBudget) check_over_budget(request, payers);
      return;
    }
    const auto target = static_cast<std::size_t>(decision.plan()[0]);
    const auto cap = decision.output_max ? decision.output_max : request.max_output;
    const Tokens output = bound(target, request.input, cap);
    ModelAttempt attempt{target, with_sides(payers, target), today(), output,
                         worst(target, request.input, output)};
    ASSERT_EQ(decision.reserved, attempt.reserved);
    ASSERT_TRUE(fits(attempt.payers, attempt.day, attempt.reserved));
    caps_[decision.ticket] = cap;
    open_.push_back({decision.ticket,
                     request.input,
                     {decision.plan().begin(), decision.plan().end()},
                     payers,
                     now_ + hours(3),
                     {attempt},
                     {}});
  }

  // The last rung asks for 20 tokens of output at most: nobody had so much left.
  void check_over_budget(const Request& request, const std::vector<std::size_t>& payers) {
    for (std::size_t target = 0; target < 3; ++target) {
      const Tokens cap = std::min(Tokens(20), request.max_output.value_or(Tokens(20)));
      const Tokens output = bound(target, request.input, cap);
      if (router_->state(TargetId(target), now_).health != Breaker::State::kClosed) continue;
      ASSERT_FALSE(fits(with_sides(payers, target), today(), worst(target, request.input, output)))
          << kTargets[target].name << " would have fitted";
    }
  }

  std::size_t any_open() { return random_.below(open_.size()); }

  Attempt random_failure(std::size_t target) {
    constexpr AttemptEnd kEnds[] = {AttemptEnd::kServerError, AttemptEnd::kTimeout,
                                    AttemptEnd::kRateLimited, AttemptEnd::kCutOff};
    Attempt attempt = failed(TargetId(target), kEnds[random_.below(4)], now_);
    return attempt;
  }

  void top_up() {
    if (open_.empty()) return;
    ModelTicket& ticket = open_[any_open()];
    if (ticket.outcomes.size() < ticket.tried.size()) {
      ticket.outcomes.push_back(random_failure(ticket.tried.back().target));
      if (random_.below(2) == 0) {  // Billed all the same.
        ticket.outcomes.back().usage = random_usage(ticket, ticket.tried.back());
      }
    }
    const auto target = static_cast<std::size_t>(ticket.plan[random_.below(ticket.plan.size())]);
    const TopUp answer =
        router_->top_up(ticket.ticket, ticket.outcomes.back(), TargetId(target), now_);
    const bool visited = std::any_of(ticket.tried.begin(), ticket.tried.end(),
                                     [&](const ModelAttempt& one) { return one.target == target; });
    if (ticket.tried.size() == 3) {
      ASSERT_EQ(answer.status, TopUpStatus::kNoAttemptsLeft);
      return;
    }
    if (visited) {
      ASSERT_EQ(answer.status, TopUpStatus::kVisited);
      return;
    }
    const Tokens output = bound(target, ticket.input, caps_.at(ticket.ticket));
    const ModelAttempt attempt{target, with_sides(ticket.payers, target), today(), output,
                               worst(target, ticket.input, output)};
    const bool fit = fits(attempt.payers, attempt.day, attempt.reserved);
    if (answer.status == TopUpStatus::kOverBudget) {
      ASSERT_FALSE(fit);
    }
    if (answer.status != TopUpStatus::kGranted) return;
    ++topped_up_;
    ASSERT_TRUE(fit);
    ASSERT_EQ(answer.reserved, attempt.reserved);
    ticket.tried.push_back(attempt);
    ticket.deadline = std::max(ticket.deadline, now_ + hours(3));
  }

  void extend() {
    if (open_.empty()) return;
    ModelTicket& ticket = open_[any_open()];
    ModelAttempt& attempt = ticket.tried.back();
    const Tokens output = attempt.output + Tokens(static_cast<std::int64_t>(random_.below(300)));
    const TopUpStatus status = router_->extend(ticket.ticket, output, now_);
    if (ticket.outcomes.size() == ticket.tried.size()) {
      ASSERT_EQ(status, TopUpStatus::kNotInPlan);
      return;
    }
    const Money more = worst(attempt.target, ticket.input, output) - attempt.reserved;
    const bool has_it = output == attempt.output;  // Whatever was lowered meanwhile.
    ASSERT_EQ(status == TopUpStatus::kGranted, has_it || fits(attempt.payers, attempt.day, more));
    if (status != TopUpStatus::kGranted) return;
    attempt.output = output;
    attempt.reserved += more;
  }

  // An answer within its bounds: as costly as can be, or less.
  Usage random_usage(const ModelTicket& ticket, const ModelAttempt& attempt) {
    const auto part = [&](Tokens most) {
      return random_.below(4) == 0 ? most
                                   : Tokens(static_cast<std::int64_t>(random_.below(
                                         static_cast<std::uint64_t>(most.count()) + 1)));
    };
    Usage usage;
    const bool wordy = attempt.target == 1;
    const Meter input = wordy && random_.below(2) == 0 ? Meter::kCacheWrite5m : Meter::kInput;
    usage[input] = part(ticket.input);
    usage[wordy && random_.below(2) == 0 ? Meter::kOutputReasoning : Meter::kOutput] =
        part(attempt.output);
    return usage;
  }

  void settle() {
    if (open_.empty()) return;
    const std::size_t i = any_open();
    ModelTicket& ticket = open_[i];
    const bool never_sent = ticket.outcomes.size() < ticket.tried.size() && random_.below(10) == 0;
    if (!never_sent && ticket.outcomes.size() < ticket.tried.size()) {
      Attempt last = random_.below(4) == 0
                         ? random_failure(ticket.tried.back().target)
                         : answered(TargetId(ticket.tried.back().target), 0, 0, now_);
      last.usage.reset();
      if (random_.below(6) != 0) last.usage = random_usage(ticket, ticket.tried.back());
      if (random_.below(2) == 0) last.counted = random_usage(ticket, ticket.tried.back());
      ticket.outcomes.push_back(last);
    }
    const Settlement settlement = router_->settle(ticket.ticket, {ticket.outcomes}, now_);
    const bool drains =
        abort_ == "drain" &&
        std::any_of(ticket.outcomes.begin(), ticket.outcomes.end(), [](const Attempt& one) {
          return one.end == AttemptEnd::kCutOff && !one.answered && !one.usage;
        });
    ASSERT_EQ(settlement.status, drains ? SettleStatus::kDraining : SettleStatus::kSettled);
    drained_ += drains ? 1 : 0;
    if (drains) return;
    book(ticket, settlement);
    total_ += settlement.total;
    ASSERT_EQ(router_->settle(ticket.ticket, {ticket.outcomes}, now_).status,
              SettleStatus::kAlreadySettled);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  // Charges each attempt: what is known as the rounded sum grows, what is not as it was reserved.
  void book(const ModelTicket& ticket, const Settlement& settlement) {
    Int128 sum = 0;
    Money charged;
    for (std::size_t k = 0; k < ticket.tried.size(); ++k) {
      const ModelAttempt& attempt = ticket.tried[k];
      Money money;
      if (k < ticket.outcomes.size()) {
        const Attempt& outcome = ticket.outcomes[k];
        const bool cut = outcome.end == AttemptEnd::kCutOff && !outcome.answered;
        const bool counts = cut && abort_ == "charge_counted" && outcome.counted.has_value();
        const std::optional<Usage> usage = outcome.usage ? outcome.usage
                                           : counts      ? outcome.counted
                                                         : std::nullopt;
        if (!usage && (outcome.answered || cut)) {
          money = attempt.reserved;
        } else if (usage) {
          const Money before = half_even(sum);
          sum += settlement.charges[k].total.count();
          money = half_even(sum) - before;
        }
      }
      ASSERT_LE(money, attempt.reserved);
      charged += money;
      for (const std::size_t scope : attempt.payers) settled_[{scope, attempt.day}] += money;
    }
    ASSERT_EQ(charged, settlement.charged);
  }

  void expire() {
    const auto due = [this](const ModelTicket& ticket) { return ticket.deadline <= now_; };
    const auto count = std::count_if(open_.begin(), open_.end(), due);
    ASSERT_EQ(router_->expire(now_), static_cast<std::size_t>(count));
    expired_ += static_cast<std::uint64_t>(count);
    for (const ModelTicket& ticket : open_) {
      if (!due(ticket) || expiry_ == "release") continue;
      for (const ModelAttempt& attempt : ticket.tried) {
        for (const std::size_t scope : attempt.payers) {
          settled_[{scope, attempt.day}] += attempt.reserved;
        }
      }
    }
    std::erase_if(open_, due);
  }

  void reload() {
    for (std::size_t i = 0; i < kScopes; ++i) {
      for (std::int64_t day = 0; day < today(); ++day) {
        if (settled_.contains({i, day}) || has_open(i, day))
          past_limit_.try_emplace({i, day}, limits_[i]);
      }
      limits_[i] = random_limit();
    }
    with_limits_ = random_.below(2) == 0;
    ASSERT_TRUE(router_->reload(config(), now_));
  }
  bool has_open(std::size_t scope, std::int64_t day) const {
    return reserved(scope, day) > Money();
  }

  void check() {
    for (const BudgetReport& line : router_->budgets(now_)) {
      ASSERT_EQ(line.limit, line.settled + line.reserved + line.leased + line.free);
      const auto scope = static_cast<std::size_t>(
          std::find(std::begin(kScopeIds), std::end(kScopeIds), line.scope) -
          std::begin(kScopeIds));
      ASSERT_LT(scope, kScopes);
      const std::int64_t day =
          std::chrono::duration_cast<hours>(line.window.begin.time_since_epoch()).count() / 24;
      const auto found = settled_.find({scope, day});
      ASSERT_EQ(line.settled, found == settled_.end() ? Money() : found->second) << line.scope;
      ASSERT_EQ(line.reserved, reserved(scope, day)) << line.scope;
      // A limit that was lowered blocks; nothing else makes free negative.
      if (!may_reload_) {
        ASSERT_GE(line.free, Money()) << line.scope;
      }
    }
    const RouterStats stats = router_->stats();
    ASSERT_EQ(stats.open, open_.size());
    ASSERT_EQ(stats.cost, total_);
    ASSERT_EQ(stats.expired, expired_);
    ASSERT_EQ(stats.topped_up, topped_up_);
    ASSERT_EQ(stats.refused, refused_);
    ASSERT_EQ(stats.routed,
              stats.refused + stats.cached + stats.open + stats.settled + stats.expired);
    std::uint32_t under_way = 0;
    for (std::size_t target = 0; target < 3; ++target) {
      under_way += router_->state(TargetId(target), now_).open;
    }
    std::size_t expected = 0;
    for (const ModelTicket& ticket : open_)
      expected += ticket.tried.size() - ticket.outcomes.size();
    ASSERT_EQ(under_way, expected);
  }

  RandomStream random_;
  Instant now_ = kNow;
  bool may_reload_ = false;
  bool with_limits_ = false;
  std::string abort_;
  std::string expiry_;
  std::vector<Money> limits_;
  std::unique_ptr<Router> router_;
  std::vector<ModelTicket> open_;
  std::map<Ticket, std::optional<Tokens>> caps_;
  std::map<std::pair<std::size_t, std::int64_t>, Money> settled_;
  std::map<std::pair<std::size_t, std::int64_t>, Money> past_limit_;
  Cost total_;
  std::uint64_t requests_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t topped_up_ = 0;
  std::uint64_t drained_ = 0;
};

TEST(RouterPropertyTest, TheBooksAreThoseOfASlowModel) {
  RouterStats seen;
  std::uint64_t drained = 0;
  for (std::uint64_t seed = 0; seed < kLives && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Life life(seed);
    life.run(300);
    const RouterStats stats = life.stats();
    seen.settled += stats.settled;
    seen.refused += stats.refused;
    seen.expired += stats.expired;
    seen.not_priced += stats.not_priced;
    seen.degraded += stats.degraded;
    seen.topped_up += stats.topped_up;
    drained += life.drained();
  }
  // What never happened was not tested.
  for (const std::uint64_t count : {seen.settled, seen.refused, seen.expired, seen.not_priced,
                                    seen.degraded, seen.topped_up, drained}) {
    EXPECT_GT(count, kLives / 2);
  }
}

}  // namespace
}  // namespace fare
