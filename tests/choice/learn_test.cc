// Goal: a model finds what is in its data, says how sure it is, and survives a file unchanged.
// Method: made-up data whose truth is known: hard topics, easy topics, and chance.

#include "fare/learn.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "allocations.h"
#include "base/random.h"
#include "fare/probability_scores.h"

namespace fare {
namespace {

using testing::HasSubstr;

constexpr std::string_view kEasy[] = {"what colour is grass", "name a fruit", "say hello friend"};
constexpr std::string_view kHard[] = {"prove the theorem on rings", "derive the tensor equation",
                                      "solve this integral quickly"};

// Rows whose dear target is right 9 times in 10, and the cheap one only on easy topics.
std::string lines(std::size_t rows, std::uint64_t seed, bool embedding = false) {
  const RandomKey key(seed, 0, Purpose::kTest);
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream stream(key, i);
    const bool hard = stream.below(2) == 1;
    const auto& topics = hard ? kHard : kEasy;
    const int dear = stream.uniform() < 0.9 ? 1 : 0;
    const int cheap = stream.uniform() < (hard ? 0.2 : 0.9) ? 1 : 0;
    text += fmt::format(
        R"({{"id": "r{0}", "prompt": "{1} number {2} {3}", "class": "{4}", "outcomes": {{)"
        R"("cheap": {{"quality": {5}, "cost_usd": "0.00{7}"}}, "dear": {{"quality": {6}}}}})",
        i, topics[stream.below(3)], stream.below(1'000'000), i, hard ? "complex" : "simple", cheap,
        dear, hard ? 4 : 1);
    if (embedding)
      text += fmt::format(R"(, "embedding": [{}, {}, 0.3])", hard ? 1 : -1, stream.uniform());
    text += "}\n";
  }
  return text;
}

OutcomeData data_of(const std::string& text) {
  auto data = parse_outcomes("made-up", text, {.targets = {}, .classes = {"simple", "complex"}});
  EXPECT_TRUE(data) << to_text(data.error());
  return std::move(*data);
}

LearnOptions kind_of(ModelKind kind) {
  LearnOptions options;
  options.kind = kind;
  options.bits = {10, 10};
  return options;
}

ChoiceModel learnt(const OutcomeData& data, const LearnOptions& options) {
  auto model = learn(data, options);
  EXPECT_TRUE(model) << to_text(model.error());
  return std::move(*model);
}

class EveryKindTest : public testing::TestWithParam<ModelKind> {};

TEST_P(EveryKindTest, TellsHardFromEasyAndKnowsHowSureItIs) {
  const OutcomeData data = data_of(lines(400, 1)), fresh = data_of(lines(600, 2));
  const ChoiceModel model = learnt(data, kind_of(GetParam()));
  ChoiceScratch scratch;
  std::vector<Forecast> cheap;
  std::size_t right = 0;
  for (const OutcomeRow& row : fresh.rows) {
    const ChoiceForecast forecast = model.forecast(row.prompt, scratch);
    if (GetParam() == ModelKind::kTier) {
      right += forecast.likely_class == row.prompt_class ? 1 : 0;
      continue;
    }
    cheap.push_back({forecast.targets[0].quality, static_cast<double>(row.outcomes[0]->quality)});
  }
  if (GetParam() == ModelKind::kTier) {
    EXPECT_GT(right, 590u);
    return;
  }
  EXPECT_GT(auroc(cheap), 0.8);
  EXPECT_LT(brier(cheap), 0.7 * brier_of_mean(cheap));
  EXPECT_LT(calibration_error(cheap), 0.08);
}

TEST_P(EveryKindTest, SurvivesItsFileUnchanged) {
  const OutcomeData data = data_of(lines(200, 3));
  const ChoiceModel model = learnt(data, kind_of(GetParam()));
  const std::string bytes = model.serialise();
  EXPECT_EQ(bytes, learnt(data, kind_of(GetParam())).serialise()) << "not deterministic";
  const auto again = ChoiceModel::parse("m", bytes);
  ASSERT_TRUE(again) << to_text(again.error());
  EXPECT_EQ(again->serialise(), bytes);
  ChoiceScratch a, b;
  for (const char* prompt : {"prove the theorem on rings", "name a fruit", "", "zzz"}) {
    const ChoiceForecast one = model.forecast(prompt, a), two = again->forecast(prompt, b);
    EXPECT_EQ(one.familiarity, two.familiarity);
    EXPECT_EQ(one.abstains, two.abstains);
    for (std::size_t i = 0; i < one.targets.size(); ++i) {
      EXPECT_EQ(one.targets[i].quality, two.targets[i].quality);
      EXPECT_EQ(one.targets[i].second_opinion, two.targets[i].second_opinion);
      EXPECT_EQ(one.targets[i].cost, two.targets[i].cost);
    }
    for (std::size_t i = 0; i < one.class_probabilities.size(); ++i) {
      EXPECT_EQ(one.class_probabilities[i], two.class_probabilities[i]);
    }
  }
}

TEST_P(EveryKindTest, ForecastsWithoutAllocatingOnceWarm) {
  const ChoiceModel model = learnt(data_of(lines(200, 3)), kind_of(GetParam()));
  ChoiceScratch scratch;
  std::string longest;
  while (longest.size() < 10'000) longest += "prove the theorem, say hello and name a fruit ";
  (void)model.forecast(longest, scratch);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) {
    (void)model.forecast(longest, scratch);
    (void)model.forecast("name a fruit", scratch);
  }
  EXPECT_EQ(allocations() - before, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, EveryKindTest,
                         testing::Values(ModelKind::kLinear, ModelKind::kRidge,
                                         ModelKind::kNeighbours, ModelKind::kTier,
                                         ModelKind::kItemResponse, ModelKind::kFactors),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(LearnTest, ReadsEmbeddingsWhereTheKindCan) {
  const OutcomeData data = data_of(lines(300, 4, true));
  for (const ModelKind kind :
       {ModelKind::kNeighbours, ModelKind::kItemResponse, ModelKind::kFactors}) {
    const ChoiceModel model = learnt(data, kind_of(kind));
    ASSERT_EQ(model.dimensions(), 3u);
    ChoiceScratch scratch;
    const float hard[] = {1, 0.5f, 0.3f}, easy[] = {-1, 0.5f, 0.3f};
    const double when_hard = model.forecast("", hard, scratch).targets[0].quality;
    EXPECT_GT(model.forecast("", easy, scratch).targets[0].quality, when_hard + 0.4)
        << to_string(kind);
    EXPECT_EQ(ChoiceModel::parse("m", model.serialise())->serialise(), model.serialise());
  }
  EXPECT_EQ(learnt(data, kind_of(ModelKind::kLinear)).dimensions(), 0u);
}

TEST(LearnTest, ExplanationsAddUpToTheScore) {
  const ChoiceModel model = learnt(data_of(lines(300, 5)), kind_of(ModelKind::kLinear));
  ChoiceScratch scratch;
  const std::string prompt = "prove the theorem on rings, name a fruit";
  for (std::size_t target = 0; target < 2; ++target) {
    const auto explanation = model.explain(prompt, target, 5);
    ASSERT_TRUE(explanation);
    ASSERT_EQ(explanation->top.size(), 5u);
    double sum = explanation->bias + explanation->rest;
    for (const Contribution& one : explanation->top) {
      EXPECT_FALSE(one.feature.empty());
      sum += one.amount;
    }
    EXPECT_NEAR(sum, explanation->score, 1e-9);
    EXPECT_NEAR(model.forecast(prompt, scratch).targets[target].score, explanation->score, 1e-5);
  }
}

TEST(LearnTest, AbstainsOnWhatItHasNeverSeen) {
  const ChoiceModel model = learnt(data_of(lines(300, 6)), kind_of(ModelKind::kLinear));
  ChoiceScratch scratch;
  const ChoiceForecast strange = model.forecast("Кошка сидит дома вечером", scratch);
  EXPECT_TRUE(strange.abstains);
  EXPECT_LT(strange.familiarity, model.familiarity_min());
  EXPECT_NEAR(strange.targets[0].quality, 0.55, 0.1);  // The base rate.
  EXPECT_FALSE(model.forecast("name a fruit number 123456 77", scratch).abstains);
}

TEST(LearnTest, KnowsWhatItCosts) {
  const ChoiceModel model = learnt(data_of(lines(300, 7)), kind_of(ModelKind::kLinear));
  ChoiceScratch scratch;
  const auto hard = model.forecast("prove the theorem on rings number 123456 1", scratch);
  EXPECT_NEAR(static_cast<double>(hard.targets[0].cost->count()) / 1e12, 0.004, 0.001);
  EXPECT_FALSE(hard.targets[1].cost) << "an unknown cost is not zero";
}

TEST(LearnTest, RemembersWhatItLearntFrom) {
  const OutcomeData data = data_of(lines(100, 8));
  const ChoiceModel model = learnt(data, kind_of(ModelKind::kLinear));
  EXPECT_TRUE(model.learnt_from(data.rows[5].prompt));
  EXPECT_FALSE(model.learnt_from("something else"));
}

TEST(LearnTest, NeverLearnsFromTestRows) {
  OutcomeData data = data_of(lines(300, 9));
  for (std::size_t i = 0; i < data.rows.size(); ++i) data.rows[i].test = i % 2 == 1;
  const std::string before = learnt(data, kind_of(ModelKind::kLinear)).serialise();
  for (std::size_t i = 1; i < data.rows.size(); i += 2) {
    data.rows[i].outcomes[0]->quality = 0;
    data.rows[i].prompt = "changed";
  }
  EXPECT_EQ(learnt(data, kind_of(ModelKind::kLinear)).serialise(), before);
}

TEST(LearnTest, TellsNothingFromChance) {
  OutcomeData data = data_of(lines(400, 10));
  const RandomKey key(11, 0, Purpose::kTest);
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    data.rows[i].outcomes[0]->quality = RandomStream(key, i).below(2) == 1 ? 1.0f : 0.0f;
  }
  const ChoiceModel model = learnt(data, kind_of(ModelKind::kLinear));
  for (const HeldOut& one : model.held_out())
    EXPECT_LE(one.brier, one.brier_of_mean + 1e-12) << one.name;
}

TEST(LearnTest, SaysWhatItCannotLearn) {
  OutcomeData data = data_of(lines(60, 12));
  OutcomeData constant = data;
  for (OutcomeRow& row : constant.rows) {
    row.outcomes[1]->quality = 1;
    row.prompt_class = 1;
  }
  OutcomeData few = data;
  few.rows.resize(10);
  LearnOptions unknown = kind_of(ModelKind::kLinear);
  unknown.targets = {"chaep"};
  LearnOptions alone = kind_of(ModelKind::kFactors);
  alone.targets = {"cheap"};
  const struct {
    std::string message;
    const OutcomeData* data;
    LearnOptions options;
  } cases[] = {
      {"target \"dear\" has the quality 1 in all 60", &constant, kind_of(ModelKind::kLinear)},
      {"only the class \"complex\"", &constant, kind_of(ModelKind::kTier)},
      {"has 10 rows to learn from", &few, kind_of(ModelKind::kLinear)},
      {"did you mean \"cheap\"", &data, unknown},
      {"there is only one", &data, alone},
      {"learns nothing", &data, kind_of(ModelKind::kRules)},
  };
  for (const auto& one : cases) {
    const auto model = learn(*one.data, one.options);
    ASSERT_FALSE(model) << one.message;
    EXPECT_THAT(to_text(model.error()), HasSubstr(one.message));
  }
}

TEST(ModelFileTest, RefusesWhatIsDamaged) {
  const std::string good = learnt(data_of(lines(100, 13)), kind_of(ModelKind::kLinear)).serialise();
  const std::size_t mark = good.find("\n--- weights");
  std::string flipped = good, version = good, header = good, kind = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  version.replace(version.find("fare-choice/1"), 13, "fare-choice/9");
  header.replace(header.find("\"outputs\": 2"), 12, "\"outputs\": 3");
  kind.replace(kind.find("\"linear\""), 8, "\"tier\"  ");
  for (const std::string& bytes :
       {std::string(), good.substr(0, mark), good.substr(0, 100), good.substr(0, good.size() - 8),
        flipped, version, header, kind}) {
    EXPECT_FALSE(ChoiceModel::parse("m", bytes));
  }
  // A header may be changed by hand, but not so that reading leaves the weights.
  for (std::size_t at = 0; at < mark; at += 7) {
    std::string changed = good;
    changed[at] = '9';
    if (const auto model = ChoiceModel::parse("m", changed)) {
      ChoiceScratch scratch;
      (void)model->forecast("prove the theorem", scratch);
    }
  }
}

TEST(RulesTest, NeedNoLabels) {
  const ChoiceModel rules = ChoiceModel::rules();
  ChoiceScratch scratch;
  const struct {
    std::string prompt, expected;
  } cases[] = {
      {"What is a cat?", "simple"},
      {"Hello", "simple"},
      {"Explain how vaccines work", "medium"},
      {"Write a Python function that reverses a string", "medium"},
      {"Design a distributed payment platform with ledger, fraud detection, and failover",
       "complex"},
      {"Prove that the square root of 2 is irrational", "reasoning"},
      {"证明素数有无穷多个", "reasoning"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(rules.classes()[rules.forecast(one.prompt, scratch).likely_class], one.expected)
        << one.prompt;
  }
  EXPECT_FALSE(rules.explain("x", 0, 3));
  EXPECT_EQ(ChoiceModel::parse("m", rules.serialise())->kind(), ModelKind::kRules);
}

}  // namespace
}  // namespace fare
