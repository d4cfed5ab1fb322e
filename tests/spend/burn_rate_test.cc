#include "fare/burn_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "allocations.h"
#include "base/random.h"
#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kBegin = instant_of("2026-11-01T00:00:00Z");
const Instant kEnd = instant_of("2026-12-01T00:00:00Z");
constexpr Duration kHalfLife = minutes(30);

BurnBooks month(Money limit, Money used) { return {limit, used, {kBegin, kEnd}, {}}; }

class Chance {
 public:
  explicit Chance(std::uint64_t seed, std::uint64_t entity = 4)
      : random_(RandomKey(seed, 0, Purpose::kTest), entity) {}
  std::int64_t some(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  double exponential() { return -std::log(random_.uniform()); }

 private:
  RandomStream random_;
};

TEST(BurnRateTest, NothingIsKnownBeforeAnythingIsObserved) {
  BurnRate rate(kHalfLife);
  EXPECT_FALSE(rate.forecast(month(dollars(10), dollars(1)), kBegin + hours(1)));
  rate.observe(month(dollars(10), dollars(1)), kBegin);
  EXPECT_FALSE(rate.forecast(month(dollars(10), dollars(1)), kBegin));
  rate.observe(month(dollars(10), dollars(2)), kBegin + minutes(8));
  EXPECT_FALSE(rate.forecast(month(dollars(10), dollars(2)), kBegin + minutes(8)));
  rate.observe(month(dollars(10), dollars(2)), kBegin + minutes(9));
  EXPECT_TRUE(rate.forecast(month(dollars(10), dollars(2)), kBegin + minutes(9)));
}

// Goal: a constant rate is found exactly, at every observation from the first on, whatever the
// distances between them: what is projected and when the limit is reached are those of arithmetic.
TEST(BurnRateTest, IsExactOnConstantRates) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Chance chance(seed);
    const std::int64_t per_second = 1 + chance.some(1'000'000);
    const Money limit(per_second * 86'400 * (1 + chance.some(40)));
    BurnRate rate(seconds(1 + chance.some(100'000)));
    std::int64_t second = 0;
    for (int step = 0; step < 200; ++step) {
      second += chance.some(chance.some(8) == 0 ? 60'000 : 100);
      if (second >= 29 * 86'400) break;
      const Instant now = kBegin + seconds(second);
      const BurnBooks books = month(limit, Money(per_second * second));
      rate.observe(books, now);
      const auto forecast = rate.forecast(books, now);
      if (!forecast) continue;
      const Money expected(per_second * 30 * 86'400);
      ASSERT_LE(std::abs((*forecast->at_end - expected).count()), 1) << step;
      ASSERT_EQ(forecast->per_hour, Money(per_second * 3'600));
      const std::int64_t full = limit.count() / per_second;  // Whole days, so exactly.
      if (full == 30 * 86'400) continue;                     // Then the last digit decides.
      ASSERT_EQ(forecast->exhausted_at.has_value(), second >= full || full < 30 * 86'400);
      if (!forecast->exhausted_at) continue;
      const Instant at = std::max(now, kBegin + seconds(full));
      ASSERT_LE(std::abs((*forecast->exhausted_at - at).count()), 1'000);  // A microsecond.
    }
  }
}

// Goal: the rate is the integral of the header, whatever was spent.
// Method: random amounts and times, against the sum over all intervals, each weighed anew.
TEST(BurnRateTest, IsTheWeighedMeanOfAllThatWasSpent) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Chance chance(seed);
    BurnRate rate(kHalfLife);
    struct Interval {
      double from, to, amount;  // Seconds, nanodollars.
    };
    std::vector<Interval> all;
    Money used;
    double at = 0;
    for (int step = 0; step < 100; ++step) {
      const double from = at;
      const Money more(chance.some(8) == 0 ? -chance.some(1'000) : chance.some(1'000'000));
      at += static_cast<double>(1 + chance.some(2'000));
      used += more;
      const Instant now = kBegin + seconds(static_cast<std::int64_t>(at));
      const BurnBooks books = month(dollars(1), used);
      rate.observe(books, now);
      all.push_back({from, at, static_cast<double>(more.count())});
      double spent = 0;
      double time = 0;
      const double scale = 1'800 / std::log(2.0);
      for (const Interval& one : all) {
        const double weight =
            scale * (std::exp((one.to - at) / scale) - std::exp((one.from - at) / scale));
        spent += one.amount / (one.to - one.from) * weight;
        time += weight;
      }
      const auto forecast = rate.forecast(books, now);
      if (!forecast) continue;
      const double left = static_cast<double>((kEnd - now).count()) / 1e9;
      const double expected =
          static_cast<double>(used.count()) + std::max(0.0, spent / time) * left;
      ASSERT_NEAR(static_cast<double>(forecast->at_end->count()), expected, 1 + 1e-9 * expected);
    }
  }
}

TEST(BurnRateTest, AChangeIsSeenByHalfInAHalfLife) {
  BurnRate rate(kHalfLife);
  const Instant change = kBegin + days(2);
  const Money before(1'000'000LL * 2 * 86'400);
  rate.observe(month(dollars(10), before), change);
  for (int half_lives = 1; half_lives <= 5; ++half_lives) {
    const Instant now = change + half_lives * kHalfLife;
    const Money used = before + Money(9'000'000LL * 1'800 * half_lives);
    rate.observe(month(dollars(10), used), now);
    const double per_second =
        static_cast<double>(rate.forecast(month(dollars(10), used), now)->per_hour.count()) / 3'600;
    EXPECT_NEAR(per_second, 9e6 - 8e6 * std::exp2(-half_lives), 1) << half_lives;
  }
}

// The rate goes on into the next window; what nobody observed before it is not taken as nothing.
TEST(BurnRateTest, GoesOnIntoTheNextWindow) {
  BurnRate rate(kHalfLife);
  const auto books = [](int day, std::int64_t second) {
    return BurnBooks{
        dollars(1), Money(1'000 * second), {kBegin + days(day), kBegin + days(day + 1)}, {}};
  };
  for (std::int64_t second = 0; second <= 86'000; second += 1'000) {
    rate.observe(books(0, second), kBegin + seconds(second));
  }
  EXPECT_TRUE(rate.forecast(books(1, 0), kBegin + days(1)));
  rate.observe(books(1, 7), kBegin + days(1) + seconds(7));
  EXPECT_EQ(rate.forecast(books(1, 7), kBegin + days(1) + seconds(7))->at_end,
            Money(1'000 * 86'400));
  rate.observe(books(9, 0), kBegin + days(9));  // Long after: nothing is known any more.
  EXPECT_FALSE(rate.forecast(books(9, 0), kBegin + days(9)));
}

// In a rolling window stands what was spent in the last length; slices fall out of it.
TEST(BurnRateTest, ARollingWindowFillsUpToItsRateTimesItsLength) {
  BurnRate rate(kHalfLife);
  const auto books = [](std::int64_t minute) {
    const std::int64_t slice = minute / 5;
    const std::int64_t from = std::max<std::int64_t>(0, slice - 12) * 5;
    const Instant begin = kBegin + minutes(5 * slice);
    return BurnBooks{dollars(50), dollars(minute - from), {begin, begin + minutes(5)}, hours(1)};
  };
  for (std::int64_t minute = 0; minute <= 300; ++minute) {
    const Instant now = kBegin + minutes(minute);
    rate.observe(books(minute), now);
    const auto forecast = rate.forecast(books(minute), now);
    if (minute < 11) continue;
    ASSERT_TRUE(forecast) << minute;
    ASSERT_LE(std::abs((*forecast->at_end - dollars(60)).count()), 1) << minute;
    ASSERT_TRUE(forecast->exhausted_at) << minute;
  }
}

TEST(BurnRateTest, AWindowWithoutAnEndHasNoProjection) {
  BurnRate rate(kHalfLife);
  BurnBooks books = month(dollars(10), dollars(5));
  books.window.end = kNever;
  rate.observe(books, kBegin + hours(5));
  const auto forecast = rate.forecast(books, kBegin + hours(5));
  ASSERT_TRUE(forecast);
  EXPECT_FALSE(forecast->at_end);
  EXPECT_EQ(forecast->exhausted_at, kBegin + hours(10));
  books.used = dollars(-1);
  books.limit = dollars(-2);
  EXPECT_EQ(rate.forecast(books, kBegin + hours(6))->exhausted_at, kBegin + hours(6));
}

TEST(BurnRateTest, AHugeRateIsCutWhereTheHeaderSays) {
  BurnRate rate(seconds(1));
  const BurnBooks books = month(kLimitMax, kLimitMax);
  rate.observe(books, kBegin + seconds(1));
  EXPECT_EQ(rate.forecast(books, kBegin + seconds(1))->at_end, kForecastMax);
  EXPECT_EQ(rate.forecast(books, kBegin + seconds(1))->per_hour, kForecastMax);
}

// A month's budget, spent by requests that come at random, observed at each of them.
struct Spender {
  double load;              // What would be spent, in limits.
  bool is_regular = false;  // Requests at equal distances; amounts of half to one and a half.
  int requests = 60'000;
  Money limit = dollars(1'000);

  // Calls visit(books, now) at every request; it answers by what factor the next ones are cheaper.
  template <class Visit>
  void run(Chance& chance, const Visit& visit) const {
    const double mean = static_cast<double>(limit.count()) * load / requests;
    const double gap = static_cast<double>((kEnd - kBegin).count()) / requests;
    double at = 0;
    double factor = 1;
    Money used;
    while (true) {
      at += gap * (is_regular ? 1.0 : chance.exponential());
      const Instant now = kBegin + Duration(static_cast<std::int64_t>(at));
      if (now >= kEnd) break;
      const double size =
          is_regular ? 0.5 + static_cast<double>(chance.some(1'000)) / 999 : chance.exponential();
      used += Money(std::llround(mean * factor * size));
      factor = visit(month(limit, used), now);
    }
  }
};

// Goal: at a constant load nothing flaps, and a budget that will run out is foreseen before it
// does. Method: a month of 60,000 requests, half-life a day.  Those of equal distances and a noise
// of 0.6 % of the rate come as near to the thresholds as that; those at random, of 2 %, less so.
TEST(BurnRateTest, NeverFlapsOnConstantLoadAndIsInTime) {
  struct Case {
    double load;
    bool is_regular;
  };
  for (const auto& [load, is_regular] : {Case{0.5, true},
                                         {0.88, true},
                                         {0.92, true},
                                         {0.97, true},
                                         {1.03, true},
                                         {1.5, true},
                                         {0.5, false},
                                         {0.75, false},
                                         {1.3, false},
                                         {3.0, false},
                                         {10.0, false}}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "load=" << load << " seed=" << seed);
      Chance chance(seed);
      BurnRate rate(days(1));
      BurnSteps steps({});
      std::uint32_t held = 0;
      int down = 0;
      int up = 0;
      std::optional<Instant> first;
      std::optional<Instant> exhausted;
      const Spender spender{.load = load, .is_regular = is_regular};
      spender.run(chance, [&](const BurnBooks& books, Instant now) {
        rate.observe(books, now);
        const std::uint32_t next = steps.update(rate.forecast(books, now), books.limit, 3, now);
        down += next > held ? 1 : 0;
        up += next < held ? 1 : 0;
        held = next;
        if (next > 0 && !first) first = now;
        if (books.used >= books.limit && !exhausted) exhausted = now;
        return 1.0;  // The ladder changes nothing: the load stays.
      });
      EXPECT_EQ(up, 0);
      EXPECT_EQ(down, load > 1 ? 3 : 0);
      EXPECT_EQ(exhausted.has_value(), load > 1.02);
      if (exhausted) {
        ASSERT_TRUE(first);
        EXPECT_LT(*first, *exhausted);
        EXPECT_LT(*first - kBegin, days(3));
      }
    }
  }
}

// Goal: where every step down makes requests cheaper, the month ends within its limit, and no more
// steps are taken than step_time allows.
TEST(BurnRateTest, StepsKeepAMonthWithinItsLimit) {
  for (const double load : {0.8, 1.2, 2.0, 3.5}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      SCOPED_TRACE(testing::Message() << "load=" << load << " seed=" << seed);
      Chance chance(seed);
      BurnRate rate(hours(6));
      BurnSteps steps({.step_time = hours(1)});
      Money used;
      std::vector<Instant> stepped;
      std::uint32_t held = 0;
      Spender{.load = load}.run(chance, [&](const BurnBooks& books, Instant now) {
        rate.observe(books, now);
        const std::uint32_t next = steps.update(rate.forecast(books, now), books.limit, 3, now);
        if (next != held) stepped.push_back(now);
        EXPECT_LE(std::max(next, held) - std::min(next, held), 1u);
        held = next;
        used = books.used;
        return std::pow(0.5, next);
      });
      EXPECT_LE(used, dollars(1'010));
      if (load > 1) {
        EXPECT_GE(used, dollars(850));  // It is not meaner than it must be.
      }
      for (std::size_t i = 1; i < stepped.size(); ++i) {
        ASSERT_GE(stepped[i] - stepped[i - 1], hours(1));
      }
    }
  }
}

// A table of what one update does.
TEST(BurnRateTest, StepsFollowTheirRules) {
  BurnSteps steps({.down_percent = 120, .up_percent = 80, .step_time = minutes(5)});
  const auto update = [&](std::optional<std::int64_t> percent, int minute, std::uint32_t most) {
    std::optional<BurnForecast> forecast;
    if (percent) forecast = BurnForecast{{}, dollars(*percent), {}};
    return steps.update(forecast, dollars(100), most, kBegin + minutes(minute));
  };
  EXPECT_EQ(update(120, 0, 3), 0u);  // Not above.
  EXPECT_EQ(update(121, 1, 3), 1u);
  EXPECT_EQ(update(300, 5, 3), 1u);  // Too soon.
  EXPECT_EQ(update(300, 6, 3), 2u);
  EXPECT_EQ(update({}, 20, 3), 2u);   // Unknown: as it was.
  EXPECT_EQ(update(100, 21, 3), 2u);  // Between the two.
  EXPECT_EQ(update(80, 22, 3), 2u);   // Not below.
  EXPECT_EQ(update(79, 23, 3), 1u);
  EXPECT_EQ(update(0, 27, 3), 1u);
  EXPECT_EQ(update(0, 28, 3), 0u);
  EXPECT_EQ(update(0, 40, 3), 0u);
  EXPECT_EQ(update(999, 50, 1), 1u);
  EXPECT_EQ(update(999, 60, 1), 1u);
  EXPECT_EQ(update(999, 61, 0), 0u);  // The ladder became shorter.
  EXPECT_EQ(steps.update(BurnForecast{}, dollars(100), 3, kBegin + hours(9)), 0u);
}

// What the ledger tells a forecast is what it reports.
TEST(BurnRateTest, ALedgerFeedsIt) {
  Budget hour = budget_of("hour", dollars(5), hours_of(WindowKind::kRolling, 12));
  BudgetConfig config = config_of({budget_of("month", dollars(100)), hour});
  config.scopes.push_back({"team", ScopeKind::kTeam, "a", {budget_of("day", dollars(9))}});
  const auto ledger = ledger_of(config);
  const ScopeId team[] = {ledger->find("team")};
  const auto budgets = ledger->budgets_of(team);
  ASSERT_EQ(budgets.size(), 3u);
  const Reservation one = reserve(*ledger, "team", dollars(3));
  ledger->settle(reserve(*ledger, "team", dollars(1)).ticket, dollars(1), kNow);
  const std::uint64_t before = allocations();
  BurnRate rate(kHalfLife);
  for (const BudgetId budget : budgets) {
    const BurnBooks books = ledger->burn_books(budget, kNow);
    rate.observe(books, kNow);
    EXPECT_EQ(books.used, dollars(4));
    (void)rate.forecast(books, kNow);
  }
  EXPECT_EQ(allocations(), before);
  for (const BudgetReport& line : ledger->report(kNow)) {
    const BurnBooks books = ledger->burn_books(line.id, kNow);
    EXPECT_EQ(books.limit, line.limit);
    EXPECT_EQ(books.window, line.window);
    EXPECT_EQ(books.rolling, line.budget == "hour" ? Duration(hours(12)) : Duration(0));
  }
  const ScopeId nobody[] = {ScopeId{99}};
  EXPECT_TRUE(ledger->budgets_of(nobody).empty());
  ledger->release(one.ticket, kNow);
}

}  // namespace
}  // namespace fare
