// Goal: whatever is done in whatever order, the books are those of a model that is slow and simple,
// strict budgets are exceeded by exactly 0, and the equation holds after every step.
// Method: seeded random chains, windows, reloads, late and lost tickets, time that
// jumps, against a model that keeps every ticket and every window for ever.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::hours;

#ifdef NDEBUG
constexpr std::uint64_t kLives = 400;
#else
constexpr std::uint64_t kLives = 40;  // Sanitizers are slow.
#endif

constexpr std::size_t kScopes = 5;
constexpr const char* kIds[kScopes] = {"org", "team", "key", "key2", "tag"};
constexpr int kParent[kScopes] = {-1, 0, 1, 1, -1};

struct ModelTicket {
  LedgerTicket ticket{};
  Instant deadline;
  Money amount;
  bool open = true;
  std::map<std::size_t, Instant> window;  // By scope: its beginning.
};

// One budget a scope, calendar windows, no carry-over: each window stands for itself.
class Model {
 public:
  explicit Model(const BudgetConfig& config) : config_(config) {}

  std::vector<std::size_t> chain(std::size_t leaf, bool with_tag) const {
    std::vector<std::size_t> all;
    for (int at = static_cast<int>(leaf); at >= 0; at = kParent[at]) {
      all.push_back(static_cast<std::size_t>(at));
    }
    if (with_tag && leaf != 4) all.push_back(4);
    return all;
  }
  Instant window(std::size_t scope, Instant now) const {
    return Window::create(config_.scopes[scope].budgets[0].window)->at(now).begin;
  }
  Money used(std::size_t scope, Instant begin) const {
    const auto found = settled_.find({scope, begin});
    Money sum = found == settled_.end() ? Money() : found->second;
    for (const ModelTicket& ticket : tickets) {
      const auto held = ticket.window.find(scope);
      if (ticket.open && held != ticket.window.end() && held->second == begin) sum += ticket.amount;
    }
    return sum;
  }
  bool fits(std::size_t scope, Instant begin, Money amount) const {
    const auto past = limit_.find({scope, begin});  // As it was when the window ended.
    const Money limit =
        past == limit_.end() ? config_.scopes[scope].budgets[0].limit : past->second;
    return used(scope, begin) + amount <= limit;
  }
  void note_limits(Instant now) {
    for (std::size_t scope = 0; scope < kScopes; ++scope) {
      limit_[{scope, window(scope, now)}] = config_.scopes[scope].budgets[0].limit;
    }
  }
  void close(ModelTicket& ticket, Money cost) {
    ticket.open = false;
    for (const auto& [scope, begin] : ticket.window) settled_[{scope, begin}] += cost;
  }

  std::vector<ModelTicket> tickets;

 private:
  const BudgetConfig& config_;
  std::map<std::pair<std::size_t, Instant>, Money> settled_;
  std::map<std::pair<std::size_t, Instant>, Money> limit_;
};

