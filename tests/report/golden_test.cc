// Goal: the shipped scenarios give the same bytes in every build and for ever.
// Method: their JSON and text against tests/golden/.  UPDATE_GOLDEN=1 rewrites the files; the diff
// is then to be read.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "report/json.h"
#include "report/text.h"
#include "study/fixture.h"
#include "study/report.h"

namespace routesim {
namespace {

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = source_path("tests/golden/" + name);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  const fare::Expected<std::string> golden = read_file(path);
  ASSERT_TRUE(golden) << fare::to_text(golden.error());
  EXPECT_EQ(text, *golden) << "UPDATE_GOLDEN=1 rewrites it";
}

const Variant& variant_of(const Scenario& scenario, const std::string& name) {
  for (const Variant& variant : scenario.variants) {
    if (variant.name == name) return variant;
  }
  ADD_FAILURE() << name;
  return scenario.variants.front();
}

Report report_of(const std::string& scenario_name, const std::vector<std::string>& names,
                 std::uint32_t replications) {
  const auto scenario = load_scenario(source_path("scenarios/" + scenario_name + ".json"),
                                      {.replications = replications});
  EXPECT_TRUE(scenario);
  std::vector<const Variant*> variants;
  for (const std::string& name : names) variants.push_back(&variant_of(*scenario, name));
  std::atomic<std::uint64_t> progress{0};
  return study(*scenario, variants, 2, progress);
}

// The figures of README and issue, beside the golden file: they must not change with it.
TEST(GoldenTest, TheArticleCostsWhatTheArithmeticSays) {
  const struct {
    std::string policy;
    std::string usd;
    std::string difference;
    double relative;
  } cases[] = {{"tiered", "648", "148", 0.296}, {"tiered_cached", "388.8", "-111.2", -0.2224}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.policy);
    const Report report = report_of("article_costs", {"average", one.policy}, 1);
    EXPECT_EQ(fare::to_usd(report.policies[0].total.cost), "500");
    EXPECT_EQ(fare::to_usd(report.policies[1].total.cost), one.usd);
    EXPECT_EQ(fare::to_usd(report.comparison->cost_difference_mean), one.difference);
    EXPECT_DOUBLE_EQ(report.comparison->relative_cost->mean, one.relative);
    expect_golden("article_costs_" + one.policy + ".json", to_json(report));
    expect_golden("article_costs_" + one.policy + ".txt", to_text(report, {}));
  }
}

TEST(GoldenTest, AConversationDayIsTheSameDayEverywhere) {
  const Report report = report_of("conversation_day", {"one_model", "tiered"}, 2);
  expect_golden("conversation_day.json", to_json(report));
  expect_golden("conversation_day.txt", to_text(report, {}));
}

TEST(GoldenTest, AJudgedCascadeIsTheSameEverywhere) {
  const Report report = report_of("judged_cascade", {"routed", "judged"}, 2);
  expect_golden("judged_cascade.json", to_json(report));
  expect_golden("judged_cascade.txt", to_text(report, {}));
}

}  // namespace
}  // namespace routesim
