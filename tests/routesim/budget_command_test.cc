// Goal: `routesim budget check` keeps its contract: the answer first, 80 columns, exit codes.

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "routesim/program.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

// A file with these budgets of one team under an org of $10 a month; gone with the test.
class BudgetCommandTest : public testing::Test {
 protected:
  std::string file_with(const std::string& budgets) {
    std::ofstream(path_) << R"({"format": "fare-budgets/1", "name": "n", "scopes": [
      {"id": "o", "kind": "org", "budgets": [{"id": "m", "limit_usd": "10",
       "window": {"kind": "month", "zone": "UTC"}}]},
      {"id": "t", "kind": "team", "parent": "o", "budgets": )"
                         << budgets << "}]}";
    return path_;
  }
  ~BudgetCommandTest() override { fs::remove(path_); }

 private:
  std::string path_ = (fs::temp_directory_path() /
                       (std::string("fare_budget_") + std::to_string(getpid()) + ".json"))
                          .string();
};

TEST_F(BudgetCommandTest, TheShippedExampleIsFine) {
  const Ran ran = run("budget check scenarios/budgets/acme.json");
  EXPECT_EQ(ran.output, "fine: acme (5 scopes, 6 budgets)\n");
  EXPECT_EQ(ran.exit_code, 0);
}

TEST_F(BudgetCommandTest, FindingsComeAnswerFirstAndFitTheTerminal) {
  const std::string file = file_with(
      R"([{"id": "m", "limit_usd": "20", "window": {"kind": "month", "zone": "UTC"}},
          {"id": "x", "limit_usd": "0", "window": {"kind": "absolute",
           "from": "2026-01-01T00:00:00Z"}}])");
  const Ran ran = run("budget check " + file);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.output,
            "3 findings in n (2 scopes, 3 budgets)\n"
            "  child_above_parent at " +
                file +
                "#/scopes/1/budgets/0\n"
                "    t/m is $20, above o/m with $10, which stops first\n"
                "  never_resets at " +
                file +
                "#/scopes/1/budgets/1\n"
                "    t/x has no end: once spent, it stays so\n"
                "  zero_limit at " +
                file +
                "#/scopes/1/budgets/1\n"
                "    t/x is $0: nothing that costs can pass\n");
  const auto json = nlohmann::json::parse(run("budget check " + file + " --json").output);
  EXPECT_EQ(json["format"], "routesim-budget-check/1");
  EXPECT_EQ(json["fine"], false);
  EXPECT_EQ(json["findings"][0]["code"], "child_above_parent");
  EXPECT_EQ(json["findings"][0]["where"], file + "#/scopes/1/budgets/0");
  EXPECT_EQ(json["budgets"], 3);
}

TEST_F(BudgetCommandTest, GuaranteesAboveTheParentAreFound) {
  const Ran ran = run("budget check " + file_with(R"([{"id": "m", "limit_usd": "9",
      "window": {"kind": "month", "zone": "UTC"},
      "share": {"of": "m", "guarantee_usd": "10.5"}}])"));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, StartsWith("2 findings in n"));
  EXPECT_THAT(ran.output, HasSubstr("o/m is $10, but its children are guaranteed $10.5 together"));
  EXPECT_THAT(ran.output, HasSubstr("t/m is guaranteed $10.5, but its own limit is $9"));
}

TEST_F(BudgetCommandTest, LongMessagesWrap) {
  const std::string id(60, 'x');
  const Ran ran = run("budget check " + file_with(R"([{"id": ")" + id + R"(", "limit_usd": "20",
      "window": {"kind": "month", "zone": "UTC"}}])"));
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_THAT(ran.output, HasSubstr("t/" + id + " is $20, above\n    o/m"));
}

