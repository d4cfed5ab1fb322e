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

struct TwoModels {
  std::vector<Difficulty> difficulty = {{.mean = -0.5, .sd = 0, .discrimination = 2},
                                        {.mean = 1, .sd = 1.5, .discrimination = 0.7}};
  ModelQuality strong = {.skill = {1, 2},
                         .hallucination_rate = 0.02,
                         .injection_rate = 0.05,
                         .degradation = std::nullopt};
  ModelQuality weak = {
      .skill = {0, 0.5},
      .hallucination_rate = 0.08,
      .injection_rate = 0.4,
      .degradation = Degradation{.from = seconds(100), .skill_loss = 1, .hallucination_rate = 0.2}};

  QualityDraws draws(std::uint64_t seed, std::uint32_t replication) const {
    return QualityDraws(difficulty, 0.1, seed, replication);
  }
};

struct Shares {
  double good = 0, hallucinates = 0, injected = 0, obeys = 0;
};

AnswerEntity entity(std::uint32_t request_class, std::uint64_t i, Duration begun = {}) {
  return {.request_class = request_class, .request = i, .answer = i, .begun = begun};
}

Shares shares_of(const QualityDraws& draws, const ModelQuality& model, std::uint32_t of_class,
                 Duration at) {
  Shares shares;
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    const AnswerQuality one = draws.draw(model, entity(of_class, i, at));
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
  const TwoModels models;
  const QualityDraws draws = models.draws(11, 0);
  const struct {
    const ModelQuality& model;
    double hallucinates, obeys, skill;
  } cases[] = {{models.strong, 0.02, 0.1 * 0.05, 1}, {models.weak, 0.08, 0.1 * 0.4, 0}};
  for (const auto& one : cases) {
    const Shares shares = shares_of(draws, one.model, 0, seconds(0));
    // All of this class are equally difficult: the logistic model itself.
    const double good = 1 / (1 + std::exp(2 * (-0.5 - one.skill)));
    EXPECT_NEAR(shares.good, good, margin(good, kAnswers));
    EXPECT_NEAR(shares.hallucinates, one.hallucinates, margin(one.hallucinates, kAnswers));
    EXPECT_NEAR(shares.injected, 0.1, margin(0.1, kAnswers));
    EXPECT_NEAR(shares.obeys, one.obeys, margin(one.obeys, kAnswers));
  }
}

// With a spread of difficulties the share is the logistic model's mean over a normal.
TEST(QualityTest, AveragesOverTheDifficultyOfItsClass) {
  const TwoModels models;
  double sum = 0;
  constexpr int kSteps = 20'000;
  for (int i = 0; i < kSteps; ++i) {
    const double difficulty = 1 + 1.5 * fare::normal_quantile((i + 0.5) / kSteps);
    sum += 1 / (1 + std::exp(0.7 * (difficulty - 2)));
  }
  const double good = sum / kSteps;
  const Shares shares = shares_of(models.draws(3, 1), models.strong, 1, seconds(0));
  EXPECT_NEAR(shares.good, good, margin(good, kAnswers));
}

TEST(QualityTest, DegradesFromItsInstantAndNotBefore) {
  const TwoModels models;
  const QualityDraws draws = models.draws(11, 0);
  const Shares before = shares_of(draws, models.weak, 0, seconds(100) - Duration(1));
  const Shares after = shares_of(draws, models.weak, 0, seconds(100));
  const double good = 1 / (1 + std::exp(2 * (-0.5 - 0.0)));
  const double less = 1 / (1 + std::exp(2 * (-0.5 + 1.0)));
  EXPECT_NEAR(before.good, good, margin(good, kAnswers));
  EXPECT_NEAR(after.good, less, margin(less, kAnswers));
  EXPECT_NEAR(before.hallucinates, 0.08, margin(0.08, kAnswers));
  EXPECT_NEAR(after.hallucinates, 0.2, margin(0.2, kAnswers));
  EXPECT_EQ(before.injected, after.injected);
}