BudgetConfig random_config(RandomStream& random) {
  constexpr WindowKind kKinds[] = {WindowKind::kDay, WindowKind::kWeek, WindowKind::kMonth};
  BudgetConfig config;
  for (std::size_t i = 0; i < kScopes; ++i) {
    const ScopeKind kind = i == 4 ? ScopeKind::kTag : static_cast<ScopeKind>(i < 2 ? i : 3);
    Budget budget = budget_of("b", Money(static_cast<std::int64_t>(random.below(2'000))),
                              utc(kKinds[random.below(3)]));
    budget.keep_debt = false;
    config.scopes.push_back({kIds[i], kind, kParent[i] < 0 ? "" : kIds[kParent[i]], {budget}});
  }
  return config;
}

// One life of a ledger beside its model.
class Life {
 public:
  explicit Life(std::uint64_t seed)
      : random_(RandomKey(seed, 0, Purpose::kTest), 0),
        config_(random_config(random_)),
        ledger_(ledger_of(config_)),
        model_(config_) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      switch (random_.below(8)) {
        case 0:
          now_ += Duration(hours(1)) * static_cast<std::int64_t>(random_.below(40));
          break;
        case 1:
          reload();
          break;
        case 2:
          expire();
          break;
        case 3:
          top_up();
          break;
        case 4:
        case 5:
          settle();
          break;
        default:
          reserve();
      }
      compare();
    }
  }

 private:
  Money amount() { return Money(static_cast<std::int64_t>(1 + random_.below(300))); }

  void reserve() {
    const std::size_t leaf = random_.below(kScopes);
    const bool with_tag = random_.below(2) == 0;
    ModelTicket ticket;
    ticket.amount = amount();
    ticket.deadline = now_ + Duration(hours(1)) * static_cast<std::int64_t>(random_.below(100));
    bool fits = true;
    for (const std::size_t scope : model_.chain(leaf, with_tag)) {
      ticket.window[scope] = model_.window(scope, now_);
      fits = fits && model_.fits(scope, ticket.window[scope], ticket.amount);
    }
    std::vector<ScopeId> scopes = {ledger_->find(kIds[leaf])};
    if (with_tag) scopes.insert(scopes.begin(), ledger_->find("tag"));
    const Reservation done =
        ledger_->reserve({scopes, ticket.amount, ticket.amount, ticket.deadline}, now_);
    ASSERT_EQ(done.status == ReserveStatus::kReserved, fits);
    ticket.ticket = done.ticket;
    if (fits) model_.tickets.push_back(ticket);
  }

  void top_up() {
    if (model_.tickets.empty()) return;
    ModelTicket& ticket = model_.tickets[random_.below(model_.tickets.size())];
    const Money more = amount();
    bool fits = ticket.open;
    for (const auto& [scope, begin] : ticket.window) {
      fits = fits && model_.fits(scope, begin, more);
    }
    const Reservation done = ledger_->top_up(ticket.ticket, more, more, ticket.deadline, now_);
    ASSERT_EQ(done.status == ReserveStatus::kReserved, fits);
    if (fits) ticket.amount += more;
  }

  // Some settle twice, some with an unknown cost, some release; none costs more than reserved.
  void settle() {
    if (model_.tickets.empty()) return;
    ModelTicket& ticket = model_.tickets[random_.below(model_.tickets.size())];
    std::optional<Money> cost;
    if (random_.below(4) != 0) {
      cost = Money(static_cast<std::int64_t>(
          random_.below(static_cast<std::uint64_t>(ticket.amount.count()) + 1)));
    }
    const CloseStatus status = random_.below(5) == 0 && (cost = Money())
                                   ? ledger_->release(ticket.ticket, now_)
                                   : ledger_->settle(ticket.ticket, cost, now_);
    ASSERT_EQ(status, ticket.open ? CloseStatus::kClosed : CloseStatus::kAlreadyClosed);
    if (ticket.open) model_.close(ticket, cost.value_or(ticket.amount));
  }

  void expire() {
    std::size_t due = 0;
    for (ModelTicket& ticket : model_.tickets) {
      if (!ticket.open || ticket.deadline > now_) continue;
      model_.close(ticket, ticket.amount);
      ++due;
    }
    ASSERT_EQ(ledger_->expire(now_), due);
  }

  void reload() {
    const std::size_t scope = random_.below(kScopes);
    config_.scopes[scope].budgets[0].limit = Money(static_cast<std::int64_t>(random_.below(3'000)));
    ASSERT_TRUE(ledger_->reload(config_, now_));
  }

  void compare() {
    model_.note_limits(now_);
    expect_conserves(*ledger_, now_);
    for (std::size_t scope = 0; scope < kScopes; ++scope) {
      for (const BudgetReport& line : ledger_->report(ledger_->find(kIds[scope]), now_)) {
        const Money limit = config_.scopes[scope].budgets[0].limit;
        if (!line.is_past) {
          ASSERT_EQ(line.limit, limit);
        }
        ASSERT_EQ(line.settled + line.reserved, model_.used(scope, line.window.begin));
      }
    }
  }

  RandomStream random_;
  Instant now_ = kNow;
  BudgetConfig config_;
  std::unique_ptr<Ledger> ledger_;
  Model model_;
};

TEST(LedgerPropertyTest, TheBooksAreThoseOfASlowModel) {
  for (std::uint64_t seed = 0; seed < kLives && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Life(seed).run(120);
  }
}

// Carry-over, debts and raises: the limit of every window follows from the one before.
TEST(LedgerPropertyTest, CarryOverFollowsFromTheWindowBefore) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 1);
    Budget budget = budget_of("d", Money(1'000), utc(WindowKind::kDay));
    budget.carry_over_max = Money(static_cast<std::int64_t>(random.below(3)) * 300);
    budget.keep_debt = random.below(2) == 0;
    const Instant raised = kNow + hours(random.below(300));
    if (random.below(2) == 0) budget.raises = {{Money(500), raised, raised + hours(60)}};
    const auto ledger = ledger_of(config_of({budget}));
    const auto limit_at = [&](Money carried, Instant at) {
      const bool is_raised = !budget.raises.empty() && raised <= at && at < raised + hours(60);
      return Money(1'000) + carried + (is_raised ? Money(500) : Money());
    };
    std::vector<Money> settled(20);
    std::vector<std::pair<LedgerTicket, std::size_t>> open;
    const auto carried_into = [&](std::size_t day, std::vector<Money> held) {
      Money carried;
      for (std::size_t d = 0; d < day; ++d) {
        const Instant end = kNow + hours(24 * static_cast<int>(d) + 12) - Duration(1);
        const Money free = limit_at(carried, end) - settled[d] - held[d];
        carried = free >= Money()    ? std::min(free, budget.carry_over_max)
                  : budget.keep_debt ? free
                                     : Money();
      }
      return carried;
    };
    std::vector<Money> held(20);
    std::vector<std::pair<LedgerTicket, std::pair<std::size_t, Money>>> tickets;
    for (std::size_t day = 0; day < 12; ++day) {
      const Instant now = kNow + hours(24 * static_cast<int>(day));
      const int uses = static_cast<int>(random.below(4));  // Some days none.
      for (int use = 0; use < uses; ++use) {
        const Money amount(static_cast<std::int64_t>(random.below(700)));
        const Reservation done = reserve(*ledger, "a", amount, now);
        const Money free = limit_at(carried_into(day, held), now) - settled[day] - held[day];
        ASSERT_EQ(done.status == ReserveStatus::kReserved, amount <= free) << "day " << day;
        if (done.status != ReserveStatus::kReserved) continue;
        held[day] += amount;
        tickets.push_back({done.ticket, {day, amount}});
      }
      while (!tickets.empty() && random.below(3) != 0) {  // Late ones too, and too dear ones.
        const std::size_t one = random.below(tickets.size());
        const auto [ticket, what] = tickets[one];
        const Money cost(static_cast<std::int64_t>(random.below(900)));
        ledger->settle(ticket, cost, now);
        held[what.first] -= what.second;
        settled[what.first] += cost;
        tickets.erase(tickets.begin() + static_cast<std::ptrdiff_t>(one));
      }
      ASSERT_EQ(line_of(*ledger, "a", "d", now).carried, carried_into(day, held)) << "day " << day;
      expect_conserves(*ledger, now);
    }
  }
}

}  // namespace
}  // namespace fare