// Prices, a policy and budgets whose dearest attempt is known by hand: 1,000 tokens of context, of
// which at most 200 are output, at $3 and $15 a million.
class BudgetPolicyTest : public BudgetCommandTest {
 protected:
  BudgetPolicyTest() {
    fs::create_directories(folder_);
    write("prices.json", R"({"format": "fare-prices/1", "vendor": "v", "currency": "USD",
      "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
      "models": [{"id": "a", "context_tokens": 1000, "max_output_tokens": 200, "prices": [
        {"from": "2026-01-01T00:00:00Z", "source": "s", "observed": "2026-01-01",
         "usd_per_mtok": {"input": "3", "output": "15"}}]}]})");
  }
  ~BudgetPolicyTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string policy_with(const std::string& more_targets, const std::string& rule) {
    return write("policy.json", R"({"format": "fare-policy/1", "name": "p",
      "expected_output_tokens": 100, "targets": [{"name": "a", "model": "a", "quality": 0.8})" +
                                    more_targets + R"(], "rules": [{"name": "r", )" + rule + "}]}");
  }
  std::string command(const std::string& budgets, const std::string& policy) {
    return "budget check " + budgets + " --policy " + policy + " --prices " +
           (folder_ / "prices.json").string() + " --at 2026-11-26";
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("fare_budget_policy_" + std::to_string(getpid()));
};

constexpr std::string_view kSmall = R"([{"id": "d", "limit_usd": "LIMIT",
    "window": {"kind": "day", "zone": "UTC"}}])";

std::string small(const std::string& limit) {
  std::string text(kSmall);
  return text.replace(text.find("LIMIT"), 5, limit);
}

// The worst attempt: 800 * $3 + 200 * $15 a million = $0.0054.
TEST_F(BudgetPolicyTest, HoldsTheWorstRequestToTheLimits) {
  const std::string policy = policy_with("", R"("candidates": ["a"])");
  const Ran fits = run(command(file_with(small("0.0054")), policy));
  EXPECT_EQ(fits.output, "fine: n under policy p (2 scopes, 2 budgets)\n");
  EXPECT_EQ(fits.exit_code, 0);
  const Ran above = run(command(file_with(small("0.005399999")), policy));
  EXPECT_EQ(above.exit_code, 1);
  EXPECT_EQ(above.output,
            "1 finding in n under policy p (2 scopes, 2 budgets)\n"
            "  request_above_limit at " +
                policy +
                "#/rules/0\n"
                "    rule \"r\": 1 attempt of one request may cost $0.0054, above t/d with\n"
                "    $0.005399999\n"
                "    path: a\n");
}

TEST_F(BudgetPolicyTest, AttemptsAddUpAlongThePlan) {
  const std::string policy =
      policy_with(R"(, {"name": "b", "model": "a"})", R"("candidates": ["a"], "fallback": ["b"])");
  EXPECT_EQ(run(command(file_with(small("0.0108")), policy)).exit_code, 0);
  const Ran above = run(command(file_with(small("0.0107")), policy) + " --json");
  const auto json = nlohmann::json::parse(above.output);
  EXPECT_EQ(json["policy"]["name"], "p");
  ASSERT_EQ(json["findings"].size(), 1u);
  EXPECT_EQ(json["findings"][0]["code"], "request_above_limit");
  EXPECT_EQ(json["findings"][0]["where"], policy + "#/rules/0");
  EXPECT_EQ(json["findings"][0]["path"], "a -> b");
}

TEST_F(BudgetPolicyTest, NamesTargetsWithoutPriceAndRungsOutOfReachBesideTheBudgetsOwn) {
  const std::string budgets = file_with(small("0"));
  const std::string policy = policy_with(
      R"(, {"name": "flex", "model": "a", "tier": "flex", "quality": 0.8},
         {"name": "x", "model": "unheard"})",
      R"("candidates": ["a", "flex"], "fallback": ["x"], "quality_floor": 0.7, "degrade": [
        {"name": "short", "cap_output_tokens": 50, "quality_cost": 0.2}])");
  const auto json = nlohmann::json::parse(run(command(budgets, policy) + " --json").output);
  std::vector<std::string> found;
  for (const auto& one : json["findings"]) {
    found.push_back(one["code"].get<std::string>() + " " + one["where"].get<std::string>());
  }
  EXPECT_THAT(found, testing::ElementsAre("zero_limit " + budgets + "#/scopes/1/budgets/0",
                                          "unpriced_target " + policy + "#/targets/1",
                                          "unknown_model " + policy + "#/targets/2/model",
                                          "unreachable_rung " + policy + "#/rules/0/degrade/0",
                                          "request_above_limit " + policy + "#/rules/0"));
}

