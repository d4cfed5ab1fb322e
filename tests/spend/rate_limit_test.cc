#include "fare/rate_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "allocations.h"
#include "base/random.h"

namespace fare {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();
constexpr LimitId kFirst{0};

std::unique_ptr<RateLimits> make(const std::vector<RateLimit>& limits) {
  return std::move(*RateLimits::create(limits, kStart));
}

RateLimit input_only(Flow flow) {
  RateLimit limit;
  limit.input = flow;
  return limit;
}

LimitUse input(std::int64_t tokens) { return {.input = Tokens(tokens)}; }

LimitAnswer ask(RateLimits& limits, const LimitUse& use, Instant now) {
  const LimitId ids[] = {kFirst};
  return limits.acquire(ids, use, now);
}

TEST(RateLimitTest, AdmitsABurstAndThenAtItsRate) {
  const auto limits = make({input_only({.count = 60, .burst = 100})});
  EXPECT_EQ(ask(*limits, input(100), kStart).admission, Admission::kAdmitted);
  const LimitAnswer refused = ask(*limits, input(7), kStart);
  EXPECT_EQ(refused.admission, Admission::kWait);
  EXPECT_EQ(refused.retry_at, kStart + seconds(7));
  EXPECT_EQ(ask(*limits, input(7), refused.retry_at - nanoseconds(1)).admission, Admission::kWait);
  EXPECT_EQ(ask(*limits, input(7), refused.retry_at).admission, Admission::kAdmitted);
  EXPECT_EQ(ask(*limits, input(101), kStart).admission, Admission::kTooLarge);
}

TEST(RateLimitTest, CorrectsAnEstimateToWhatWasUsed) {
  const auto limits = make({input_only({.count = 60, .burst = 100})});
  const LimitAnswer first = ask(*limits, input(100), kStart);
  limits->settle(first.ticket, input(30), kStart);
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), 70);
  const LimitAnswer second = ask(*limits, input(10), kStart);
  limits->settle(second.ticket, input(200), kStart);
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), -130);  // A debt, kept in full.
  EXPECT_EQ(ask(*limits, input(1), kStart).retry_at, kStart + seconds(131));
  const LimitAnswer third = ask(*limits, input(5), kStart + seconds(150));
  limits->settle(third.ticket, std::nullopt, kStart + seconds(150));
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart + seconds(150)), 15);
}

TEST(RateLimitTest, AReleaseGivesEverythingBack) {
  RateLimit all = input_only({.count = 60, .burst = 100});
  all.requests = Flow{.count = 1, .burst = 1};
  all.slots = 1;
  const auto limits = make({all});
  const LimitAnswer first = ask(*limits, input(40), kStart);
  EXPECT_EQ(ask(*limits, input(1), kStart).admission, Admission::kNoSlot);
  limits->release(first.ticket, kStart);
  EXPECT_EQ(limits->open(kFirst), 0u);
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), 100);
  EXPECT_EQ(ask(*limits, input(100), kStart).admission, Admission::kAdmitted);
}

TEST(RateLimitTest, CacheReadsCountWhereTheTableSaysSo) {
  RateLimit free_reads = input_only({.count = 60, .burst = 100});
  free_reads.cache_reads_count = false;
  const auto limits = make({input_only({.count = 60, .burst = 100}), free_reads});
  const LimitId both[] = {LimitId{1}, LimitId{0}};
  const LimitUse use = {.input = Tokens(10), .cache_read = Tokens(80)};
  const LimitAnswer answer = limits->acquire(both, use, kStart);
  EXPECT_EQ(limits->level(LimitId{0}, LimitPart::kInput, kStart), 10);
  EXPECT_EQ(limits->level(LimitId{1}, LimitPart::kInput, kStart), 90);
  limits->settle(answer.ticket, LimitUse{.input = Tokens(90)}, kStart);
  EXPECT_EQ(limits->level(LimitId{0}, LimitPart::kInput, kStart), 10);
  EXPECT_EQ(limits->level(LimitId{1}, LimitPart::kInput, kStart), 10);
}

