#include "world/quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/samplers.h"
#include "world/judge.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Purpose;
using fare::RandomKey;
using std::chrono::seconds;

constexpr std::uint64_t kAnswers = 200'000;
const RandomKey kKey(7, 0, Purpose::kTest);

// Four standard errors of a share, and something for shares of 0 and 1.
double margin(double share, std::uint64_t count) {
  return 4 * std::sqrt(share * (1 - share) / static_cast<double>(count)) + 1e-12;
}

QualityModel two_models() {
  QualityModel quality;
  quality.difficulty = {{.mean = -0.5, .sd = 0}, {.mean = 1, .sd = 1.5}};
  quality.discrimination = {2, 0.7};
  quality.injected_share = 0.1;
  quality.models = {{.model = "strong",
                     .skill = {1, 2},
                     .hallucination_rate = 0.02,
                     .injection_rate = 0.05,
                     .degradation = std::nullopt},
                    {.model = "weak",
                     .skill = {0, 0.5},
                     .hallucination_rate = 0.08,
                     .injection_rate = 0.4,
                     .degradation = Degradation{
                         .from = seconds(100), .skill_loss = 1, .hallucination_rate = 0.2}}};
  return quality;
}

struct Shares {
  double good = 0, hallucinates = 0, injected = 0, obeys = 0;
};

Shares shares_of(const QualityDraws& draws, std::size_t model, std::size_t of_class, Duration at) {
  Shares shares;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    const AnswerQuality one = draws.draw(model, of_class, i, i, at);
    shares.good += one.good;
    shares.hallucinates += one.hallucinates;
    shares.injected += one.injected;
    shares.obeys += one.obeys;
  }
  for (double* share : {&shares.good, &shares.hallucinates, &shares.injected, &shares.obeys}) {
    *share /= static_cast<double>(kAnswers);
  }
  return shares;
}

TEST(QualityTest, KeepsItsStatedRates) {
  const QualityModel quality = two_models();
  const QualityDraws draws(quality, 11, 0);
  const double rates[] = {0.02, 0.08};
  const double obeyed[] = {0.1 * 0.05, 0.1 * 0.4};
  const double skill[] = {1, 0};
  for (std::size_t model = 0; model < 2; ++model) {
    const Shares shares = shares_of(draws, model, 0, seconds(0));
    // All of this class are equally difficult: the logistic model itself.
    const double good = 1 / (1 + std::exp(2 * (-0.5 - skill[model])));
    EXPECT_NEAR(shares.good, good, margin(good, kAnswers));
    EXPECT_NEAR(shares.hallucinates, rates[model], margin(rates[model], kAnswers));
    EXPECT_NEAR(shares.injected, 0.1, margin(0.1, kAnswers));
    EXPECT_NEAR(shares.obeys, obeyed[model], margin(obeyed[model], kAnswers));
  }
}

// With a spread of difficulties the share is the logistic model's mean over a normal.
TEST(QualityTest, AveragesOverTheDifficultyOfItsClass) {
  const QualityModel quality = two_models();
  double sum = 0;
  constexpr int kSteps = 20'000;
  for (int i = 0; i < kSteps; ++i) {
    const double difficulty = 1 + 1.5 * fare::normal_quantile((i + 0.5) / kSteps);
    sum += 1 / (1 + std::exp(0.7 * (difficulty - 2)));
  }
  const double good = sum / kSteps;
  const Shares shares = shares_of(QualityDraws(quality, 3, 1), 0, 1, seconds(0));
  EXPECT_NEAR(shares.good, good, margin(good, kAnswers));
}

TEST(QualityTest, DegradesFromItsInstantAndNotBefore) {
  const QualityModel quality = two_models();
  const QualityDraws draws(quality, 11, 0);
  const Shares before = shares_of(draws, 1, 0, seconds(100) - Duration(1));
  const Shares after = shares_of(draws, 1, 0, seconds(100));
  const double good = 1 / (1 + std::exp(2 * (-0.5 - 0.0)));
  const double less = 1 / (1 + std::exp(2 * (-0.5 + 1.0)));
  EXPECT_NEAR(before.good, good, margin(good, kAnswers));
  EXPECT_NEAR(after.good, less, margin(less, kAnswers));
  EXPECT_NEAR(before.hallucinates, 0.08, margin(0.08, kAnswers));
  EXPECT_NEAR(after.hallucinates, 0.2, margin(0.2, kAnswers));
  EXPECT_EQ(before.injected, after.injected);
}

