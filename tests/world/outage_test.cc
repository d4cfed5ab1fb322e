// Goal: outages come when they are planned, or as often and as long as they are drawn.

#include "world/outage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace routesim {
namespace {

using fare::Duration;
using std::chrono::seconds;

fare::RandomStream luck(std::uint64_t entity) {
  return {fare::RandomKey(1, 0, fare::Purpose::kOutage), entity};
}

TEST(OutageTest, IsDownFromItsBeginningToBeforeItsEnd) {
  const OutagePlan plan{.from = seconds(10), .until = seconds(20), .up_s = {}, .down_s = {}};
  Outages outages;
  outages.add(plan, luck(0));
  EXPECT_FALSE(outages.is_down(Duration(0)));
  EXPECT_EQ(outages.next_start(Duration(0)), seconds(10));
  EXPECT_TRUE(outages.is_down(seconds(10)));
  EXPECT_TRUE(outages.is_down(seconds(20) - Duration(1)));
  EXPECT_FALSE(outages.is_down(seconds(20)));
  EXPECT_EQ(outages.next_start(seconds(20)), kNever);
}

TEST(OutageTest, AnEmptyOneIsNone) {
  const OutagePlan plan{.from = seconds(10), .until = seconds(10), .up_s = {}, .down_s = {}};
  Outages outages;
  outages.add(plan, luck(0));
  EXPECT_EQ(outages.next_start(Duration(0)), kNever);
  EXPECT_FALSE(outages.is_down(seconds(10)));
}

TEST(OutageTest, NothingPlannedIsNeverDown) {
  Outages outages;
  EXPECT_FALSE(outages.is_down(seconds(1)));
  EXPECT_EQ(outages.next_start(seconds(1)), kNever);
}

// Goal: over a long time it is down E[down] / (E[up] + E[down]) of it, and whether one looks often
// or seldom makes no difference.
TEST(OutageTest, DrawnOnesTakeTheirShareHoweverOftenOneLooks) {
  const OutagePlan plan{.drawn = true,
                        .up_s = Distribution::exponential(300),
                        .down_s = Distribution::exponential(100)};
  Outages often;
  Outages seldom;
  often.add(plan, luck(7));
  seldom.add(plan, luck(7));
  constexpr int kSeconds = 4'000'000;  // 10,000 outages.
  int down = 0;
  for (int s = 0; s < kSeconds; s += 5) {
    const bool now = often.is_down(seconds(s));
    down += now ? 5 : 0;
    if (s % 1'000 == 0) {
      ASSERT_EQ(seldom.is_down(seconds(s)), now);
    }
  }
  // A cycle's share has a standard deviation of about 0.27 of a cycle; four errors of 10,000
  // cycles.
  EXPECT_NEAR(static_cast<double>(down) / kSeconds, 0.25, 4 * 0.27 / std::sqrt(10'000));
}

TEST(OutageTest, NextStartIsWhenItNextGoesDown) {
  const OutagePlan planned{.from = seconds(500), .until = seconds(600), .up_s = {}, .down_s = {}};
  const OutagePlan drawn{
      .drawn = true, .up_s = Distribution::constant(200), .down_s = Distribution::constant(50)};
  Outages outages;
  outages.add(planned, luck(0));
  outages.add(drawn, luck(1));
  EXPECT_EQ(outages.next_start(seconds(0)), seconds(200));
  EXPECT_TRUE(outages.is_down(seconds(249)));
  EXPECT_EQ(outages.next_start(seconds(250)), seconds(450));
  EXPECT_TRUE(outages.is_down(seconds(500)));
  EXPECT_TRUE(outages.is_down(seconds(599)));
  EXPECT_EQ(outages.next_start(seconds(600)), seconds(700));
}

TEST(OutageTest, OnesThatNeverEndAreNoHang) {
  const OutagePlan plan{
      .drawn = true, .up_s = Distribution::constant(1), .down_s = Distribution::constant(1e15)};
  Outages outages;
  outages.add(plan, luck(0));
  EXPECT_EQ(outages.next_start(seconds(0)), seconds(1));
  EXPECT_TRUE(outages.is_down(seconds(3'000'000'000)));
}

}  // namespace
}  // namespace routesim