TEST(RateLimitTest, AVendorsWordTightensAndNeverLoosens) {
  const auto limits = make({input_only({.count = 60, .burst = 100})});
  const auto level = [&] { return limits->level(kFirst, LimitPart::kInput, kStart).value(); };
  EXPECT_TRUE(limits->observe(kFirst, {LimitPart::kInput, 1'000, {}}, kStart));
  EXPECT_EQ(level(), 100);
  EXPECT_TRUE(limits->observe(kFirst, {LimitPart::kInput, 20, {}}, kStart));
  EXPECT_EQ(level(), 20);
  EXPECT_FALSE(limits->observe(kFirst, {LimitPart::kOutput, 20, {}}, kStart));
  // A window: 5 until it ends, although 20 wait and more flow in; a later word replaces it.
  const Instant end = kStart + seconds(30);
  EXPECT_TRUE(limits->observe(kFirst, {LimitPart::kInput, 5, end}, kStart));
  EXPECT_EQ(ask(*limits, input(6), kStart).retry_at, end);
  EXPECT_EQ(ask(*limits, input(6), kStart + seconds(20)).retry_at, end);
  const LimitAnswer few = ask(*limits, input(4), kStart + seconds(20));
  EXPECT_EQ(few.admission, Admission::kAdmitted);
  limits->settle(few.ticket, input(0), kStart + seconds(20));
  EXPECT_EQ(ask(*limits, input(2), kStart + seconds(21)).admission, Admission::kWait);
  EXPECT_TRUE(limits->observe(kFirst, {LimitPart::kInput, 1'000, end}, kStart + seconds(22)));
  EXPECT_EQ(ask(*limits, input(99), kStart + seconds(22)).retry_at, kStart + seconds(79));
  EXPECT_EQ(ask(*limits, input(42), kStart + seconds(22)).admission, Admission::kAdmitted);
  EXPECT_FALSE(limits->observe(kFirst, {LimitPart::kInput, 1, end + std::chrono::hours(24)},
                               end - seconds(1)));
}

TEST(RateLimitTest, RetryAfterHoldsEverythingBack) {
  const auto limits = make({input_only({.count = 60, .burst = 100})});
  const Instant until = kStart + seconds(9);
  EXPECT_TRUE(limits->hold(kFirst, until, kStart));
  EXPECT_TRUE(limits->hold(kFirst, until - seconds(5), kStart));
  EXPECT_FALSE(limits->hold(kFirst, Instant::max(), kStart));
  EXPECT_EQ(ask(*limits, input(1), kStart).retry_at, until);
  EXPECT_EQ(ask(*limits, input(1), until).admission, Admission::kAdmitted);
}

TEST(RateLimitTest, NamesEverythingThatIsOutOfRange) {
  RateLimit bad = input_only({.count = 0, .per = Duration(0), .burst = 2'000'000'000'000});
  bad.slots = 0;
  const std::vector<RateLimit> limits = {RateLimit(), bad};
  const auto result = RateLimits::create(limits, kStart);
  ASSERT_FALSE(result.has_value());
  std::vector<std::string> places;
  for (const Error& error : result.error()) places.push_back(error.where);
  const std::vector<std::string> expected = {"/1/input/count", "/1/input/per", "/1/input/burst",
                                             "/1/slots"};
  EXPECT_EQ(places, expected);
}

// The same limit, one nanosecond after the other, in fractions of a unit: level / per.
struct SlowBucket {
  Flow flow;
  std::int64_t level = flow.burst * flow.per.count();
  Instant at = kStart;

  void advance(Instant now) {
    for (; at < now; at += nanoseconds(1)) {
      level = std::min(level + flow.count, flow.burst * flow.per.count());
    }
  }
  bool fits(std::int64_t units) const { return units * flow.per.count() <= level; }
  void take(std::int64_t units) {
    level = std::min(level - units * flow.per.count(), flow.burst * flow.per.count());
  }
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(RandomKey(seed, 0, Purpose::kTest), 0) {
    std::vector<RateLimit> limits;
    for (std::size_t i = 0; i < 3; ++i) {
      limits.emplace_back();
      for (auto* part : {&limits[i].requests, &limits[i].input, &limits[i].output}) {
        *part = Flow{1 + some(20), Duration(1 + some(50)), 1 + some(30)};
        slow_.push_back({**part});
      }
      limits[i].slots = static_cast<std::uint32_t>(2 + some(8));
      slots_.push_back(*limits[i].slots);
    }
    limits_ = make(limits);
    taken_.resize(slow_.size());
  }

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      now_ += Duration(some(3) == 0 ? some(60) : 0);
      for (SlowBucket& slow : slow_) slow.advance(now_);
      if (some(3) == 0 && !open_.empty()) {
        close();
      } else {
        acquire();
      }
      compare();
    }
    check_every_stretch();
  }

  std::uint64_t admitted = 0;
  std::uint64_t waits = 0;

 private:
  struct Open {
    LimitTicket ticket;
    std::vector<std::size_t> limits;
    std::array<std::int64_t, 3> units;
  };
  struct Taken {
    Instant at;
    std::int64_t units;
    std::int64_t debt;  // Weighed, after it.
  };

  std::int64_t some(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  void note(std::size_t bucket, std::int64_t units) {
    slow_[bucket].take(units);
    taken_[bucket].push_back({now_, units, std::max<std::int64_t>(0, -slow_[bucket].level)});
  }
  bool fits(const std::vector<std::size_t>& limits, const std::array<std::int64_t, 3>& units) {
    bool all = true;
    for (const std::size_t i : limits) {
      for (std::size_t part = 0; part < 3; ++part) all &= slow_[3 * i + part].fits(units[part]);
    }
    return all;
  }

  void acquire() {
    std::vector<std::size_t> chosen;
    std::vector<LimitId> ids;
    for (std::size_t i = 3; i-- > 0;) {
      if (some(2) == 0) continue;
      chosen.push_back(i);
      ids.push_back(static_cast<LimitId>(i));
    }
    const std::array<std::int64_t, 3> units = {1, some(20), some(20)};
    const LimitUse use = {.input = Tokens(units[1]), .output = Tokens(units[2])};
    const LimitAnswer answer = limits_->acquire(ids, use, now_);
    for (const std::size_t i : chosen) {
      ASSERT_LE(limits_->open(static_cast<LimitId>(i)), slots_[i]);
    }
    if (answer.admission == Admission::kAdmitted) {
      ++admitted;
      ASSERT_TRUE(fits(chosen, units));
      for (const std::size_t i : chosen) {
        for (std::size_t part = 0; part < 3; ++part) note(3 * i + part, units[part]);
      }
      open_.push_back({answer.ticket, chosen, units});
    } else if (answer.admission == Admission::kWait) {
      ++waits;
      ASSERT_GT(answer.retry_at, now_);
      auto later = slow_;
      for (SlowBucket& slow : slow_) slow.advance(answer.retry_at - nanoseconds(1));
      ASSERT_FALSE(fits(chosen, units)) << "too late";
      for (SlowBucket& slow : slow_) slow.advance(answer.retry_at);
      ASSERT_TRUE(fits(chosen, units)) << "too early";
      slow_ = std::move(later);
    } else if (answer.admission == Admission::kTooLarge) {
      bool too_large = false;
      for (const std::size_t i : chosen) {
        for (std::size_t part = 0; part < 3; ++part) {
          too_large |= units[part] > slow_[3 * i + part].flow.burst;
        }
      }
      ASSERT_TRUE(too_large);
    }
  }

  void close() {
    const std::size_t which = random_.below(open_.size());
    const Open one = open_[which];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    std::array<std::int64_t, 3> used = {1, some(one.units[1] + 2), some(one.units[2] + 2)};
    const std::int64_t how = some(4);
    if (how == 0) {
      used = {0, 0, 0};
      limits_->release(one.ticket, now_);
    } else if (how == 1) {
      used = one.units;
      limits_->settle(one.ticket, std::nullopt, now_);
    } else {
      limits_->settle(one.ticket, LimitUse{.input = Tokens(used[1]), .output = Tokens(used[2])},
                      now_);
    }
    for (const std::size_t i : one.limits) {
      for (std::size_t part = 0; part < 3; ++part) {
        note(3 * i + part, used[part] - one.units[part]);
      }
    }
  }

  void compare() {
    for (std::size_t i = 0; i < slow_.size(); ++i) {
      const std::int64_t per = slow_[i].flow.per.count();
      const std::int64_t level = slow_[i].level;
      const std::int64_t floor = level >= 0 ? level / per : -((-level + per - 1) / per);
      ASSERT_EQ(limits_->level(static_cast<LimitId>(i / 3), static_cast<LimitPart>(i % 3), now_),
                floor);
    }
  }

  // The promise of the header, for every pair of instants at which anything was taken.
  void check_every_stretch() {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      const Flow& flow = slow_[i].flow;
      for (std::size_t from = 0; from < taken_[i].size(); ++from) {
        std::int64_t sum = 0;
        for (std::size_t to = from; to < taken_[i].size(); ++to) {
          sum += taken_[i][to].units;
          const std::int64_t time = (taken_[i][to].at - taken_[i][from].at).count();
          const std::int64_t bound =
              flow.burst * flow.per.count() + flow.count * time + taken_[i][to].debt;
          ASSERT_LE(sum * flow.per.count(), bound);
        }
      }
    }
  }

  RandomStream random_;
  std::vector<SlowBucket> slow_;
  std::vector<std::uint32_t> slots_;
  std::unique_ptr<RateLimits> limits_;
  std::vector<std::vector<Taken>> taken_;
  std::vector<Open> open_;
  Instant now_ = kStart;
};

// Goal: levels, admissions and retry_at are those of a model that walks nanosecond by nanosecond;
// over every stretch of time no more is taken than the header says; a refusal takes nothing.
TEST(RateLimitTest, IsExactAgainstANanosecondModel) {
  std::uint64_t admitted = 0;
  std::uint64_t waits = 0;
  for (std::uint64_t seed = 0; seed < 1'000 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Walk walk(seed);
    walk.run(300);
    admitted += walk.admitted;
    waits += walk.waits;
  }
  EXPECT_GT(admitted, 5'000u);
  EXPECT_GT(waits, 5'000u);
}

// A limit that goes on through reloads, in fractions of a unit, one nanosecond after the other.
struct SlowLimit {
  // Flows of periods that divide it are whole numbers of its parts a nanosecond.
  static constexpr std::int64_t kScale = 48;

  struct Taken {
    std::size_t stretch;
    Int128 flown;  // In parts of kScale, up to then.
    Int128 units;
    Int128 burst;
    Int128 debt;  // In parts of kScale.
  };

  bool is_limited = true;
  bool cache_reads_count = true;
  SlowBucket bucket{.flow = {}, .level = 0};
  std::uint32_t open = 0;
  std::size_t stretch = 0;  // Counts how often it was not limited.
  Int128 flown = 0;
  std::vector<Taken> taken;

  void advance(Instant now) {
    const std::int64_t time = (now - bucket.at).count();
    flown += Int128{bucket.flow.count} * kScale / bucket.flow.per.count() * time;
    bucket.advance(now);
  }
  void change(const Flow& flow) {
    const std::int64_t product = bucket.level * flow.per.count();
    const std::int64_t per = bucket.flow.per.count();
    const std::int64_t down = product / per - (product % per < 0 ? 1 : 0);
    bucket.flow = flow;
    bucket.level = std::min(down, flow.burst * flow.per.count());
  }
  void take(std::int64_t units) {
    bucket.take(units);
    const Int128 debt = std::max<std::int64_t>(0, -bucket.level);
    taken.push_back({stretch, flown, units, bucket.flow.burst,
                     debt * kScale / bucket.flow.per.count() + (debt > 0 ? 1 : 0)});
  }
  std::int64_t units_of(const LimitUse& use, bool with_reads) const {
    return (use.input + (with_reads ? use.cache_read : Tokens())).count();
  }
};

class ReloadWalk {
 public:
  explicit ReloadWalk(std::uint64_t seed) : random_(RandomKey(seed, 0, Purpose::kTest), 3) {
    std::vector<RateLimit> limits;
    for (std::size_t i = 0; i < 2; ++i) limits.push_back(add());
    limits_ = make(limits);
  }

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      now_ += Duration(some(3) == 0 ? some(60) : 0);
      for (SlowLimit& slow : slow_) slow.advance(now_);
      const std::int64_t what = some(10);
      if (what == 0) {
        reload();
      } else if (what < 4 && !open_.empty()) {
        close();
      } else {
        acquire();
      }
      compare();
    }
    check_every_stretch();
  }

  int admitted = 0;
  int reloads = 0;

 private:
  struct Open {
    LimitTicket ticket;
    LimitUse estimate;
    struct Charge {
      std::size_t limit;
      bool is_limited;
      bool with_reads;
    };
    std::vector<Charge> charges;
  };

  std::int64_t some(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  Flow flow() {
    constexpr std::int64_t kPeriods[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 48};
    return {.count = 1 + some(5), .per = Duration(kPeriods[some(10)]), .burst = 1 + some(60)};
  }
  RateLimit add() {
    RateLimit limit = input_only(flow());
    slow_.emplace_back();
    slow_.back().bucket = {*limit.input, limit.input->burst * limit.input->per.count(), now_};
    return limit;
  }

  // Every limit may be named or left out, in any order; now and then a new one comes.
  void reload() {
    ++reloads;
    std::vector<RateLimit> limits;
    std::vector<std::optional<LimitId>> from;
    const auto size = static_cast<std::int64_t>(slow_.size());
    const std::int64_t first = some(size);
    for (std::int64_t k = 0; k < size; ++k) {
      const auto i = static_cast<std::size_t>((first + k) % size);
      if (some(3) == 0) continue;
      RateLimit limit;
      limit.cache_reads_count = some(2) == 0;
      const bool is_limited = some(4) != 0;
      if (is_limited) limit.input = flow();
      limits.push_back(limit);
      from.push_back(static_cast<LimitId>(i));
      slow_[i].cache_reads_count = limit.cache_reads_count;
      slow_[i].stretch += slow_[i].is_limited && !is_limited ? 1 : 0;
      slow_[i].is_limited = is_limited;
      if (is_limited) slow_[i].change(*limit.input);
    }
    if (some(6) == 0 && size < 6) {
      limits.push_back(add());
      from.emplace_back();
    }
    const auto ids = limits_->reload(limits, from, now_);
    ASSERT_TRUE(ids);
    for (std::size_t k = 0; k < from.size(); ++k) {
      ASSERT_EQ((*ids)[k], from[k].value_or(static_cast<LimitId>(slow_.size() - 1)));
    }
  }

  void acquire() {
    Open one;
    one.estimate = {.input = Tokens(some(15)), .cache_read = Tokens(some(15))};
    std::vector<LimitId> ids;
    bool fits = true;
    for (std::size_t i = 0; i < slow_.size(); ++i) {
      if (some(2) == 0) continue;
      const SlowLimit& slow = slow_[i];
      ids.push_back(static_cast<LimitId>(i));
      one.charges.push_back({i, slow.is_limited, slow.cache_reads_count});
      const std::int64_t units = slow.units_of(one.estimate, slow.cache_reads_count);
      fits &= !slow.is_limited || slow.bucket.fits(units);
    }
    const LimitAnswer answer = limits_->acquire(ids, one.estimate, now_);
    ASSERT_EQ(answer.admission == Admission::kAdmitted, fits);
    if (!fits) return;
    ++admitted;
    one.ticket = answer.ticket;
    for (const Open::Charge& charge : one.charges) {
      SlowLimit& slow = slow_[charge.limit];
      slow.open += 1;
      if (charge.is_limited) slow.take(slow.units_of(one.estimate, charge.with_reads));
    }
    open_.push_back(one);
  }

  void close() {
    std::swap(open_[random_.below(open_.size())], open_.back());
    const Open one = open_.back();
    open_.pop_back();
    std::optional<LimitUse> used =
        LimitUse{.input = Tokens(some(18)), .cache_read = Tokens(some(9))};
    const std::int64_t how = some(4);
    if (how == 0) {
      used = LimitUse();
      limits_->release(one.ticket, now_);
    } else {
      if (how == 1) used.reset();
      limits_->settle(one.ticket, used, now_);
    }
    for (const Open::Charge& charge : one.charges) {
      SlowLimit& slow = slow_[charge.limit];
      slow.open -= 1;
      if (!charge.is_limited || !used) continue;
      slow.take(slow.units_of(*used, charge.with_reads) -
                slow.units_of(one.estimate, charge.with_reads));
    }
  }

  void compare() {
    for (std::size_t i = 0; i < slow_.size(); ++i) {
      const LimitId id = static_cast<LimitId>(i);
      ASSERT_EQ(limits_->open(id), slow_[i].open);
      const std::int64_t per = slow_[i].bucket.flow.per.count();
      const std::int64_t level = slow_[i].bucket.level;
      const std::int64_t floor = level >= 0 ? level / per : -((-level + per - 1) / per);
      const auto known = limits_->level(id, LimitPart::kInput, now_);
      ASSERT_EQ(known, slow_[i].is_limited ? std::optional(floor) : std::nullopt);
    }
  }

  // The promise of the header over every stretch in which a part was limited throughout.
  void check_every_stretch() {
    for (const SlowLimit& slow : slow_) {
      for (std::size_t from = 0; from < slow.taken.size(); ++from) {
        const SlowLimit::Taken& first = slow.taken[from];
        Int128 sum = 0;
        for (std::size_t to = from; to < slow.taken.size(); ++to) {
          const SlowLimit::Taken& last = slow.taken[to];
          if (last.stretch != first.stretch) break;
          sum += last.units;
          const Int128 flown = last.flown - first.flown + last.debt;
          ASSERT_TRUE(sum * SlowLimit::kScale <= first.burst * SlowLimit::kScale + flown);
        }
      }
    }
  }

  RandomStream random_;
  Instant now_ = kStart;
  std::vector<SlowLimit> slow_;
  std::unique_ptr<RateLimits> limits_;
  std::vector<Open> open_;
};

// Goal: a reload at any instant neither refills a bucket nor forgets a debt or an open request, and
// over every stretch, reloads included, no more is taken than the header says.
// Method: limits whose flows, bursts, parts and ways of counting change at random instants, that
// are left out and named again, against a model that walks nanosecond by nanosecond.
TEST(RateLimitTest, AReloadAtAnyInstantKeepsTheBound) {
  int admitted = 0;
  int reloads = 0;
  for (std::uint64_t seed = 0; seed < 1'000 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    ReloadWalk walk(seed);
    walk.run(300);
    admitted += walk.admitted;
    reloads += walk.reloads;
  }
  EXPECT_GT(admitted, 20'000);
  EXPECT_GT(reloads, 20'000);
}

TEST(RateLimitTest, AReloadKeepsHoldsWindowsAndSlots) {
  RateLimit one = input_only({.count = 60, .burst = 100});
  one.slots = 2;
  const auto limits = make({one});
  const std::optional<LimitId> same[] = {kFirst};
  const LimitAnswer open = ask(*limits, input(30), kStart);
  EXPECT_TRUE(limits->hold(kFirst, kStart + seconds(9), kStart));
  EXPECT_TRUE(limits->observe(kFirst, {LimitPart::kInput, 5, kStart + seconds(50)}, kStart));
  one.slots = 1;
  one.input = Flow{.count = 120, .burst = 1'000};
  ASSERT_EQ(limits->reload({&one, 1}, same, kStart).value(), std::vector{kFirst});
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), 70);
  EXPECT_EQ(ask(*limits, input(1), kStart).admission, Admission::kNoSlot);
  limits->settle(open.ticket, input(20), kStart);
  EXPECT_EQ(ask(*limits, input(1), kStart).retry_at, kStart + seconds(9));
  EXPECT_EQ(ask(*limits, input(6), kStart).retry_at, kStart + seconds(50));
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart + seconds(10)), 100);
  RateLimit bad = one;
  bad.slots = 0;
  EXPECT_FALSE(limits->reload({&bad, 1}, same, kStart));
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart + seconds(10)), 100);
}

// 1e12 debts of 1e12 units fit; so does what they become by another period.
TEST(RateLimitTest, AReloadOfTheLargestLevelsIsExact) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  constexpr Duration kDay = std::chrono::hours(24);
  const auto limits = make({input_only({.count = kMost, .per = Duration(1), .burst = kMost})});
  const std::optional<LimitId> same[] = {kFirst};
  const LimitAnswer open = ask(*limits, input(1'000'000), kStart);
  for (const Duration per : {kDay, kDay - nanoseconds(1), nanoseconds(1), kDay}) {
    const RateLimit to = input_only({.count = 1, .per = per, .burst = kMost});
    ASSERT_TRUE(limits->reload({&to, 1}, same, kStart));
    EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), kMost - 1'000'000);
  }
  limits->release(open.ticket, kStart);
  EXPECT_EQ(limits->level(kFirst, LimitPart::kInput, kStart), kMost);
}