TEST(QualityTest, GivesEveryModelTheSameLuck) {
  const QualityModel quality = two_models();
  const QualityDraws draws(quality, 5, 2);
  std::uint64_t differences = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const AnswerQuality strong = draws.draw(0, 1, i, i, seconds(0));
    const AnswerQuality weak = draws.draw(1, 1, i, i, seconds(0));
    ASSERT_EQ(strong.injected, weak.injected);
    ASSERT_GE(strong.good, weak.good);
    ASSERT_LE(strong.hallucinates, weak.hallucinates);
    ASSERT_LE(strong.obeys, weak.obeys);
    differences += strong.good != weak.good;
    // Another try is other luck with the same difficulty.
    const AnswerQuality again = draws.draw(0, 1, i, i + 1'000'000, seconds(0));
    ASSERT_EQ(again.probability, strong.probability);
    ASSERT_EQ(again.injected, strong.injected);
  }
  EXPECT_GT(differences, 1'000u);
}

TEST(QualityTest, TakesTheRealOutcomesOfADataSet) {
  const auto data = fare::parse_outcomes(
      "data",
      R"({"id": "1", "prompt": "a", "class": "x", "outcomes": {"m": {"quality": 1}}})"
      "\n"
      R"({"id": "2", "prompt": "b", "class": "x", "outcomes": {"m": {"quality": 0.25},)"
      R"( "n": {"quality": 0}}})"
      "\n"
      R"({"id": "3", "prompt": "c", "class": "y", "outcomes": {"n": {"quality": 1}}})"
      "\n",
      {.targets = {}, .classes = {"x", "y"}});
  ASSERT_TRUE(data) << fare::to_text(data.error());
  const OutcomeQuality quality(*data, 1, 0);
  double of_row[3] = {};
  double good = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    const auto row = quality.row(0, i);
    ASSERT_TRUE(row);
    ASSERT_LT(*row, 2u) << "of class x";
    ++of_row[*row];
    const auto answer = quality.draw(*row, 0, i);
    ASSERT_TRUE(answer);
    good += answer->good;
    ASSERT_EQ(quality.draw(*row, 1, i).has_value(), *row == 1) << "unknown is not bad";
  }
  EXPECT_NEAR(of_row[0] / kAnswers, 0.5, margin(0.5, kAnswers));
  EXPECT_NEAR(good / kAnswers, 0.625, margin(0.625, kAnswers));
  EXPECT_EQ(quality.row(1, 9), 2u);
}

// Goal: a judge errs as often as it says, in each of its ways.
TEST(JudgeTest, KeepsItsStatedErrorRates) {
  const Judge judge({.name = "j", .false_pass = 0.1, .false_fail = 0.04}, kKey, 3);
  double good = 0;
  double bad = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    good += judge.passes(true, i);
    bad += judge.passes(false, i);
    ASSERT_GE(judge.passes(true, i), judge.passes(false, i));
  }
  EXPECT_NEAR(good / kAnswers, 0.96, margin(0.96, kAnswers));
  EXPECT_NEAR(bad / kAnswers, 0.1, margin(0.1, kAnswers));
}

TEST(JudgeTest, ScoresWithItsBiasAndNoise) {
  const Judge judge({.name = "j", .bias = 0.4, .noise = 0.8}, kKey, 0);
  double sum = 0;
  double squares = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    const double score = judge.score(0.3, i);
    ASSERT_LT(score, judge.score(0.4, i)) << "the same luck";
    const double logit = std::log(score / (1 - score));
    sum += logit;
    squares += logit * logit;
  }
  const double mean = sum / kAnswers;
  const double error = 0.8 / std::sqrt(static_cast<double>(kAnswers));
  EXPECT_NEAR(mean, std::log(0.3 / 0.7) + 0.4, 4 * error);
  EXPECT_NEAR(std::sqrt(squares / kAnswers - mean * mean), 0.8, 4 * error);
}

