#include "fare/contract.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fare/account.h"

namespace fare {
namespace {

using Json = nlohmann::json;

Instant at(std::string_view text) { return parse_instant(text).value(); }
Cost usd(std::string_view text) { return parse_usd(text).value(); }

constexpr std::string_view kContract = R"({
  "format": "fare-contract/1", "name": "acme 2026", "adjustments": [
    {"percent": "-10", "provider": "v"},
    {"percent": "-12.5", "provider": "v", "model": "m", "meters": ["output"],
     "from": "2026-02-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
    {"provider": "v", "model": "half", "usd_per_mtok": {"input": "2"}},
    {"provider": "v", "model": "rest", "usd_per_mtok": {"input": "2"}, "others": "list"}]})";

class ContractTest : public testing::Test {
 protected:
  // A list charge of 1,000,000 input tokens at $1 and 3 output tokens at $0.000005 a million.
  static Charge listed() {
    Charge charge;
    charge.status = PriceStatus::kPriced;
    for (const auto& [meter, count, rate] :
         {std::tuple(Meter::kInput, 1'000'000, 1'000'000), std::tuple(Meter::kOutput, 3, 5)}) {
      const Cost cost = Rate(rate) * Tokens(count);
      charge.lines.push_back({meter, Tokens(count), Rate(rate), 1, cost, true});
      charge.total += cost;
    }
    return charge;
  }

  Charge applied(std::string_view provider, std::string_view model, std::string_view when,
                 const Charge& list = listed()) const {
    ModelFacts facts;
    facts.provider = provider;
    facts.model = model;
    return contract_.apply(facts, list, at(when));
  }