// Goal: whatever a vendor says, and however it contradicts itself, no stretch of time gets more
// than is configured, nor a window more than its latest word left.
TEST(RateLimitTest, NoWordOfAVendorLoosens) {
  int admitted = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(RandomKey(seed, 0, Purpose::kTest), 1);
    const auto some = [&random](std::uint64_t bound) {
      return static_cast<std::int64_t>(random.below(bound));
    };
    const Flow flow{.count = 1 + some(9), .per = Duration(1 + some(50)), .burst = 1 + some(30)};
    const auto limits = make({input_only(flow)});
    std::vector<std::pair<Instant, std::int64_t>> taken;
    Instant now = kStart;
    Instant window_end = kStart;
    std::int64_t left = 0;
    for (int step = 0; step < 300; ++step) {
      now += Duration(some(30));
      const VendorState state = {LimitPart::kInput, some(60), now + Duration(1 + some(100))};
      if (some(8) == 0) {
        ASSERT_TRUE(limits->observe(kFirst, state, now));
        left = state.remaining;
        window_end = *state.window_end;
      } else if (some(8) == 0) {
        ASSERT_TRUE(limits->observe(kFirst, {LimitPart::kInput, state.remaining, {}}, now));
        ASSERT_LE(limits->level(kFirst, LimitPart::kInput, now), state.remaining);
      }
      const std::int64_t units = some(12);
      const LimitAnswer answer = ask(*limits, input(units), now);
      if (answer.admission == Admission::kWait) {
        ASSERT_EQ(ask(*limits, input(units), answer.retry_at).admission, Admission::kAdmitted);
        now = answer.retry_at;
      } else if (answer.admission == Admission::kTooLarge) {
        continue;
      }
      ++admitted;
      taken.emplace_back(now, units);
      left -= units;
      ASSERT_TRUE(left >= 0 || now >= window_end);
    }
    for (std::size_t from = 0; from < taken.size(); ++from) {
      std::int64_t sum = 0;
      for (std::size_t to = from; to < taken.size(); ++to) {
        sum += taken[to].second;
        const std::int64_t time = (taken[to].first - taken[from].first).count();
        ASSERT_LE(sum * flow.per.count(), flow.burst * flow.per.count() + flow.count * time);
      }
    }
  }
  EXPECT_GT(admitted, 30'000);
}