TEST_F(BudgetPolicyTest, TheShippedFilesAreFineTogether) {
  const Ran ran =
      run("budget check scenarios/budgets/acme.json --policy scenarios/policies/tiered.json --at "
          "2026-11-26");
  EXPECT_THAT(ran.output, HasSubstr("acme under policy tiered"));
  EXPECT_NE(ran.exit_code, 2);
}

TEST_F(BudgetPolicyTest, ComplainsOfThePolicyAndOfOptionsWithoutOne) {
  const std::string budgets = file_with(small("1"));
  const Ran broken = run(command(budgets, policy_with("", R"("candidates": ["z"])")));
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(broken.output, HasSubstr("policy.json#/rules/0/candidates/0"));
  EXPECT_EQ(run("budget check " + budgets + " --prices pricing").exit_code, 2);
  const Ran help = run("budget check --help");
  EXPECT_THAT(help.output, HasSubstr("Examples:\n  routesim budget check "));
  std::istringstream lines(help.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST_F(BudgetCommandTest, BadInputIsSaidWholly) {
  const Ran ran = run("budget check " + file_with(R"([{"id": "m", "limit_usd": 20, "window": {
      "kind": "month", "zone": "Europe/Berlni"}, "modes": "strict"}])"));
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.output, HasSubstr("#/scopes/1/budgets/0/limit_usd: must be"));
  EXPECT_THAT(ran.output, HasSubstr("did you mean \"mode\"?"));
  EXPECT_THAT(ran.output, HasSubstr("did you mean \"Europe/Berlin\"?"));
  EXPECT_EQ(run("budget check nowhere.json").exit_code, 2);
  EXPECT_EQ(run("budget").exit_code, 2);
}

TEST(BudgetForecastCommandTest, AnswersFirstAndKeepsToTheTerminal) {
  const Ran ran =
      run("budget forecast scenarios/november_budget.json --replications 4 --quiet "
          "--policy one_model");
  EXPECT_THAT(ran.output, StartsWith("company/month is likely to run out ("));
  EXPECT_THAT(ran.output, HasSubstr("\n  team:search/month "));
  EXPECT_THAT(ran.output, HasSubstr("\n  assumed: "));
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_EQ(ran.exit_code, 0);
}

TEST(BudgetForecastCommandTest, TheJsonHasTheContractsKeys) {
  const std::string options = "budget forecast scenarios/november_budget.json --replications 4 ";
  const Ran ran = run(options + "--json --quiet --policy one_model");
  const nlohmann::json json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json["format"], "routesim-budget-forecast/1");
  EXPECT_EQ(json["policy"], "one_model");
  ASSERT_EQ(json["budgets"].size(), 3u);
  const nlohmann::json& company = json["budgets"][0];
  EXPECT_EQ(company["scope"], "company");
  EXPECT_EQ(company["limit_usd"], "115.6");
  EXPECT_EQ(company["spent_usd"], "71");
  EXPECT_LE(std::stod(company["p10_usd"].get<std::string>()),
            std::stod(company["p50_usd"].get<std::string>()));
  EXPECT_LE(std::stod(company["p90_usd"].get<std::string>()), 115.6);
  EXPECT_EQ(company["exhaustion_probability"], 1.0);
  EXPECT_EQ(company["window"]["until"], "2026-12-01T00:00:00Z");
  EXPECT_EQ(company["window"]["is_over"], true);
  EXPECT_THAT(company["exhausted_at"].get<std::string>(), StartsWith("2026-11-2"));
  EXPECT_EQ(json["budgets"][1]["exhausted_at"], nullptr);
  EXPECT_EQ(run(options + "--json --quiet --policy one_model --threads 2").output, ran.output);
}

TEST(BudgetForecastCommandTest, ComplainsWhereThereIsNoBudget) {
  const Ran ran = run("budget forecast scenarios/conversation_day.json");
  EXPECT_THAT(ran.output, HasSubstr("has no policy with budgets: give it the key \"spending\""));
  EXPECT_EQ(ran.exit_code, 2);
  const Ran named = run("budget forecast scenarios/november_budget.json --policy teired");
  EXPECT_THAT(named.output, HasSubstr("no policy \"teired\" with budgets"));
  EXPECT_EQ(named.exit_code, 2);
}

}  // namespace
}  // namespace routesim
