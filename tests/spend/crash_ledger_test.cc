// Goal: whatever is done, in whatever order, and at whatever step whoever held a ticket or a lease
// is gone: the books are those of a slow model, strict budgets are exceeded by 0, and every line
// balances after every step.
// Method: exhaustive, in small integers.  Every sequence of up to kDepth steps is taken out of
// reserving, topping up, counting, settling (known, unknown, twice), releasing, aborting, expiring,
// leasing out, taking back, reloading a lower and a higher limit, a day passing.

#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;

#ifdef NDEBUG
constexpr std::size_t kDepth = 7;
constexpr std::size_t kWholeDepth = 4;
#else
constexpr std::size_t kDepth = 4;  // Sanitizers are slow.
constexpr std::size_t kWholeDepth = 2;
#endif

enum class Step {
  kReserveOne,
  kReserveTwo,
  kTopUpFirst,
  kTopUpLast,
  kCountFirst,
  kSettleFirstForNothing,
  kSettleFirstUnknown,
  kSettleLastForOne,
  kSettleAgain,
  kReleaseLast,
  kAbortFirst,
  kExpire,
  kLeaseOut,
  kTakeBackSpent,
  kTakeBackUnspent,
  kReloadLower,
  kReloadHigher,
  kDayPasses,
};
constexpr int kSteps = static_cast<int>(Step::kDayPasses) + 1;

constexpr Money kOrgLimit{3};
constexpr Money kKeyLimit{2};
constexpr Money kOne{1};

// An org's month, and below it a key's day.
BudgetConfig config_with(Money key_limit) {
  BudgetConfig config = config_of({budget_of("month", kOrgLimit)});
  config.on_expiry = ExpiryPolicy::kChargeCounted;
  Budget day = budget_of("day", key_limit, utc(WindowKind::kDay));
  day.keep_debt = false;
  config.scopes.push_back({"key", ScopeKind::kKey, "a", {day}});
  return config;
}

// What is in one window.
struct Sums {
  Money limit;
  Money settled;
  Money leased;
  friend auto operator<=>(const Sums&, const Sums&) = default;
};

// All there is to know, as simply as can be: every ticket and every window, for ever.
struct Model {
  struct Ticket {
    int day = 0;
    int deadline = 0;
    Money held;
    std::optional<Money> counted;
    bool is_open = true;
    friend auto operator<=>(const Ticket&, const Ticket&) = default;
  };

  int day = 0;
  Money key_limit = kKeyLimit;
  Sums month{kOrgLimit, {}, {}};
  std::vector<Sums> days = {{kKeyLimit, {}, {}}};
  std::vector<Ticket> tickets;

  friend auto operator<=>(const Model&, const Model&) = default;

  Instant now() const { return kNow + hours(24 * day); }
  Money held_of_day(int which) const {
    Money sum;
    for (const Ticket& ticket : tickets) {
      if (ticket.is_open && ticket.day == which) sum += ticket.held;
    }
    return sum;
  }
  Money held() const {
    Money sum;
    for (const Ticket& ticket : tickets) sum += ticket.is_open ? ticket.held : Money();
    return sum;
  }
  bool fits(int which, Money amount) const {
    const Sums& one = days[static_cast<std::size_t>(which)];
    return one.settled + held_of_day(which) + one.leased + amount <= one.limit &&
           month.settled + held() + month.leased + amount <= month.limit;
  }
  void close(Ticket& ticket, Money cost) {
    ticket.is_open = false;
    month.settled += cost;
    days[static_cast<std::size_t>(ticket.day)].settled += cost;
  }
  std::optional<std::size_t> first(bool is_open) const {
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (tickets[i].is_open == is_open) return i;
    }
    return std::nullopt;
  }
  std::optional<std::size_t> last() const {
    for (std::size_t i = tickets.size(); i-- > 0;) {
      if (tickets[i].is_open) return i;
    }
    return std::nullopt;
  }
};

