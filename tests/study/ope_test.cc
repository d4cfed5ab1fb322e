// Goal: a decision log is read to the last field or refused line by line, and policies are judged
// as a person would. Method: tables of bad lines; small logs whose answer is known.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/random.h"
#include "places.h"
#include "report/ope_text.h"
#include "study/files.h"
#include "study/ope_log.h"
#include "study/ope_report.h"
#include "study/scenario.h"

namespace routesim {
namespace {

using testing::HasSubstr;

fare::Expected<DecisionLog> read(std::string_view text) {
  return read_decision_log("log.jsonl", ByteSource::memory(text));
}

constexpr std::string_view kFull =
    R"({"id": "r-1", "candidates": ["opus", "haiku"], "chosen": "haiku", "propensity": 0.95, )"
    R"("quality": 0.5, "cost_usd": "0.0012", "at": "2026-11-02T10:00:00Z", "class": "simple", )"
    R"("prompt": "What?", "features": [0.5, -3], "tags": {"team": "legal"}, )"
    R"("capabilities": ["tools"], "input_tokens": 812, "expected_output_tokens": 200, )"
    R"("max_output_tokens": 1000, "latency_bound_ms": 20000, )"
    R"("probabilities": {"haiku": 0.95, "opus": 0.05}})";

TEST(DecisionLogTest, ReadsEveryField) {
  const auto log = read(std::string("\n") + std::string(kFull) + "\n");
  ASSERT_TRUE(log) << fare::to_text(log.error());
  EXPECT_EQ(log->arms, (std::vector<std::string>{"haiku", "opus"}));
  EXPECT_FALSE(log->has_reward);
  EXPECT_TRUE(log->has_cost);
  EXPECT_EQ(log->dimensions, 2u);
  ASSERT_EQ(log->rows.size(), 1u);
  const DecisionRow& row = log->rows[0];
  EXPECT_EQ(row.line, 2u);
  EXPECT_EQ(row.id, "r-1");
  EXPECT_EQ(row.candidates, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(row.probabilities, (std::vector<double>{0.05, 0.95}));
  EXPECT_EQ(row.chosen, 0u);
  EXPECT_EQ(row.propensity, 0.95);
  EXPECT_EQ(row.quality, 0.5);
  EXPECT_EQ(row.cost, fare::Cost(1'200'000'000));
  EXPECT_EQ(row.request_class, "simple");
  EXPECT_EQ(row.prompt, "What?");
  EXPECT_EQ(row.features, (std::vector<float>{0.5f, -3}));
  EXPECT_EQ(row.tags[0], std::make_pair(std::string("team"), std::string("legal")));
  EXPECT_EQ(row.capabilities, std::vector<std::string>{"tools"});
  EXPECT_EQ(row.input, fare::Tokens(812));
  EXPECT_EQ(row.expected_output, fare::Tokens(200));
  EXPECT_EQ(row.max_output, fare::Tokens(1'000));
  EXPECT_EQ(row.latency_bound, std::chrono::seconds(20));
  EXPECT_EQ(fare::to_rfc3339(*row.at), "2026-11-02T10:00:00Z");
}

TEST(DecisionLogTest, NamesEveryBadLine) {
  const struct {
    std::string line, message;
  } cases[] = {
      {R"({"id": "1", "candidates": ["a"], "chosen": "a", "quality": 1})", "propensity"},
      {R"({"id": "2", "candidates": ["a"], "chosen": "a", "propensity": 0, "quality": 1})",
       "must be above 0"},
      {R"({"id": "3", "candidates": ["a"], "chosen": "a", "propensity": 1.2, "quality": 1})",
       "1.2"},
      {R"({"id": "4", "candidates": ["a"], "chosen": "b", "propensity": 1, "quality": 1})",
       "chose \"b\""},
      {R"({"id": "5", "candidates": ["a", "a"], "chosen": "a", "propensity": 1, "quality": 1})",
       "twice"},
      {R"({"id": "6", "candidates": ["a"], "chosen": "a", "propensity": 1})",
       "either \"reward\" or \"quality\""},
      {R"({"id": "7", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("reward": 1})",
       "either \"reward\" or \"quality\""},
      {R"({"id": "8", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("probabilities": {"a": 0.9}})",
       "sum 1"},
      {R"({"id": "9", "candidates": ["a", "b"], "chosen": "a", "propensity": 0.9, "quality": 1, )"
       R"("probabilities": {"a": 0.8, "b": 0.2}})",
       "but \"propensity\" is 0.9"},
      {R"({"id": "10", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("cost_usd": "-1"})",
       "negative"},
      {R"({"id": "11", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("propenssity": 1})",
       "propenssity"},
      {"not JSON", "parse"},
  };
  std::string text;
  for (const auto& one : cases) text += one.line + "\n";
  const auto log = read(text);
  ASSERT_FALSE(log);
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const std::string where = fmt::format("log.jsonl:{}", i + 1);
    bool found = false;
    for (; next < log.error().size() && log.error()[next].where.starts_with(where); ++next) {
      const fare::Error& error = log.error()[next];
      found = found || (error.where + error.message).find(cases[i].message) != std::string::npos;
    }
    EXPECT_TRUE(found) << cases[i].line << "\n" << fare::to_text(log.error());
  }
  EXPECT_EQ(next, log.error().size());
}

TEST(DecisionLogTest, RowsMustHaveTheSame) {
  const std::string row = R"({"id": "1", "candidates": ["a"], "chosen": "a", "propensity": 1, )"
                          R"("quality": 1})";
  const struct {
    std::string line, message;
  } cases[] = {
      {R"({"id": "1", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1})",
       "has the id \"1\" of line 1"},
      {R"({"id": "2", "candidates": ["a"], "chosen": "a", "propensity": 1, "reward": 1})",
       "\"reward\" must stand on every row"},
      {R"({"id": "2", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("cost_usd": "1"})",
       "\"cost_usd\" must stand on every row"},
      {R"({"id": "2", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("features": [1]})",
       "has 1 features, but the first row has 0"},
      {R"({"id": "2", "candidates": ["a"], "chosen": "a", "propensity": 1, "quality": 1, )"
       R"("prompt": "x"})",
       "\"prompt\" must stand on every row"},
  };
  for (const auto& one : cases) {
    const auto log = read(row + "\n" + one.line + "\n");
    ASSERT_FALSE(log) << one.line;
    ASSERT_EQ(log.error().size(), 1u) << fare::to_text(log.error());
    EXPECT_EQ(log.error()[0].where, "log.jsonl:2");
    EXPECT_THAT(log.error()[0].message, HasSubstr(one.message));
  }
  EXPECT_FALSE(read("\n \n"));
}

// Requests of two classes; "dear" is right on both, "cheap" on simple ones only.  The logger sends
// nine in ten to "cheap".
std::string make_lines(std::size_t rows, std::string_view more = "") {
  const fare::RandomKey key(1, 0, fare::Purpose::kTest);
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    fare::RandomStream stream(key, i);
    const bool simple = stream.below(2) == 0;
    const bool cheap = stream.uniform() < 0.9;
    const double chance = cheap ? (simple ? 0.9 : 0.2) : 0.9;
    text += fmt::format(
        R"({{"id": "r{}", "candidates": ["cheap", "dear"], "chosen": "{}", "propensity": {}, )"
        R"("quality": {}, "cost_usd": "{}", "class": "{}"{}}})"
        "\n",
        i, cheap ? "cheap" : "dear", cheap ? 0.9 : 0.1, stream.uniform() < chance ? 1 : 0,
        cheap ? "0.001" : "0.01", simple ? "simple" : "complex", more);
  }
  return text;
}

OpeReport judge(const DecisionLog& log, const std::string& policy, const OpeOptions& options = {}) {
  auto report = judge_policy(log, plain_policy(log, policy).value(), options);
  EXPECT_TRUE(report) << fare::to_text(report.error());
  return *report;
}

bool covers(const fare::ValueEstimate& one, double truth) {
  return one.low <= truth && truth <= one.high;
}

TEST(OpeReportTest, FindsWhatOtherPoliciesWouldHaveBeenWorth) {
  const DecisionLog log = read(make_lines(4'000)).value();
  const struct {
    std::string policy;
    double quality, dollars;
  } cases[] = {{"always:dear", 0.9, 0.01},
               {"always:cheap", 0.55, 0.001},
               {"uniform", 0.725, 0.0055},
               {"logged", 0.585, 0.0019}};
  for (const auto& one : cases) {
    const OpeReport report = judge(log, one.policy);
    ASSERT_TRUE(report.answer.value) << one.policy;
    EXPECT_TRUE(covers(report.answer.value->doubly_robust, one.quality)) << one.policy;
    EXPECT_TRUE(covers(report.answer.value->snips, one.quality)) << one.policy;
    EXPECT_NEAR(report.cost->value->snips.value, one.dollars, 0.0004) << one.policy;
    EXPECT_EQ(report.features, "classes");
    OpeOptions worth;
    worth.worth_usd = 0.1;
    EXPECT_NEAR(judge(log, one.policy, worth).answer.value->doubly_robust.value,
                one.quality - one.dollars / 0.1, 0.05);
  }
  EXPECT_GT(judge(log, "always:dear").answer.value->doubly_robust_gain.low, 0);
  EXPECT_NEAR(judge(log, "logged").answer.value->snips_gain.value, 0, 1e-12);
  EXPECT_NEAR(judge(log, "logged").arms[0].policy, 0.9, 0.02);
}

TEST(OpeReportTest, WhatTheLogNeverOfferedIsNotIdentified) {
  std::string text = make_lines(400);
  text += R"({"id": "pinned", "candidates": ["cheap"], "chosen": "cheap", "propensity": 1, )"
          R"("quality": 1, "cost_usd": "0.001", "class": "simple"})";
  const DecisionLog log = read(text).value();
  const OpeReport report = judge(log, "always:dear");
  EXPECT_EQ(report.answer.identification, fare::Identification::kNoSupport);
  EXPECT_NEAR(report.arms[1].lacking, 1.0 / 401, 1e-12);
  EXPECT_THAT(to_text(report, {}), HasSubstr("always:dear cannot be judged: 0.2 % of its choices"));
  OpeOptions options;
  options.estimates.supported_only = true;
  const OpeReport rest = judge(log, "always:dear", options);
  EXPECT_EQ(rest.answer.left_out, 1u);
  EXPECT_TRUE(rest.answer.value);
}

TEST(OpeReportTest, ACandidateWithoutAChanceIsNoSupport) {
  std::string text = make_lines(400);
  text += R"({"id": "x", "candidates": ["cheap", "dear", "mid"], "chosen": "cheap", )"
          R"("propensity": 0.5, "probabilities": {"cheap": 0.5, "dear": 0, "mid": 0.5}, )"
          R"("quality": 1, "cost_usd": "0.001", "class": "simple"})";
  const DecisionLog log = read(text).value();
  const OpeReport report = judge(log, "always:dear");
  EXPECT_EQ(report.answer.identification, fare::Identification::kNoSupport);
  EXPECT_NEAR(report.answer.unsupported_rows, 1.0 / 401, 1e-12);
  EXPECT_NEAR(report.arms[1].lacking, 1.0 / 401, 1e-12);
  EXPECT_TRUE(judge(log, "always:cheap").answer.value);
}

TEST(OpeReportTest, PropensitiesThatDoNotFitAreDoubted) {
  std::string text = make_lines(2'000);
  // As if every choice had been a coin's.
  for (const char* wrong : {R"("propensity": 0.9)", R"("propensity": 0.1)"}) {
    for (std::size_t at = text.find(wrong); at != std::string::npos; at = text.find(wrong, at)) {
      text.replace(at, 17, R"("propensity": 0.5)");
    }
  }
  const DecisionLog log = read(text).value();
  EXPECT_THAT(to_text(judge(log, "always:cheap"), {}), HasSubstr("warning: weights average 1.79"));
  EXPECT_THAT(to_text(judge(read(make_lines(2'000)).value(), "always:cheap"), {}),
              testing::Not(HasSubstr("warning")));
}

TEST(OpeReportTest, WorthNeedsQualityAndCost) {
  const DecisionLog log =
      read(R"({"id": "1", "candidates": ["a"], "chosen": "a", "propensity": 1, "reward": 2})")
          .value();
  OpeOptions options;
  options.worth_usd = 1;
  const auto report = judge_policy(log, *plain_policy(log, "logged"), options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error()[0].where, "--worth");
}

// Goal: a policy file is judged by what the router itself would choose.
TEST(OpeReportTest, ARouterDecidesOnEveryRow) {
  const std::string root = fare::kSourceDir;
  const auto prices = load_prices({root + "/pricing"});
  ASSERT_TRUE(prices);
  const std::string path = root + "/scenarios/policies/one_model.json";
  const auto policy = fare::Policy::parse(path, read_file(path).value());
  ASSERT_TRUE(policy) << fare::to_text(policy.error());
  const auto at = fare::parse_instant("2026-11-02T10:00:00Z").value();
  const auto router = fare::Router::create({.prices = *prices, .policy = *policy}, at);
  ASSERT_TRUE(router) << fare::to_text(router.error());
  const auto rows = [](std::string_view input, std::string_view instant) {
    std::string text;
    for (int i = 0; i < 3; ++i) {
      text += fmt::format(R"({{"id": "{}", "candidates": ["sonnet", "opus"], "chosen": "opus", )"
                          R"("propensity": 0.5, "reward": 1, "class": "{}"{}{}}})"
                          "\n",
                          i, i == 2 ? "unheard of" : "simple", input, instant);
    }
    return text;
  };
  const DecisionLog log =
      read(rows(R"(, "input_tokens": 100)", R"(, "at": "2026-11-02T10:00:00Z")")).value();
  const auto judged = router_policy(log, **router, {});
  ASSERT_TRUE(judged) << fare::to_text(judged.error());
  EXPECT_EQ(judged->name, "one_model");
  // The policy does not know the last row's class, so it refuses it; that has no support.
  EXPECT_EQ(judged->arms, (std::vector<std::string>{"opus", "sonnet", "(refused)"}));
  EXPECT_EQ(judged->chance, (std::vector<double>{0, 1, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ((*router)->stats().open, 0u);

  const auto bare = router_policy(read(rows("", "")).value(), **router, {});
  ASSERT_FALSE(bare);
  ASSERT_EQ(bare.error().size(), 6u);
  EXPECT_EQ(bare.error()[2].where, "log.jsonl:2");
  EXPECT_TRUE(router_policy(read(rows(R"(, "input_tokens": 100)", "")).value(), **router, at));
}

}  // namespace
}  // namespace routesim
