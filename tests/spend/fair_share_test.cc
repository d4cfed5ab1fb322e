#include "fare/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "spend/fixture.h"

namespace fare {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(RandomKey(seed, 0, Purpose::kTest), 5) {}
  std::int64_t some(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }

 private:
  RandomStream random_;
};

std::vector<ShareClaim> random_claims(Chance& chance) {
  std::vector<ShareClaim> claims(static_cast<std::size_t>(1 + chance.some(7)));
  for (ShareClaim& claim : claims) {
    claim.weight = static_cast<std::uint32_t>(1 + chance.some(chance.some(2) == 0 ? 3 : 50));
    claim.least = Money(chance.some(2) == 0 ? 0 : chance.some(60));
    claim.most = claim.least + Money(chance.some(3) == 0 ? 0 : chance.some(200));
  }
  return claims;
}

// Nanodollar by nanodollar to whoever stands lowest for its weight.
std::vector<Money> slow_shares(Money capacity, const std::vector<ShareClaim>& claims) {
  std::vector<Money> shares;
  Money left = capacity;
  for (const ShareClaim& claim : claims) {
    shares.push_back(claim.least);
    left -= claim.least;
  }
  for (; left > Money(); left -= Money(1)) {
    std::size_t lowest = claims.size();
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (shares[i] == claims[i].most) continue;
      if (lowest == claims.size() || (shares[i].count() + 1) * claims[lowest].weight <
                                         (shares[lowest].count() + 1) * claims[i].weight) {
        lowest = i;
      }
    }
    if (lowest == claims.size()) break;
    shares[lowest] += Money(1);
  }
  return shares;
}

// Goal: the shares are the weighted max-min ones, to the nanodollar.
// Method: against filling nanodollar by nanodollar, which may round otherwise; the sum is exact,
// bounds hold, and no nanodollar moved from one to another would make them more even.
TEST(FairShareTest, SharesAreThoseOfASlowFilling) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Chance chance(seed);
    const std::vector<ShareClaim> claims = random_claims(chance);
    const Money capacity(chance.some(700));
    std::vector<Money> shares(claims.size());
    fair_shares(capacity, claims, shares);
    const std::vector<Money> slow = slow_shares(capacity, claims);
    Money sum;
    Money slow_sum;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      ASSERT_GE(shares[i], claims[i].least);
      ASSERT_LE(shares[i], claims[i].most);
      ASSERT_LE(std::abs((shares[i] - slow[i]).count()), static_cast<int>(claims.size())) << i;
      sum += shares[i];
      slow_sum += slow[i];
      for (std::size_t j = 0; j < claims.size(); ++j) {
        if (shares[i] == claims[i].least || shares[j] == claims[j].most) continue;
        ASSERT_LT((shares[i].count() - 1) * claims[j].weight,
                  (shares[j].count() + 1) * claims[i].weight);
      }
    }
    ASSERT_EQ(sum, slow_sum);
  }
}