TEST(QualityTest, GivesEveryModelTheSameLuck) {
  const TwoModels models;
  const QualityDraws draws = models.draws(5, 2);
  // One that errs in nothing but skill draws fewer numbers, and meets the same luck.
  const ModelQuality plain{
      .skill = models.weak.skill, .hallucination_rate = 0, .degradation = std::nullopt};
  std::uint64_t differences = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const AnswerQuality strong = draws.draw(models.strong, entity(1, i));
    const AnswerQuality weak = draws.draw(models.weak, entity(1, i));
    ASSERT_EQ(strong.injected, weak.injected);
    ASSERT_GE(strong.good, weak.good);
    ASSERT_LE(strong.hallucinates, weak.hallucinates);
    ASSERT_LE(strong.obeys, weak.obeys);
    ASSERT_EQ(draws.draw(plain, entity(1, i)).good, weak.good);
    differences += strong.good != weak.good;
    // Another try is other luck with the same difficulty.
    const AnswerQuality again =
        draws.draw(models.strong, {.request_class = 1, .request = i, .answer = i + 1'000'000});
    ASSERT_EQ(again.probability, strong.probability);
    ASSERT_EQ(again.injected, strong.injected);
  }
  EXPECT_GT(differences, 1'000u);
}

TEST(QualityTest, WithoutASkillNothingIsModelled) {
  const TwoModels models;
  const AnswerQuality quality = models.draws(1, 0).draw({}, entity(0, 3));
  EXPECT_EQ(quality.status, AnswerQuality::Status::kNotModelled);
  EXPECT_FALSE(quality.is_bad());
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
    const AnswerQuality answer = quality.draw(*row, 0, i);
    ASSERT_TRUE(answer.is_known());
    good += answer.good;
    const AnswerQuality other = quality.draw(*row, 1, i);
    ASSERT_EQ(other.is_known(), *row == 1);
    ASSERT_EQ(other.is_bad(), *row == 1) << "unknown is not bad";
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
  const auto read = [](const fare::JsonNode& node) {
    fare::ObjectReader reader(node);
    std::optional<ModelQuality> quality(std::in_place);
    read_model_quality(reader, {"simple", "complex"}, *quality);
    reader.finish();
    return quality;
  };
  EXPECT_EQ(errors_of(R"({"skill": {"simple": 2.5, "complex": 0.3}, "hallucination_rate": 0.1,
                          "degrades": {"after_s": 60, "skill_loss": 0.8}})",
                      read),
            "");
  EXPECT_EQ(errors_of("{}", read), "");
  EXPECT_EQ(
      errors_of(R"({"skill": 21, "hallucination_rate": 2, "degrades": {"skill_loss": -1}})", read),
      "world#/skill: must be a number from -20 to 20, but is 21\n"
      "world#/hallucination_rate: must be a number from 0 to 1, but is 2\n"
      "world#/degrades: needs the key \"after_s\"\n"
      "world#/degrades/skill_loss: must be a number from 0 to 20, but is -1\n");
  EXPECT_EQ(errors_of(R"({"injection_rate": 0.2})", read),
            "world: \"injection_rate\" needs \"skill\"\n");
  EXPECT_EQ(errors_of(R"({"mean": -1, "sd": 0.8, "discrimination": 0})", read_difficulty),
            "world#/discrimination: must be a number from 0.01 to 100, but is 0\n");
}

// Goal: a grade is what the judge's kind says, and an answer that nobody knows passes.
TEST(JudgeTest, GradesByVerdictOrByScore) {
  const Judge verdicts({.name = "a", .false_pass = 0.3, .false_fail = 0.2}, kKey, 0);
  const Judge scores({.name = "b", .grading = Grading::kScore, .noise = 0.5}, kKey, 1);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const AnswerQuality answer{.status = AnswerQuality::Status::kKnown,
                               .good = i % 2 == 0,
                               .probability = static_cast<double>(i) / 1'000};
    ASSERT_EQ(verdicts.grade(answer, i), verdicts.passes(answer.good, i) ? 1 : 0);
    ASSERT_EQ(scores.grade(answer, i), scores.score(answer.probability, i));
    ASSERT_EQ(verdicts.grade({.status = AnswerQuality::Status::kUnknown}, i), 1);
  }
}

TEST(JudgeTest, ReadsWhatItSays) {
  const std::string text = R"({"name": "rubric", "noise": 0.8,
      "usd_per_judgement": "0.002", "delay_ms": 1500})";
  fare::Problems problems("world");
  const fare::JsonDocument document(text, problems);
  const auto model = read_judge(document.root());
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(model->grading, Grading::kScore);
  const Judge judge(*model, kKey, 0);
  EXPECT_EQ(fare::to_usd(judge.cost()), "0.002");
  EXPECT_EQ(judge.delay(1), std::chrono::milliseconds(1'500));
  EXPECT_EQ(
      errors_of(R"({"name": "j", "false_pass": 0.1, "noise": 0.8})", read_judge),
      "world: states the errors of verdicts and of scores: say by \"grades\" which it gives\n");
  EXPECT_EQ(
      errors_of(R"({"name": "j", "false_pass": 0.1, "noise": 0.8, "grades": "score"})", read_judge),
      "");
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