  Contract contract_ = Contract::parse("c.json", kContract).value();
};

TEST_F(ContractTest, TakesAPercentageOffEachLineExactly) {
  const Charge charge = applied("v", "other", "2026-01-01T00:00:00Z");
  EXPECT_EQ(charge.lines[0].cost, usd("0.9"));
  EXPECT_EQ(charge.lines[1].cost, Cost(14)) << "13.5 picodollars, half to even";
  EXPECT_EQ(to_usd_per_mtok(charge.lines[1].rate, charge.lines[1].parts), "0.0000045");
  EXPECT_EQ(charge.total, usd("0.9") + Cost(14));
  EXPECT_EQ(charge.status, PriceStatus::kPriced);
  EXPECT_EQ(applied("w", "other", "2026-01-01T00:00:00Z").total, listed().total) << "another's";
}

TEST_F(ContractTest, TheLastAdjustmentThatFitsDecides) {
  const auto output = [this](std::string_view when) {
    return static_cast<int>(applied("v", "m", when).lines[1].cost.count());
  };
  EXPECT_EQ(output("2026-01-31T23:59:59.999999999Z"), 14);
  EXPECT_EQ(output("2026-02-01T00:00:00Z"), 13) << "15 - 12.5 % is 13.125";
  EXPECT_EQ(output("2026-02-28T23:59:59.999999999Z"), 13);
  EXPECT_EQ(output("2026-03-01T00:00:00Z"), 14);
  EXPECT_EQ(applied("v", "m", "2026-02-01T00:00:00Z").lines[0].cost, usd("0.9"));
}

TEST_F(ContractTest, HalfADealIsNoPriceUnlessTheRestIsSaidToBeAtList) {
  const Charge half = applied("v", "half", "2026-01-01T00:00:00Z");
  EXPECT_EQ(half.status, PriceStatus::kPartiallyPriced);
  EXPECT_EQ(half.total, usd("2"));
  EXPECT_FALSE(half.lines[1].priced);
  const Charge rest = applied("v", "rest", "2026-01-01T00:00:00Z");
  EXPECT_EQ(rest.status, PriceStatus::kPriced);
  EXPECT_EQ(rest.total, usd("2") + Cost(14)) << "what is at list has the general discount";
}

TEST_F(ContractTest, WhatHasNoRowStaysUnpriced) {
  Charge none = listed();
  none.gap = PriceGap::kNoRow;
  none.status = PriceStatus::kUnpriced;
  for (CostLine& line : none.lines) line.priced = false;
  EXPECT_EQ(applied("v", "m", "2026-01-01T00:00:00Z", none).status, PriceStatus::kUnpriced);
}

TEST_F(ContractTest, EverythingWrongIsSaid) {
  const struct {
    const char* path;
    Json value;
    const char* said;
  } cases[] = {
      {"/adjustments/0/percent", "-100.001", "from -100 to 1000"},
      {"/adjustments/0/percent", "1.0001", "with at most 3 decimals"},
      {"/adjustments/0/percent", -10, "must be a text"},
      {"/adjustments/0/usd_per_mtok", {{"input", "1"}}, "needs either \"percent\" or prices"},
      {"/adjustments/1/meters/0", "outputs", "must be the name of a meter"},
      {"/adjustments/1/until", "2026-02-01T00:00:00Z", "\"until\" must be after \"from\""},
      {"/adjustments/2/meters", {"input"}, "prices name their meters"},
      {"/adjustments/2/model", nullptr, "must be a text"},
      {"/adjustments/3/others", "free", "others: must be"},
      {"/discount", 1, "is not a known key"},
  };
  for (const auto& test : cases) {
    Json file = Json::parse(kContract);
    file[Json::json_pointer(test.path)] = test.value;
    const Expected<Contract> contract = Contract::parse("c.json", file.dump());
    ASSERT_FALSE(contract) << test.path;
    EXPECT_NE(to_text(contract.error()).find(test.said), std::string::npos)
        << to_text(contract.error());
  }
}

TEST(AccountTest, UsesCreditsThenCommitmentsInTheOrderTheyEnd) {
  Account account({{"late", usd("5"), at("2026-01-01T00:00:00Z"), at("2026-12-01T00:00:00Z")},
                   {"early", usd("3"), at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")}},
                  {{"year", usd("10"), at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")}});
  const Payment first = account.pay(usd("2"), at("2026-01-15T00:00:00Z"));
  EXPECT_EQ(first.credited, usd("2"));
  EXPECT_EQ(account.credit_left(at("2026-01-15T00:00:00Z")), usd("6"));
  EXPECT_EQ(account.credit_left(at("2026-02-01T00:00:00Z")), usd("5")) << "one dollar expired";
  const Payment second = account.pay(usd("9"), at("2026-02-01T00:00:00Z"));
  EXPECT_EQ(second.credited, usd("5"));
  EXPECT_EQ(second.committed, usd("4"));
  EXPECT_EQ(second.billed, Cost());
  const Payment third = account.pay(usd("7.000000000001"), at("2026-06-01T00:00:00Z"));
  EXPECT_EQ(third.committed, usd("6"));
  EXPECT_EQ(third.billed, usd("1.000000000001"));
  const Settling end = account.settled(at("2027-01-01T00:00:00Z"));
  EXPECT_EQ(end.credited, usd("7"));
  EXPECT_EQ(end.expired, usd("1"));
  EXPECT_EQ(end.committed, usd("10"));
  EXPECT_EQ(end.shortfall, Cost());
  EXPECT_EQ(end.billed, usd("1.000000000001"));
}

TEST(AccountTest, WhatWasPromisedAndNotSpentIsDueAtTheEnd) {
  Account account({}, {{"q1", usd("10"), at("2026-01-01T00:00:00Z"), at("2026-04-01T00:00:00Z")}});
  account.pay(usd("4"), at("2026-03-31T23:59:59.999999999Z"));
  EXPECT_EQ(account.pay(usd("1"), at("2026-04-01T00:00:00Z")).billed, usd("1"));
  EXPECT_EQ(account.settled(at("2026-03-31T23:59:59.999999999Z")).shortfall, Cost());
  EXPECT_EQ(account.settled(at("2026-04-01T00:00:00Z")).shortfall, usd("6"));
}

TEST(ReservedCapacityTest, CostsByTheHourUsedOrNot) {
  const ReservedCapacity ptu{.name = "ptu",
                             .units = 50,
                             .usd_per_hour = usd("1.1"),
                             .from = at("2026-01-01T00:00:00Z"),
                             .until = at("2026-02-01T00:00:00Z")};
  EXPECT_EQ(reserved_cost(ptu, at("2025-12-01T00:00:00Z"), at("2026-03-01T00:00:00Z")),
            usd("40920"))
      << "31 days";
  EXPECT_EQ(reserved_cost(ptu, at("2026-01-01T00:00:00Z"), at("2026-01-01T00:30:00Z")),
            usd("27.5"));
  EXPECT_EQ(reserved_cost(ptu, at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z")), Cost());
  // 55 dollars an hour are 15.2777... picodollars a nanosecond.
  EXPECT_EQ(reserved_cost(ptu, at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00.000000001Z")),
            Cost(15));
  EXPECT_EQ(reserved_cost(ptu, at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00.000000009Z")),
            Cost(138))
      << "137.5, half to even";
}

}  // namespace
}  // namespace fare