TEST(FairShareTest, SharesOfTheLargestAmountsAreExact) {
  const std::vector<ShareClaim> claims = {{kShareWeightMax, {}, kLimitMax},
                                          {1, {}, kLimitMax},
                                          {kShareWeightMax, {}, Money(7)},
                                          {1, Money(5), kLimitMax}};
  std::vector<Money> shares(claims.size());
  fair_shares(kLimitMax, claims, shares);
  EXPECT_EQ(shares[0] + shares[1] + shares[2] + shares[3], kLimitMax);
  EXPECT_EQ(shares[2], Money(7));
  EXPECT_EQ(shares[1], shares[3]);
  EXPECT_EQ(shares[1], Money(999'998'000'004));  // (1e18 - 7) / 1,000,002, the remainder to [0].
}

// Of equal children of an org; ids "0", "1", ...
BudgetConfig family(Money limit, const std::vector<Share>& shares) {
  BudgetConfig config = config_of({budget_of("m", limit)});
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Budget part = budget_of("part", kLimitMax);
    part.share = shares[i];
    part.share->of = "m";
    config.scopes.push_back({std::to_string(i), ScopeKind::kTeam, "a", {part}});
  }
  return config;
}

bool takes(Ledger& ledger, std::size_t child, Money amount, Instant now) {
  return reserve(ledger, std::to_string(child).c_str(), amount, now).status ==
         ReserveStatus::kReserved;
}

TEST(FairShareTest, BorrowsWhatNobodyIsGuaranteed) {
  const auto ledger = ledger_of(family(
      Money(1'000), {{"", 1, Money(300), true}, {"", 1, Money(200), false}, {"", 1, {}, true}}));
  EXPECT_FALSE(takes(*ledger, 0, Money(801), kNow));  // 200 are the second one's.
  EXPECT_TRUE(takes(*ledger, 0, Money(800), kNow));
  EXPECT_FALSE(takes(*ledger, 2, Money(1), kNow));
  EXPECT_FALSE(takes(*ledger, 1, Money(201), kNow));
  EXPECT_TRUE(takes(*ledger, 1, Money(200), kNow));
  expect_conserves(*ledger, kNow);
  EXPECT_EQ(line_of(*ledger, "a", "m").free, Money());
}

// A loan that is not used goes back as soon as a sibling presses, and after a minute all but what
// will be used by the month's end: 22.5 of its days are over, so 13 after 10.
TEST(FairShareTest, AnUnusedLoanGoesBack) {
  const auto ledger = ledger_of(family(Money(400), {{"", 3, {}, true}, {"", 1, {}, true}}));
  EXPECT_TRUE(takes(*ledger, 0, Money(10), kNow));
  EXPECT_EQ(line_of(*ledger, "0", "part").limit, Money(400));
  EXPECT_TRUE(takes(*ledger, 1, Money(100), kNow));
  EXPECT_EQ(line_of(*ledger, "0", "part").limit, Money(300));
  EXPECT_FALSE(takes(*ledger, 1, Money(1), kNow + seconds(59)));
  EXPECT_FALSE(takes(*ledger, 1, Money(288), kNow + minutes(1)));
  EXPECT_TRUE(takes(*ledger, 1, Money(287), kNow + minutes(1)));
  EXPECT_FALSE(takes(*ledger, 0, Money(4), kNow + minutes(1)));
  EXPECT_TRUE(takes(*ledger, 0, Money(3), kNow + minutes(1)));
  expect_conserves(*ledger, kNow + minutes(1));
}

TEST(FairShareTest, TopUpsBorrowToo) {
  const auto ledger =
      ledger_of(family(Money(100), {{"", 1, Money(10), true}, {"", 1, Money(30), true}}));
  const Reservation one = reserve(*ledger, "0", Money(10));
  EXPECT_EQ(ledger->top_up(one.ticket, Money(61), Money(61), kNever, kNow).status,
            ReserveStatus::kOverBudget);
  EXPECT_EQ(ledger->top_up(one.ticket, Money(60), Money(60), kNever, kNow).status,
            ReserveStatus::kReserved);
  EXPECT_TRUE(takes(*ledger, 1, Money(30), kNow));
  expect_conserves(*ledger, kNow);
}

// A share of a share: what the lower one lacks, its parent may borrow.
TEST(FairShareTest, SharesNest) {
  BudgetConfig config = family(Money(100), {{"", 1, Money(10), true}, {"", 1, Money(30), true}});
  Budget part = budget_of("part", kLimitMax);
  part.share = Share{"part", 1, Money(4), true};
  config.scopes.push_back({"0/0", ScopeKind::kUser, "0", {part}});
  const auto ledger = ledger_of(config);
  EXPECT_EQ(reserve(*ledger, "0/0", Money(71)).status, ReserveStatus::kOverBudget);
  EXPECT_EQ(reserve(*ledger, "0/0", Money(70)).status, ReserveStatus::kReserved);
  EXPECT_TRUE(takes(*ledger, 1, Money(30), kNow));
  expect_conserves(*ledger, kNow);
}

TEST(FairShareTest, TemplatesShareByTheirWeights) {
  BudgetConfig config = family(Money(100), {});
  Budget part = budget_of("part", kLimitMax);
  part.share = Share{"m", 1, {}, true};
  config.scopes.push_back({"user:*", ScopeKind::kUser, "a", {part}});
  const auto ledger = ledger_of(config);
  for (const char* id : {"user:1", "user:2", "user:3", "user:4"}) {
    ASSERT_NE(ledger->find_or_create(id, kNow), ScopeId{});
    EXPECT_EQ(reserve(*ledger, id, Money(5)).status, ReserveStatus::kReserved);
  }
  for (const char* id : {"user:1", "user:2", "user:3", "user:4"}) {
    EXPECT_EQ(reserve(*ledger, id, Money(21)).status, ReserveStatus::kOverBudget) << id;
    EXPECT_EQ(reserve(*ledger, id, Money(20)).status, ReserveStatus::kReserved) << id;
  }
  expect_conserves(*ledger, kNow);
}

// A raise that ends before the window is not lent: or it would end in others' guarantees.
TEST(FairShareTest, APassingRaiseIsNotLent) {
  BudgetConfig config = family(Money(100), {{"", 1, Money(50), true}, {"", 1, Money(50), true}});
  const Instant until = kNow + std::chrono::hours(1);
  config.scopes[0].budgets[0].raises = {{Money(40), kNow - std::chrono::hours(1), until}};
  const auto ledger = ledger_of(config);
  EXPECT_FALSE(takes(*ledger, 0, Money(51), kNow));
  EXPECT_TRUE(takes(*ledger, 0, Money(50), kNow));
  EXPECT_TRUE(takes(*ledger, 1, Money(50), until));
}

// Goal: children with more demand than there is end with the weighted max-min of the limit, where
// what was used before all had begun to press stays used; those with less get all they ask for.
// Method: random weights, guarantees and demands; all ask, in random order, in small steps; whoever
// has enough stays quiet, and after a minute the others get what it held.
TEST(FairShareTest, AtExhaustionTheSharesAreWeightedMaxMin) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Chance chance(seed);
    constexpr std::int64_t kLimit = 100'000;
    constexpr std::int64_t kStep = 20;
    const auto count = static_cast<std::size_t>(2 + chance.some(5));
    std::vector<Share> shares(count);
    std::vector<ShareClaim> claims(count);
    for (std::size_t i = 0; i < count; ++i) {
      shares[i].weight = static_cast<std::uint32_t>(1 + chance.some(9));
      shares[i].guarantee = Money(chance.some(2) == 0 ? 0 : chance.some(kLimit / 7));
      claims[i].weight = shares[i].weight;
      claims[i].most = Money(kStep * (1 + chance.some(kLimit / kStep)));
      // What one does not want of its guarantee stays unused.
      claims[i].least = std::min(shares[i].guarantee, claims[i].most);
    }
    const auto ledger = ledger_of(family(Money(kLimit), shares));
    std::vector<Money> used(count);
    std::vector<Money> used_first(count);  // When the last one began to press.
    std::vector<bool> presses(count);
    Instant now = kNow;
    int refused_in_a_row = 0;
    for (; refused_in_a_row < 400; now += std::chrono::milliseconds(5)) {
      const std::size_t i = static_cast<std::size_t>(chance.some(static_cast<std::int64_t>(count)));
      const bool wants = used[i] < claims[i].most;
      if (wants && !presses[i] && used[i] + Money(kStep) > shares[i].guarantee) {
        presses[i] = true;
        used_first = used;
      }
      const bool takes_it = wants && takes(*ledger, i, Money(kStep), now);
      if (takes_it) used[i] += Money(kStep);
      refused_in_a_row = takes_it ? 0 : refused_in_a_row + 1;
      // The last minutes of the month: what is held and not used by then will not be.
      if (refused_in_a_row == 200) {
        now = std::max(instant_of("2026-11-30T23:50:00Z"), now + minutes(1));
      }
    }
    expect_conserves(*ledger, now);
    // Guarantees that are not wanted are not lent.
    Money capacity(kLimit);
    for (std::size_t i = 0; i < count; ++i) {
      capacity -= std::max(Money(), shares[i].guarantee - claims[i].most);
    }
    for (std::size_t i = 0; i < count; ++i) {
      claims[i].least = std::max(claims[i].least, used_first[i]);
    }
    std::vector<Money> fair(count);
    fair_shares(capacity, claims, fair);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_LE(std::abs((used[i] - fair[i]).count()), 15 * kStep)
          << i << ": " << used[i].count() << " " << fair[i].count();
    }
  }
}

// Goal: whatever is asked in whatever order, reloads and windows included: the parent is exceeded
// by 0, children hold together no more than there is and each at least its guarantee; what a child
// is guaranteed it gets; who may not borrow never does; and the books balance.
class Family {
 public:
  explicit Family(std::uint64_t seed) : chance_(seed) {
    Money left(1'000);
    for (std::size_t i = 0; i < 4; ++i) {
      Share share;
      share.weight = static_cast<std::uint32_t>(1 + chance_.some(5));
      share.guarantee = Money(chance_.some(left.count() / 2));
      share.borrow = chance_.some(4) != 0;
      left -= share.guarantee;
      shares_.push_back(share);
    }
    ledger_ = ledger_of(family(Money(1'000), shares_));
  }

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      const std::int64_t what = chance_.some(20);
      if (what == 0) {
        now_ += seconds(chance_.some(200));
      } else if (what == 1 && chance_.some(10) == 0) {
        now_ += std::chrono::hours(24 * 31);
      } else if (what == 2) {
        // Weights and who may borrow; guarantees stay, or what is lent could not all be kept.
        for (Share& share : shares_) {
          share.weight = static_cast<std::uint32_t>(1 + chance_.some(5));
          share.borrow |= chance_.some(4) != 0;
        }
        ASSERT_TRUE(ledger_->reload(family(Money(1'000), shares_), now_));
      } else if (what < 9 && !open_.empty()) {
        close();
      } else {
        reserve_some();
      }
      check();
    }
  }

  int admitted = 0;
  int refused = 0;

 private:
  struct Open {
    LedgerTicket ticket{};
    Money amount;
  };

  static std::string name(std::size_t i) { return std::to_string(i); }

  void reserve_some() {
    const std::size_t i = static_cast<std::size_t>(chance_.some(4));
    const Money amount(chance_.some(chance_.some(3) == 0 ? 300 : 40));
    const BudgetReport line = line_of(*ledger_, name(i).c_str(), "part", now_);
    const Money used = line.limit - line.free;
    const Reservation done = reserve(*ledger_, name(i).c_str(), amount, now_);
    const bool is_reserved = done.status == ReserveStatus::kReserved;
    if (used + amount <= shares_[i].guarantee) {
      ASSERT_TRUE(is_reserved) << "child " << i;
    }
    (is_reserved ? admitted : refused) += 1;
    if (is_reserved) open_.push_back({done.ticket, amount});
  }

  void close() {
    const auto which =
        static_cast<std::size_t>(chance_.some(static_cast<std::int64_t>(open_.size())));
    std::swap(open_[which], open_.back());
    ledger_->settle(open_.back().ticket, Money(chance_.some(open_.back().amount.count() + 1)),
                    now_);
    open_.pop_back();
  }

  void check() {
    expect_conserves(*ledger_, now_);
    ASSERT_GE(line_of(*ledger_, "a", "m", now_).free, Money());
    Money held;
    for (std::size_t i = 0; i < 4; ++i) {
      const BudgetReport line = line_of(*ledger_, name(i).c_str(), "part", now_);
      ASSERT_GE(line.free, Money());
      ASSERT_GE(line.limit, shares_[i].guarantee);
      if (!shares_[i].borrow) {
        ASSERT_EQ(line.limit, shares_[i].guarantee);
      }
      held += line.limit;
    }
    ASSERT_LE(held, Money(1'000));
  }

  Chance chance_;
  std::vector<Share> shares_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<Open> open_;
  Instant now_ = kNow;
};

TEST(FairShareTest, AGuaranteeIsNeverLent) {
  int admitted = 0;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 300 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Family one(seed);
    one.run(400);
    admitted += one.admitted;
    refused += one.refused;
  }
  EXPECT_GT(admitted, 10'000);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace fare