// A model and a ledger that take the same steps.
class Pair {
 public:
  Pair() : ledger_(std::move(*Ledger::create(config_with(kKeyLimit), kNow, {1'024, 16}))) {}

  // Takes a step on both sides; false if there is nothing it could be taken on.
  bool take(Step step) {
    switch (step) {
      case Step::kReserveOne:
      case Step::kReserveTwo:
        return reserve(step == Step::kReserveOne ? kOne : kOne + kOne);
      case Step::kTopUpFirst:
        return with(model.first(true), [this](std::size_t i) { top_up(i); });
      case Step::kTopUpLast:
        return with(model.last(), [this](std::size_t i) { top_up(i); });
      case Step::kCountFirst:
        return with(model.first(true), [this](std::size_t i) {
          model.tickets[i].counted = Money();
          ledger_->count(tickets_[i], Money());
        });
      case Step::kSettleFirstForNothing:
        return with(model.first(true), [this](std::size_t i) { settle(i, Money()); });
      case Step::kSettleFirstUnknown:
        return with(model.first(true), [this](std::size_t i) { settle(i, std::nullopt); });
      case Step::kSettleLastForOne:
        return with(model.last(), [this](std::size_t i) { settle(i, kOne); });
      case Step::kSettleAgain:
        return with(model.first(false), [this](std::size_t i) {
          EXPECT_EQ(ledger_->settle(tickets_[i], kOne, model.now()), CloseStatus::kAlreadyClosed);
          EXPECT_EQ(ledger_->top_up(tickets_[i], kOne, kOne, kNever, model.now()).status,
                    ReserveStatus::kNoTicket);
        });
      default:
        return take_other(step);
    }
  }

  // Both sides say the same.
  void compare() {
    const Instant now = model.now();
    expect_conserves(*ledger_, now);
    for (const BudgetReport& line : ledger_->report(now)) {
      const bool is_month = line.budget == "month";
      const auto day = static_cast<int>((line.window.begin - kNow + hours(12)) / hours(24));
      const Sums& sums = is_month ? model.month : model.days[static_cast<std::size_t>(day)];
      EXPECT_EQ(line.limit, sums.limit);
      EXPECT_EQ(line.settled, sums.settled);
      EXPECT_EQ(line.leased, sums.leased);
      EXPECT_EQ(line.reserved, is_month ? model.held() : model.held_of_day(day));
      if (is_month) {
        EXPECT_GE(line.free, Money());
      }
    }
    const auto open = std::count_if(model.tickets.begin(), model.tickets.end(),
                                    [](const Model::Ticket& ticket) { return ticket.is_open; });
    EXPECT_EQ(ledger_->open_tickets(), static_cast<std::uint64_t>(open));
  }

  Model model;

 private:
  template <class Do>
  static bool with(std::optional<std::size_t> ticket, const Do& act) {
    if (ticket) act(*ticket);
    return ticket.has_value();
  }

  bool reserve(Money amount) {
    const bool fits = model.fits(model.day, amount);
    const Reservation done =
        fare::reserve(*ledger_, "key", amount, model.now(), model.now() + hours(24));
    EXPECT_EQ(done.status == ReserveStatus::kReserved, fits);
    if (!fits) return true;
    model.tickets.push_back({model.day, model.day + 1, amount, {}, true});
    tickets_.push_back(done.ticket);
    return true;
  }
  void top_up(std::size_t i) {
    Model::Ticket& ticket = model.tickets[i];
    const bool fits = model.fits(ticket.day, kOne);
    const Reservation done =
        ledger_->top_up(tickets_[i], kOne, kOne, model.now() + hours(24), model.now());
    EXPECT_EQ(done.status == ReserveStatus::kReserved, fits);
    if (!fits) return;
    ticket.held += kOne;
    ticket.deadline = std::max(ticket.deadline, model.day + 1);
  }
  void settle(std::size_t i, std::optional<Money> cost) {
    EXPECT_EQ(ledger_->settle(tickets_[i], cost, model.now()), CloseStatus::kClosed);
    model.close(model.tickets[i], cost.value_or(model.tickets[i].held));
  }
  void expire() {
    std::size_t due = 0;
    for (Model::Ticket& ticket : model.tickets) {
      if (!ticket.is_open || ticket.deadline > model.day) continue;
      model.close(ticket, ticket.counted.value_or(ticket.held));
      ++due;
    }
    EXPECT_EQ(ledger_->expire(model.now()), due);
  }
  // Of the day; the month knows nothing of it, as with a lease server of a key.
  bool lease_out() {
    Sums& day = model.days.back();
    const Money free = day.limit - day.settled - model.held_of_day(model.day) - day.leased;
    const Money granted = std::max(Money(), std::min(kOne, free));
    const BudgetId budget = ledger_->report(ledger_->find("key"), model.now()).back().id;
    const LedgerLease lease = ledger_->lease_out(budget, kOne, model.now());
    EXPECT_EQ(lease.amount, granted);
    day.leased += granted;
    leases_.push_back({budget, lease.window.begin, model.day});
    if (granted == Money()) leases_.pop_back();
    return true;
  }
  bool take_back(Money spent) {
    if (leases_.empty()) return false;
    const Leased one = leases_.back();
    leases_.pop_back();
    ledger_->take_back(one.budget, one.window, kOne, spent, model.now());
    Sums& day = model.days[static_cast<std::size_t>(one.day)];
    day.leased -= kOne;
    day.settled += spent;
    return true;
  }
  void reload(Money key_limit) {
    model.key_limit = key_limit;
    model.days.back().limit = key_limit;
    EXPECT_TRUE(ledger_->reload(config_with(key_limit), model.now()));
  }
  bool take_other(Step step) {
    switch (step) {
      case Step::kReleaseLast:
        return with(model.last(), [this](std::size_t i) {
          EXPECT_EQ(ledger_->release(tickets_[i], model.now()), CloseStatus::kClosed);
          model.close(model.tickets[i], Money());
        });
      case Step::kAbortFirst:
        return with(model.first(true), [this](std::size_t i) {
          EXPECT_EQ(ledger_->abort(tickets_[i], model.now()), CloseStatus::kClosed);
          model.close(model.tickets[i], model.tickets[i].held);
        });
      case Step::kExpire:
        return expire(), true;
      case Step::kLeaseOut:
        return lease_out();
      case Step::kTakeBackSpent:
        return take_back(kOne);
      case Step::kTakeBackUnspent:
        return take_back(Money());
      case Step::kReloadLower:
        return reload(kKeyLimit - kOne), true;
      case Step::kReloadHigher:
        return reload(kKeyLimit + kOne), true;
      default:
        model.day += 1;
        model.days.push_back({model.key_limit, {}, {}});
        return true;
    }
  }

  struct Leased {
    BudgetId budget{};
    Instant window{};
    int day = 0;
  };

  std::unique_ptr<Ledger> ledger_;
  std::vector<LedgerTicket> tickets_;
  std::vector<Leased> leases_;
};

struct Counts {
  std::size_t states = 0;
  std::size_t steps = 0;
};

// Takes every sequence of up to `depth` steps; merged, it goes on from each state of the model
// once.
Counts explore(std::size_t depth, bool is_merged) {
  using Path = std::vector<Step>;
  Counts counts;
  std::set<Model> seen = {Model()};
  std::vector<Path> level = {{}};
  for (std::size_t at = 0; at < depth; ++at) {
    std::vector<Path> next_level;
    for (const Path& path : level) {
      for (int step = 0; step < kSteps; ++step) {
        Pair pair;
        for (const Step before : path) pair.take(before);
        if (!pair.take(static_cast<Step>(step))) continue;
        pair.compare();
        ++counts.steps;
        Path longer = path;
        longer.push_back(static_cast<Step>(step));
        if (testing::Test::HasFailure()) {
          for (const Step one : longer) ADD_FAILURE() << "after step " << static_cast<int>(one);
          return counts;
        }
        const bool is_new = seen.insert(pair.model).second;
        if (is_new || !is_merged) next_level.push_back(std::move(longer));
      }
    }
    level = std::move(next_level);
  }
  counts.states = seen.size();
  return counts;
}

TEST(CrashLedgerTest, NoSequenceOfStepsBreaksTheBooks) {
  const Counts counts = explore(kDepth, true);
  RecordProperty("states", static_cast<int>(counts.states));
  RecordProperty("steps", static_cast<int>(counts.steps));
#ifdef NDEBUG
  EXPECT_GE(counts.states, 41'000u);
  EXPECT_GE(counts.steps, 143'000u);
#endif
}

// What the model calls one state may be two to the ledger (has anyone looked since the day ended?):
// shorter sequences all go on.
TEST(CrashLedgerTest, NoSequenceOfStepsBreaksTheBooksUnmerged) {
  const Counts counts = explore(kWholeDepth, false);
  RecordProperty("steps", static_cast<int>(counts.steps));
#ifdef NDEBUG
  EXPECT_GE(counts.steps, 9'100u);
#endif
}

}  // namespace
}  // namespace fare
