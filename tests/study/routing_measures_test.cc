// Goal: APGR, CPT and AIQ are what the papers define.
// Method: closed forms, and a slow model that draws the order of ties at random.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "study/cost_front.h"
#include "study/csv_text.h"
#include "study/deferral.h"
#include "study/perturb.h"

namespace routesim {
namespace {

TEST(DeferralTest, AKnownOrderHasAKnownArea) {
  // Strong wins on one of four and ties on three; the score puts the win first, then all at once.
  const std::vector<PairOutcome> rows = {{0, 1, 9}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}};
  const Deferral best = deferral(rows);
  EXPECT_NEAR(best.apgr, 0.25 / 2 + 0.75, 1e-12);
  EXPECT_NEAR(best.cpt50, 0.125, 1e-12);
  EXPECT_NEAR(best.cpt80, 0.2, 1e-12);
  const std::vector<PairOutcome> tied = {{0, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}};
  EXPECT_NEAR(deferral(tied).apgr, 0.5, 1e-12);
  EXPECT_NEAR(deferral(tied).cpt80, 0.8, 1e-12);
}

TEST(DeferralTest, TiesAreWorthTheMeanOverTheirOrders) {
  const fare::RandomKey key(1, 0, fare::Purpose::kTest);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    fare::RandomStream stream(key, seed);
    std::vector<PairOutcome> rows;
    for (int i = 0; i < 40; ++i) {
      rows.push_back(
          {static_cast<double>(stream.below(2)), 1, static_cast<double>(stream.below(4))});
    }
    double sum = 0;
    constexpr int kDraws = 4'000;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::vector<PairOutcome> broken = rows;
      for (PairOutcome& row : broken) row.score += 0.5 * stream.uniform();
      sum += deferral(broken).apgr;
    }
    EXPECT_NEAR(deferral(rows).apgr, sum / kDraws, 0.01) << "seed=" << seed;
  }
}

TEST(DeferralTest, NoGapIsNothingToRecover) {
  const std::vector<PairOutcome> rows = {{1, 0, 1}, {1, 1, 0}};
  EXPECT_EQ(deferral(rows).apgr, 0);
  EXPECT_EQ(deferral(rows).cpt50, 1);
}

std::vector<MenuRow> menu(bool sees) {
  std::vector<MenuRow> rows;
  for (int i = 0; i < 10; ++i) {
    const double easy = i < 5 ? 1 : 0;
    const std::vector<double> quality = {easy, 1}, dollars = {1, 11};
    rows.push_back({quality, dollars, sees ? quality : std::vector<double>{0.5, 1}, dollars});
  }
  return rows;
}

TEST(CostFrontTest, TheZeroRouterIsALineBetweenTargets) {
  const auto rows = menu(false);
  const CostFront zero = cost_front(rows, single_targets(rows), {});
  EXPECT_NEAR(zero.aiq, 0.75, 1e-12);
  EXPECT_NEAR(zero.aiq_published, 10.0 / 11 * 0.75, 1e-12);
  EXPECT_NEAR(zero.cost_at_95, 10.0 / 11, 1e-12);
  // One that sees nothing does no better.
  EXPECT_NEAR(cost_front(rows, sweep(rows), {}).aiq, 0.75, 1e-12);
}

TEST(CostFrontTest, WhoSeesWhatIsEasyPaysForTheRestOnly) {
  const auto rows = menu(true);
  const CostFront front = cost_front(rows, sweep(rows), {});
  // From (1, 0.5) to (6, 1), then flat to 11.
  EXPECT_NEAR(front.aiq, (0.75 * 5 + 5) / 10, 1e-12);
  EXPECT_NEAR(front.cost_at_95, 5.5 / 11, 1e-12);
}

TEST(CostFrontTest, WhatMixingBeatsIsNoPartOfTheHull) {
  const std::vector<double> quality = {0.1, 0.12, 1}, dollars = {1, 2, 11};
  const std::vector<MenuRow> rows = {{quality, dollars, quality, dollars}};
  const CostFront front = cost_front(rows, single_targets(rows), {});
  EXPECT_EQ(front.hull.size(), 2u);
  EXPECT_NEAR(front.aiq, 0.55, 1e-12);
}

TEST(CostFrontTest, WeightsCountRowsAgain) {
  const auto rows = menu(true);
  const std::vector<std::uint32_t> only_easy = {2, 2, 2, 2, 2, 0, 0, 0, 0, 0};
  EXPECT_NEAR(cost_front(rows, sweep(rows), only_easy).aiq, 1, 1e-12);
}

TEST(CsvTextTest, ReadsQuotesOverLines) {
  CsvText csv("a,b\n\"x, \"\"y\"\"\nz\",2\r\nlast,");
  std::vector<std::string> row;
  ASSERT_TRUE(csv.next(row));
  EXPECT_EQ(row, (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(csv.next(row));
  EXPECT_EQ(row, (std::vector<std::string>{"x, \"y\"\nz", "2"}));
  EXPECT_EQ(csv.line(), 2u);
  ASSERT_TRUE(csv.next(row));
  EXPECT_EQ(csv.line(), 4u);
  EXPECT_EQ(row, (std::vector<std::string>{"last", ""}));
  EXPECT_FALSE(csv.next(row));
}

TEST(CsvTextTest, ReadsPythonLists) {
  EXPECT_EQ(python_strings(R"(['a\n\'b', "c\u00e9 \x41", ''])"),
            (std::vector<std::string>{"a\n'b", "c\xc3\xa9 A", ""}));
  EXPECT_EQ(python_strings("[]"), std::vector<std::string>());
  for (const char* bad : {"", "['a'", "['a", "[a]", "'a'"})
    EXPECT_FALSE(python_strings(bad)) << bad;
}

TEST(PerturbTest, AsksTheSameInOtherWords) {
  const auto again = perturbed("What is eventual consistency?");
  EXPECT_GE(again.size(), 6u);
  EXPECT_NE(std::find(again.begin(), again.end(), "What's eventual consistency?"), again.end());
  EXPECT_NE(std::find(again.begin(), again.end(), "what is eventual consistency?"), again.end());
  for (const std::string& one : perturbed("证明 它。")) EXPECT_EQ(one.find("Please"), one.npos);
  EXPECT_TRUE(perturbed("").empty());
}

}  // namespace
}  // namespace routesim