TEST(JudgeTest, PrefersWhatItIsShownFirst) {
  const Judge judge({.name = "j", .noise = 0.5, .order_effect = 0.3}, kKey, 0);
  double equal = 0;
  double better_second = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    equal += judge.prefers_first(0.6, 0.6, i);
    better_second += judge.prefers_first(0.6, 0.8, i);
  }
  const double first = fare::normal_cdf(0.3 / (0.5 * std::sqrt(2.0)));
  const double gap = std::log(0.6 / 0.4) - std::log(0.8 / 0.2);
  const double second = fare::normal_cdf((gap + 0.3) / (0.5 * std::sqrt(2.0)));
  EXPECT_NEAR(equal / kAnswers, first, margin(first, kAnswers));
  EXPECT_NEAR(better_second / kAnswers, second, margin(second, kAnswers));
}

TEST(JudgeTest, TwoJudgesErrIndependently) {
  const Judge one({.name = "a", .false_pass = 0.2}, kKey, 0);
  const Judge other({.name = "b", .false_pass = 0.3}, kKey, 1);
  double both = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i)
    both += one.passes(false, i) && other.passes(false, i);
  EXPECT_NEAR(both / kAnswers, 0.06, margin(0.06, kAnswers));
}

template <class Read>
std::string errors_of(const std::string& text, Read read) {
  fare::Problems problems("world");
  const fare::JsonDocument document(text, problems);
  const bool is_there = read(document.root()).has_value();
  if (problems.empty()) return is_there ? "" : "nothing";
  return fare::to_text(problems.take());
}

TEST(QualityTest, ReadsWhatItSays) {
  const std::vector<std::string> classes = {"simple", "complex"};
  const auto read = [&](const fare::JsonNode& node) { return read_quality(node, classes); };
  EXPECT_EQ(errors_of(R"({"classes": {"simple": {"mean": -1, "sd": 0.8, "discrimination": 1.2},
                                      "complex": {"mean": 1, "sd": 1}},
                          "injected_share": 0.01,
                          "models": [{"model": "cheap", "skill": {"simple": 2.5, "complex": 0.3},
                                      "degrades": {"after_s": 60, "skill_loss": 0.8}},
                                     {"model": "dear", "skill": 3, "injection_rate": 0.2}]})",
                      read),
            "");
  EXPECT_EQ(errors_of(R"({"classes": {"simple": {"mean": -1, "sd": 0.8, "discrimination": 0}},
                          "models": [{"model": "a", "skill": 2}, {"model": "a", "skill": 21,
                                     "hallucination_rate": 2}]})",
                      read),
            "world#/classes/simple/discrimination: must be a number from 0.01 to 100, but is 0\n"
            "world#/classes: needs the key \"complex\"\n"
            "world#/models/1/skill: must be a number from -20 to 20, but is 21\n"
            "world#/models/1/hallucination_rate: must be a number from 0 to 1, but is 2\n"
            "world#/models/1: \"a\" stands twice\n");
}

TEST(JudgeTest, ReadsWhatItSays) {
  const std::string text = R"({"name": "rubric", "false_pass": 0.1, "noise": 0.8,
      "usd_per_judgement": "0.002", "delay_ms": 1500})";
  fare::Problems problems("world");
  const fare::JsonDocument document(text, problems);
  const auto model = read_judge(document.root());
  ASSERT_TRUE(problems.empty());
  const Judge judge(*model, kKey, 0);
  EXPECT_EQ(fare::to_usd(judge.cost()), "0.002");
  EXPECT_EQ(judge.delay(1), std::chrono::milliseconds(1'500));
  EXPECT_EQ(errors_of(R"({"false_fail": -1, "usd_per_judgement": "-1", "delay_ms": 1e9, "x": 1})",
                      read_judge),
            "world: needs the key \"name\"\n"
            "world#/false_fail: must be a number from 0 to 1, but is -1\n"
            "world#/usd_per_judgement: must be from 0 to 1,000,000 dollars, but is \"-1\"\n"
            "world#/delay_ms: must be at most a day (86400000 ms), but is 1000000000.0\n"
            "world#/x: is not a known key\n");
}

}  // namespace
}  // namespace routesim
