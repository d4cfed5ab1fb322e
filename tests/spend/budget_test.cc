#include "fare/budget.h"

#include <gtest/gtest.h>

#include <string>

namespace fare {
namespace {

const char* const kGood = R"({"format": "fare-budgets/1", "name": "acme",
  "on_expiry": "charge_counted", "on_abort": "drain", "attempt_usd_max": "0.75", "attempts_max": 3,
  "scopes": [
    {"id": "acme", "kind": "org", "budgets": [
      {"id": "month", "limit_usd": "10000.000000001", "mode": "expected", "soft_percent": [50, 80],
       "window": {"kind": "month", "zone": "Europe/Berlin", "first_day": 26,
                  "time_of_day": "06:30"},
       "carry_over_usd_max": "500", "keep_debt": false,
       "raises": [{"usd": "2000", "from": "2026-12-01T00:00:00Z",
                   "until": "2027-01-01T00:00:00Z"}]}]},
    {"id": "user:*", "kind": "user", "parent": "acme", "budgets": [
      {"id": "hour", "limit_usd": "5", "window": {"kind": "rolling", "length_s": 3600}}]}]})";

std::string messages(const Expected<BudgetConfig>& config) {
  return config ? "" : to_text(config.error());
}

TEST(BudgetTest, ReadsEverything) {
  const Expected<BudgetConfig> config = parse_budgets("b.json", kGood);
  ASSERT_TRUE(config) << messages(config);
  EXPECT_EQ(config->on_expiry, ExpiryPolicy::kChargeCounted);
  EXPECT_EQ(config->on_abort, AbortPolicy::kDrain);
  EXPECT_EQ(config->attempt_max, Money(750'000'000));
  ASSERT_EQ(config->scopes.size(), 2u);
  const Budget& month = config->scopes[0].budgets[0];
  EXPECT_EQ(month.limit, Money(10'000'000'000'001));
  EXPECT_EQ(month.mode, BudgetMode::kExpected);
  EXPECT_EQ(month.window.first_day, 26);
  EXPECT_EQ(month.window.time_of_day, std::chrono::minutes(390));
  EXPECT_EQ(month.carry_over_max, Money(500'000'000'000));
  EXPECT_FALSE(month.keep_debt);
  EXPECT_EQ(month.raises[0].amount, Money(2'000'000'000'000));
  EXPECT_EQ(config->scopes[1].budgets[0].window.length, std::chrono::hours(1));
  EXPECT_TRUE(check(*config).empty());
}

// One file with a problem of every sort: all are said at once, each with its place.
TEST(BudgetTest, SaysEverythingThatIsWrong) {
  const char* const text = R"({"format": "fare-budgets/1", "name": "n", "onexpiry": 1, "scopes": [
    {"id": "a", "kind": "team", "parent": "b", "budgets": [
      {"id": "x", "limit_usd": "1.0000000001", "window": {"kind": "month", "zone": "Europe/Belin"}},
      {"id": "x", "limit_usd": "-1", "window": {"kind": "rolling", "length_s": 60, "zone": "UTC"},
       "carry_over_usd_max": "1", "soft_percent": [80, 50]}]},
    {"id": "b", "kind": "team", "parent": "a"},
    {"id": "a", "kind": "boss"},
    {"id": "c", "kind": "tag", "parent": "a"},
    {"id": "d", "kind": "user", "parent": "bb", "budgets": [
      {"id": "y", "limit_usd": "1", "window": {"kind": "day", "zone": "UTC",
       "time_of_day": "24:00"},
       "raises": [{"usd": "1", "from": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}]},
      {"id": "z", "limit_usd": "1", "window": {"kind": "absolute", "from": "2026-01-01T00:00:00Z",
       "until": "2025-01-01T00:00:00Z"}}]}]})";
  const Expected<BudgetConfig> config = parse_budgets("b.json", text);
  ASSERT_FALSE(config);
  const std::string all = messages(config);
  for (const char* expected :
       {"b.json#/onexpiry: is not a known key; did you mean \"on_expiry\"?",
        "b.json#/scopes/0/budgets/0/limit_usd: must be from 0 to a billion dollars with at most "
        "nine",
        "b.json#/scopes/0/budgets/1/limit_usd: must be from 0",
        "b.json#/scopes/0/budgets/1/window/zone: is not a known key",
        "#/scopes/2/kind: ", "b.json#/scopes/4/budgets/0/window/time_of_day: "}) {
    EXPECT_NE(all.find(expected), std::string::npos) << expected << "\n" << all;
  }
}

