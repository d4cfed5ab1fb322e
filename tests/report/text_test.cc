#include "report/text.h"

#include <gmock/gmock.h>

#include <sstream>

#include "report/format.h"
#include "report/json.h"
#include "study/fixture.h"
#include "study/report.h"

namespace routesim {
namespace {

using testing::HasSubstr;
using testing::Not;

Report small_report(nlohmann::json json, std::size_t policies) {
  const Scenario scenario = scenario_of(json);
  std::vector<const Variant*> variants;
  for (std::size_t i = 0; i < policies; ++i) variants.push_back(&scenario.variants[i]);
  std::atomic<std::uint64_t> progress{0};
  return study(scenario, variants, 1, progress);
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::size_t width = 0;
    for (const char c : line) width += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    longest = std::max(longest, width);
  }
  return longest;
}

TEST(TextTest, FitsATerminalOfEightyColumns) {
  EXPECT_LE(longest_line(to_text(small_report(small_scenario(), 2), {})), 80u);
  EXPECT_LE(longest_line(to_text(small_report(small_scenario(), 1), {})), 80u);
}

TEST(TextTest, ColoursOnlyWhereAsked) {
  const Report report = small_report(small_scenario(), 2);
  EXPECT_THAT(to_text(report, {}), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(to_text(report, {.colour = true}), HasSubstr("\x1b[1m"));
}

TEST(TextTest, SaysWhatIsNotPriced) {
  nlohmann::json json = small_scenario();
  // The price ends a minute into the run: requests that start later have none.
  json["extra_prices"][0]["models"][1]["prices"][0]["until"] = "2026-11-23T00:01:00Z";
  const Report report = small_report(json, 1);
  EXPECT_GT(report.policies[0].total.refusals(), 0u);
  EXPECT_THAT(to_text(report, {}), HasSubstr("refused (no_target)"));
}

TEST(TextTest, SaysWhatWasAssumed) {
  nlohmann::json json = small_scenario();
  json["assumptions"] = {"All models answer.", std::string(30, 'x') + " " + std::string(60, 'y')};
  const std::string text = to_text(small_report(json, 1), {});
  EXPECT_THAT(text, HasSubstr("\nAssumed\n  - All models answer.\n  - xxx"));
  EXPECT_LE(longest_line(text), 80u);
}

TEST(TextTest, AnswersFirst) {
  const Report report = small_report(small_scenario(), 2);
  EXPECT_EQ(to_text(report, {}).find(answer_text(report).substr(0, 20)), 0u);
  EXPECT_THAT(answer_text(report), HasSubstr("split costs $"));
  EXPECT_THAT(answer_text(report), HasSubstr("less than dear in 1 min 40 s"));
}

TEST(TextTest, SaysWhyNobodyElseWasAsked) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][0]["failure_share"] = 1;
  nlohmann::json& policy = json["policies"][1]["policy"];
  policy["retry"] = {{"per_1000", 0}, {"saved_max", 1}};
  policy["health"] = {{"failures_max", 1'000'000}, {"attempts_min", 1'000'000}};
  const Report report = small_report(json, 2);
  EXPECT_THAT(to_text(report, {}), HasSubstr("further attempts were held back (no_retries_left)"));
}

TEST(FormatTest, RoundingIsNoSpread) {
  EXPECT_EQ(interval_text(Metric::kCostPerAnswer, {.mean = 0.0015, .half_width = 3e-19}), "± 0");
  EXPECT_EQ(interval_text(Metric::kCostPerAnswer, {.mean = 0.0015, .half_width = 3e-9}),
            "± $0.00000000300");
  EXPECT_EQ(interval_text(Metric::kCost, {.mean = 0, .half_width = 2}), "± $2.00");
}

TEST(FormatTest, NothingThatCostsLooksFree) {
  EXPECT_EQ(dollars_text(fare::Cost(0)), "$0.00");
  EXPECT_EQ(dollars_text(fare::Cost(1)), "$0.000000000001");
  EXPECT_EQ(dollars_text(fare::parse_usd("0.0008").value()), "$0.000800");
  EXPECT_EQ(dollars_text(fare::parse_usd("1234567.895").value()), "$1,234,567.90");
  EXPECT_EQ(dollars_text(fare::parse_usd("-0.004").value()), "-$0.00400");
  EXPECT_EQ(dollars_text(-1234.5), "-$1,234.50");
}

TEST(FormatTest, SpansReadAsPeopleSayThem) {
  EXPECT_EQ(span_text(std::chrono::hours(24)), "24 h");
  EXPECT_EQ(span_text(std::chrono::seconds(3'502)), "58 min 22 s");
  EXPECT_EQ(span_text(std::chrono::minutes(90)), "1 h 30 min");
  EXPECT_EQ(span_text(std::chrono::seconds(0)), "0 s");
}

TEST(CsvTest, HoldsEveryDollarOnceInEachGrouping) {
  const Report report = small_report(small_scenario(), 2);
  std::istringstream lines(to_csv(report));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "policy,group,name,meter,requests,tokens,usd");
  std::map<std::string, fare::Cost> sums;
  while (std::getline(lines, line)) {
    const std::string key = line.substr(0, line.find(',', line.find(',') + 1));
    sums[key] += fare::parse_usd(line.substr(line.rfind(',') + 1)).value();
  }
  EXPECT_EQ(sums.size(), 6u);
  for (const PolicyReport& policy : report.policies) {
    for (const char* group : {",model", ",class", ",tenant"}) {
      EXPECT_EQ(sums[policy.name + group], policy.total.cost) << group;
    }
  }
}

}  // namespace
}  // namespace routesim