// 7 a minute and a nanosecond: request k is admitted at the ceiling of k * per / 7, after a million
// as after one.
TEST(RateLimitTest, NeverDrifts) {
  const Flow flow{.count = 7, .per = seconds(60) + nanoseconds(1), .burst = 2};
  const auto limits = make({input_only(flow)});
  Instant now = kStart;
  ASSERT_EQ(ask(*limits, input(1), now).admission, Admission::kAdmitted);
  for (std::int64_t k = 1; k <= 1'000'000; ++k) {
    ASSERT_EQ(ask(*limits, input(1), now).admission, Admission::kAdmitted);
    now = ask(*limits, input(1), now).retry_at;
    ASSERT_EQ((now - kStart).count(), (k * flow.per.count() + 6) / 7);
  }
}

// Goal: requests that wait for a bucket of one wait as behind a server that takes per / count each:
// M/D/1, mean wait rho / (2 (1 - rho)) service times (Pollaczek, Khinchine).
TEST(RateLimitTest, WaitsAreThoseOfMD1) {
  for (const double load : {0.3, 0.6, 0.8}) {
    RateLimit limit;
    limit.requests = Flow{.count = 1, .per = seconds(1), .burst = 1};
    const auto limits = make({limit});
    RandomStream random(RandomKey(1, 0, Purpose::kTest), 0);
    Instant arrival = kStart;
    Instant free_at = kStart;
    double wait_s = 0;
    constexpr int kRequests = 400'000;
    for (int i = 0; i < kRequests; ++i) {
      arrival += Duration(static_cast<std::int64_t>(-std::log(random.uniform()) / load * 1e9));
      free_at = std::max(free_at, arrival);
      LimitAnswer answer = ask(*limits, {}, free_at);
      if (answer.admission == Admission::kWait) {
        free_at = answer.retry_at;
        answer = ask(*limits, {}, free_at);
      }
      ASSERT_EQ(answer.admission, Admission::kAdmitted);
      wait_s += static_cast<double>((free_at - arrival).count()) / 1e9;
    }
    EXPECT_NEAR(wait_s / kRequests / (load / (2 * (1 - load))), 1, 0.03) << load;
  }
}

TEST(RateLimitTest, ALateClockChangesNothing) {
  const auto limits = make({input_only({.count = 60, .burst = 100})});
  EXPECT_EQ(ask(*limits, input(100), kStart + seconds(10)).admission, Admission::kAdmitted);
  const LimitAnswer late = ask(*limits, input(1), kStart);
  EXPECT_EQ(late.retry_at, kStart + seconds(11));
}

TEST(RateLimitTest, AllocatesNothing) {
  RateLimit all = input_only({.count = 60, .burst = 100});
  all.requests = Flow{.count = 60, .burst = 100};
  all.output = Flow{.count = 60, .burst = 100};
  all.slots = 3;
  const auto limits = make({all, all, all});
  const LimitId ids[] = {LimitId{2}, LimitId{0}, LimitId{1}};
  Instant now = kStart;
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1'000; ++i) {
    now += Duration(i * 1'000'000);
    const LimitAnswer answer = limits->acquire(ids, input(30), now);
    if (answer.admission != Admission::kAdmitted) continue;
    limits->settle(answer.ticket, input(25), now);
    limits->observe(LimitId{0}, {LimitPart::kInput, 80, {}}, now);
  }
  EXPECT_EQ(allocations(), before);
}

}  // namespace
}  // namespace fare