const char* const kShared = R"({"format": "fare-budgets/1", "name": "shared", "scopes": [
    {"id": "org", "kind": "org", "budgets": [
      {"id": "month", "limit_usd": "1000", "window": {"kind": "month", "zone": "UTC"}},
      {"id": "hour", "limit_usd": "50", "window": {"kind": "rolling", "length_s": 3600}}]},
    {"id": "a", "kind": "team", "parent": "org", "budgets": [
      {"id": "part", "limit_usd": "1000", "window": {"kind": "month", "zone": "UTC"},
       "share": {"of": "month", "weight": 3, "guarantee_usd": "400.5", "borrow": false}}]},
    {"id": "b:*", "kind": "user", "parent": "org", "budgets": [
      {"id": "part", "limit_usd": "700", "window": {"kind": "month", "zone": "UTC"},
       "share": {"of": "month"}}]}]})";

TEST(BudgetTest, ReadsShares) {
  const Expected<BudgetConfig> config = parse_budgets("b.json", kShared);
  ASSERT_TRUE(config) << messages(config);
  EXPECT_EQ(config->scopes[1].budgets[0].share, (Share{"month", 3, Money(400'500'000'000), false}));
  EXPECT_EQ(config->scopes[2].budgets[0].share, (Share{"month", 1, Money(), true}));
  EXPECT_FALSE(config->scopes[0].budgets[0].share);
  EXPECT_TRUE(check(*config).empty());
}

// Each problem of a share once, from a change to a configuration that has none.
TEST(BudgetTest, SaysWhatAShareCannotBe) {
  const auto problem = [](auto change) {
    BudgetConfig config = *parse_budgets("b.json", kShared);
    change(config.scopes[1].budgets[0], config);
    return to_text(validate(config, "b.json"));
  };
  using Config = BudgetConfig;
  const char* const at = "b.json#/scopes/1/budgets/0/share";
  const auto expect = [&](const std::string& where, const char* what, auto change) {
    const std::string all = problem(change);
    EXPECT_NE(all.find(where + ": " + what), std::string::npos) << where << what << "\n" << all;
  };
  EXPECT_EQ(problem([](Budget&, Config&) {}), "");
  expect(at, "must have a weight", [](Budget& b, Config&) { b.share->weight = 0; });
  expect(at, "must have a weight", [](Budget& b, Config&) { b.share->guarantee = Money(-1); });
  expect(std::string(at) + "/of", "\"moth\" is not a budget of \"org\"",
         [](Budget& b, Config&) { b.share->of = "moth"; });
  expect(std::string(at) + "/of", "org/month has another window or mode than a/part",
         [](Budget& b, Config&) { b.window.kind = WindowKind::kDay; });
  expect(std::string(at) + "/of", "org/month has another window or mode",
         [](Budget& b, Config&) { b.mode = BudgetMode::kExpected; });
  expect(std::string(at) + "/of", "needs a parent scope",
         [](Budget&, Config& c) { c.scopes[1].parent.clear(); });
  expect(std::string(at) + "/of", "\"a\" has two shares of \"month\"", [](Budget& b, Config& c) {
    Budget two = b;
    two.id = "two";
    c.scopes[1].budgets.push_back(two);
  });
  expect(at, "cannot be of a rolling", [](Budget& b, Config& c) {
    b.share->of = "hour";
    b.window = c.scopes[0].budgets[1].window;
  });
  expect(at, "cannot be of a rolling", [](Budget& b, Config&) { b.carry_over_max = Money(1); });
  expect("b.json#/scopes/2/budgets/0/share/guarantee_usd", "must be 0: a template",
         [](Budget&, Config& c) { c.scopes[2].budgets[0].share->guarantee = Money(1); });
}

TEST(BudgetTest, SaysEverythingThatCannotBeLoaded) {
  BudgetConfig config = *parse_budgets("b.json", kGood);
  Budget bad = config.scopes[1].budgets[0];
  bad.carry_over_max = Money(1);
  bad.soft_percent = {80, 80};
  bad.window.zone = "Europe/Belin";
  bad.raises = {{Money(1), Instant(Duration(5)), Instant(std::chrono::seconds(9))}};
  Budget unzoned = config.scopes[0].budgets[0];
  unzoned.window.zone = "Europe/Belin";
  config.scopes.push_back({"t1", ScopeKind::kTeam, "t2", {bad, bad, unzoned}});
  config.scopes.push_back({"t2", ScopeKind::kTeam, "t1", {}});
  config.scopes.push_back({"acme", ScopeKind::kTag, "acm", {}});
  config.scopes.push_back({"k", ScopeKind::kKey, "user:*", {}});
  const std::string all = to_text(validate(config, "b.json"));
  for (const char* expected :
       {"b.json#/scopes/4/id: \"acme\" stands twice",
        "b.json#/scopes/4/parent: \"acm\" is not a scope of this file; did you mean \"acme\"?",
        "b.json#/scopes/5/parent: is a template", "b.json#/scopes/2/parent: a team cannot be under",
        "b.json#/scopes/2/parent: \"t1\" is its own ancestor",
        "b.json#/scopes/2/budgets/1/id: \"hour\" stands twice",
        "b.json#/scopes/2/budgets/0/carry_over_usd_max: a window of kind \"rolling\" has no next",
        "b.json#/scopes/2/budgets/0/soft_percent: must be", "b.json#/scopes/2/budgets/0/raises/0: ",
        "b.json#/scopes/2/budgets/2/window/zone: zone must be an IANA time zone"}) {
    EXPECT_NE(all.find(expected), std::string::npos) << expected << "\n" << all;
  }
}

// Each finding once, from a change to a configuration that has none.
TEST(BudgetTest, FindsWhatWillHardlyBeMeant) {
  const auto found = [](auto change) {
    BudgetConfig config = *parse_budgets("b.json", kGood);
    change(config);
    EXPECT_TRUE(validate(config, "").empty()) << to_text(validate(config, ""));
    std::string text;
    for (const BudgetFinding& finding : check(config)) {
      text += finding.code + " " + finding.where + "|";
    }
    return text;
  };
  using Config = BudgetConfig;
  EXPECT_EQ(found([](Config&) {}), "");
  EXPECT_EQ(found([](Config& c) {
              c.scopes[0].budgets[0].raises.clear();
              c.scopes[0].budgets[0].carry_over_max = Money();
              c.scopes[0].budgets[0].limit = Money(4'000'000'000);
            }),
            "child_above_parent /scopes/1/budgets/0|");
  EXPECT_EQ(
      found([](Config& c) { c.scopes[1].budgets[0].window = {.kind = WindowKind::kAbsolute}; }),
      "never_resets /scopes/1/budgets/0|");
  EXPECT_EQ(found([](Config& c) { c.scopes[1].budgets[0].limit = Money(); }),
            "zero_limit /scopes/1/budgets/0|");
  EXPECT_EQ(found([](Config& c) { c.attempts_max = 7; }),
            "request_above_limit /scopes/1/budgets/0|");
  EXPECT_EQ(found([](Config& c) {
              c.scopes[0].budgets[0].mode = BudgetMode::kObserve;
              c.scopes[1].budgets.clear();
            }),
            "unlimited_scope /scopes/0|unlimited_scope /scopes/1|");
  const auto found_shared = [&found](auto change) {
    return found([&](Config& c) {
      c = *parse_budgets("b.json", kShared);
      change(c);
    });
  };
  EXPECT_EQ(found_shared([](Config& c) { c.scopes[0].budgets[0].limit = Money(400'000'000'000); }),
            "guarantees_above_parent /scopes/0/budgets/0|child_above_parent /scopes/1/budgets/0|"
            "child_above_parent /scopes/2/budgets/0|");
  EXPECT_EQ(found_shared([](Config& c) { c.scopes[1].budgets[0].limit = Money(1); }),
            "guarantee_above_limit /scopes/1/budgets/0|");
  EXPECT_EQ(found_shared([](Config& c) { c.scopes[1].budgets[0].share->guarantee = Money(); }),
            "empty_share /scopes/1/budgets/0|");
  EXPECT_EQ(found_shared([](Config& c) { c.attempt_max = Money(401'000'000'000); }),
            "request_above_limit /scopes/0/budgets/1|request_above_limit /scopes/1/budgets/0|");
  EXPECT_EQ(found_shared([](Config& c) { c.scopes[2].budgets[0].share.reset(); }),
            "unshared_child /scopes/2|");
  EXPECT_EQ(found([](Config& c) { c.on_expiry = ExpiryPolicy::kRelease; }),
            "release_breaks_strict /scopes/1/budgets/0|");
  EXPECT_EQ(found([](Config& c) {
              c.scopes[1].budgets[0].window = {.kind = WindowKind::kAbsolute,
                                               .from = Instant(std::chrono::days(20'000)),
                                               .until = Instant(std::chrono::days(20'001))};
              c.scopes[1].budgets[0].raises = c.scopes[0].budgets[0].raises;
            }),
            "raise_never_holds /scopes/1/budgets/0/raises/0|");
}

}  // namespace
}  // namespace fare
