// Goal: cascades in simulated traffic cost, last and come out as their plans and judges say, and an
// evaluation finds what is there to be found.
// Method: whole runs, whose invariants hold as always, against closed forms and published tables.

#include "study/judging.h"

#include <gmock/gmock.h>

#include <cmath>

#include "allocations.h"
#include "fare/cascade.h"
#include "report/json.h"
#include "report/text.h"
#include "study/fixture.h"
#include "study/report.h"
#include "study/run.h"

namespace routesim {
namespace {

using fare::Cost;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr double kCheap = 0.7;  // The qualities of two models,
constexpr double kDear = 0.95;
constexpr double kTrueAccept = 0.9;  // and what their judge does.
constexpr double kFalseAccept = 0.1;

double logit(double probability) { return std::log(probability / (1 - probability)); }

nlohmann::json model_of(const std::string& name, double quality, int first_token_ms) {
  return {{"model", name},
          {"origin", "assumed"},
          {"skill", logit(quality)},
          {"first_token_ms", first_token_ms},
          {"ms_per_output_token", 0}};
}

// Requests of 1,000 tokens that are answered by 200, which cost 1,400 and 14,000 microdollars; all
// are equally difficult.  Policy 0 asks the dear model alone, policy 1 in a cascade.
nlohmann::json cascade_scenario(std::size_t requests) {
  nlohmann::json json = small_scenario();
  json["traffic"]["arrivals"] = {{"process", "even"}, {"per_second", 10}, {"requests", requests}};
  json["traffic"]["input_tokens"] = 1'000;
  json["traffic"]["output_tokens"] = 200;
  json["world"]["models"] = {model_of("cheap", kCheap, 500), model_of("dear", kDear, 1'500)};
  for (auto& difficulty : json["world"]["difficulty"]) difficulty = {{"mean", 0}, {"sd", 0}};
  json["world"]["judges"] = {{{"name", "rubric"},
                              {"false_fail", 1 - kTrueAccept},
                              {"false_pass", kFalseAccept},
                              {"usd_per_judgement", "0.0005"},
                              {"delay_ms", 250}}};
  nlohmann::json& policy = json["policies"][1]["policy"];
  policy["name"] = "cascade";
  policy["expected_output_tokens"] = 200;
  policy["targets"][0]["quality"] = kCheap;
  policy["targets"][1]["quality"] = kDear;
  policy["rules"] = {{{"name", "all"},
                      {"candidates", {"cheap", "dear"}},
                      {"quality_floor", 0.94},
                      {"cascade",
                       {{"true_accept", kTrueAccept},
                        {"false_accept", kFalseAccept},
                        {"scorer_usd", "0.0005"},
                        {"scorer_ms", 250}}}}};
  json["policies"][1]["scorer"] = "rubric";
  return json;
}

nlohmann::json& judge_of(nlohmann::json& json) { return json["world"]["judges"][0]; }

RunResult run_variant(const nlohmann::json& json, std::size_t variant,
                      RunObserver* observer = nullptr) {
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  return run_once(scenario, scenario.variants[variant], 0, progress, observer);
}

RunResult run_cascade(const nlohmann::json& json) { return run_variant(json, 1); }

Cost usd(const char* text) { return fare::parse_usd(text).value(); }

Cost times(std::uint64_t count, Cost cost) {
  return Cost(static_cast<fare::Int128>(count) * cost.count());
}

// Histograms are good to 1 %.
bool is_about(fare::Duration found, fare::Duration wanted) {
  return std::abs((found - wanted).count()) <= wanted.count() / 100;
}

// Four standard errors of a share.
double margin(double share, double count) { return 4 * std::sqrt(share * (1 - share) / count); }

TEST(CascadeRunTest, CostsAndIsAsGoodAsThePlanSays) {
  constexpr std::size_t kRequests = 200'000;
  const RunResult run = run_cascade(cascade_scenario(kRequests));
  const fare::CascadeTarget targets[] = {
      {.quality = kCheap, .cost = usd("0.0014"), .latency = milliseconds(500)},
      {.quality = kDear, .cost = usd("0.014"), .latency = milliseconds(1'500)}};
  const fare::CascadeScorer scorer{.true_accept = kTrueAccept,
                                   .false_accept = kFalseAccept,
                                   .cost = usd("0.0005"),
                                   .time = milliseconds(250)};
  const std::uint8_t stages[] = {0, 1};
  const fare::CascadeOutlook outlook = fare::evaluate_cascade(targets, scorer, stages);
  ASSERT_EQ(run.answered, kRequests);
  const auto count = static_cast<double>(kRequests);
  const double escalated = static_cast<double>(run.scoring.rejected) / count;
  const double spread = margin(outlook.last_stage_share, count);
  EXPECT_NEAR(escalated, outlook.last_stage_share, spread);
  // All that varies of the cost is whether the dear model is asked.
  const double planned = static_cast<double>(outlook.expected_cost.count());
  EXPECT_NEAR(static_cast<double>(run.cost.count()) / count, planned, 0.014e12 * spread);
  EXPECT_NEAR(static_cast<double>(run.quality.good) / count, outlook.quality,
              margin(outlook.quality, count));
  EXPECT_TRUE(is_about(run.end_to_end.quantile(1), outlook.latency));
  EXPECT_EQ(run.scoring.by_stage[0], run.scoring.accepted);
  EXPECT_EQ(run.scoring.by_stage[1], run.scoring.rejected);
  EXPECT_EQ(run.scoring.kept, 0u);
}

// Three stages, the last of which has twins behind it as a fallback: nothing follows it.
TEST(CascadeRunTest, EveryStageButTheLastIsScored) {
  nlohmann::json json = cascade_scenario(50'000);
  nlohmann::json middle = json["extra_prices"][0]["models"][0];
  middle["id"] = "middle";
  middle["prices"][0]["usd_per_mtok"] = {{"input", "3"}, {"output", "6"}};
  json["extra_prices"][0]["models"].push_back(middle);
  json["world"]["models"].push_back(model_of("middle", 0.8, 700));
  nlohmann::json& policy = json["policies"][1]["policy"];
  policy["targets"].push_back({{"name", "middle"}, {"model", "middle"}, {"quality", 0.8}});
  policy["rules"][0]["candidates"] = {"cheap", "middle", "dear"};
  policy["rules"][0]["quality_floor"] = 0.952;
  const RunResult run = run_cascade(json);
  const fare::CascadeTarget targets[] = {{.quality = kCheap, .cost = usd("0.0014")},
                                         {.quality = 0.8, .cost = usd("0.0042")},
                                         {.quality = kDear, .cost = usd("0.014")}};
  const fare::CascadeScorer scorer{
      .true_accept = kTrueAccept, .false_accept = kFalseAccept, .cost = usd("0.0005")};
  const std::uint8_t stages[] = {0, 1, 2};
  const fare::CascadeOutlook outlook = fare::evaluate_cascade(targets, scorer, stages);
  ASSERT_GT(run.scoring.by_stage[2], 0u) << "three stages were planned";
  const double last = static_cast<double>(run.scoring.by_stage[2]) / 50'000;
  EXPECT_NEAR(last, outlook.last_stage_share, margin(outlook.last_stage_share, 50'000));
  EXPECT_NEAR(static_cast<double>(run.quality.good) / 50'000, outlook.quality,
              margin(outlook.quality, 50'000));
  EXPECT_EQ(run.scoring.scored, 50'000u + run.scoring.by_stage[1] + run.scoring.by_stage[2]);
  EXPECT_EQ(run.cost, times(50'000, usd("0.0014")) + times(run.scoring.scored, usd("0.0005")) +
                          times(run.by_model[2].attempts, usd("0.0042")) +
                          times(run.by_model[1].attempts, usd("0.014")));
}

TEST(CascadeRunTest, TheJudgesPriceAndDelayAreThereToTheLastDigit) {
  nlohmann::json json = cascade_scenario(1'000);
  judge_of(json)["false_fail"] = 1;
  judge_of(json)["false_pass"] = 0;
  const RunResult rejected = run_cascade(json);
  EXPECT_EQ(rejected.scoring.rejected, 1'000u);
  EXPECT_EQ(rejected.scoring.cost, usd("0.5"));
  EXPECT_EQ(rejected.cost, usd("15.9"));  // 1.4 + 0.5 + 14.
  EXPECT_EQ(rejected.scoring.delay_ns, fare::Int128{250} * 1'000'000'000);
  EXPECT_EQ(rejected.sojourn_ns, fare::Int128{1'000} * 2'250'000'000);
  // The last answer is not scored: its first token comes as it comes.
  EXPECT_TRUE(is_about(rejected.first_token.quantile(1), milliseconds(500 + 250 + 1'500)));
  judge_of(json)["false_fail"] = 0;
  judge_of(json)["false_pass"] = 1;
  const RunResult accepted = run_cascade(json);
  EXPECT_EQ(accepted.scoring.accepted, 1'000u);
  EXPECT_EQ(accepted.cost, usd("1.9"));
  EXPECT_EQ(accepted.sojourn_ns, fare::Int128{1'000} * 750'000'000);
  EXPECT_TRUE(is_about(accepted.first_token.quantile(1), milliseconds(750))) << "held back";
  Cost tenants;
  for (const GroupTally& tenant : accepted.by_tenant) tenants += tenant.cost;
  EXPECT_EQ(tenants, accepted.cost);
}

TEST(CascadeRunTest, AScoreBelowAcceptMinSendsTheRequestOn) {
  nlohmann::json json = cascade_scenario(20'000);
  json["world"]["judges"][0] = {{"name", "rubric"}, {"noise", 0.5}};
  nlohmann::json& cascade = json["policies"][1]["policy"]["rules"][0]["cascade"];
  std::uint64_t before = 20'000;
  for (const double accept_min : {0.5, 0.7, 0.9}) {
    cascade["accept_min"] = accept_min;
    const RunResult run = run_cascade(json);
    // The judge's logit is normal about that of 0.7.
    const double z = (logit(kCheap) - logit(accept_min)) / 0.5;
    const double accepted = 0.5 * std::erfc(-z / std::sqrt(2));
    EXPECT_NEAR(static_cast<double>(run.scoring.accepted) / 20'000, accepted,
                margin(accepted, 20'000));
    EXPECT_LT(run.scoring.accepted, before);
    before = run.scoring.accepted;
  }
}

TEST(CascadeRunTest, WhereNoFurtherAttemptIsGrantedTheAnswerInHandIsGiven) {
  nlohmann::json json = cascade_scenario(300);
  judge_of(json)["false_fail"] = 1;
  judge_of(json)["false_pass"] = 0;
  json["policies"][1]["policy"]["targets"][1]["limits"] = {{"requests_per_minute", 1}};
  const RunResult run = run_cascade(json);  // Of half a minute.
  EXPECT_EQ(run.answered, 300u);
  EXPECT_EQ(run.scoring.kept, 299u);
  EXPECT_EQ(run.scoring.by_stage[0], 299u);
  EXPECT_EQ(run.held_back[static_cast<std::size_t>(fare::TopUpStatus::kRateLimited)], 299u);
  EXPECT_EQ(run.cost, times(300, usd("0.0019")) + usd("0.014"));
}

TEST(CascadeRunTest, WhereTheNextStageFailsTheAnswerInHandIsGiven) {
  nlohmann::json json = cascade_scenario(1'000);
  judge_of(json)["false_fail"] = 1;
  judge_of(json)["false_pass"] = 0;
  json["world"]["models"][1]["failure_share"] = 1;
  const RunResult run = run_cascade(json);
  EXPECT_EQ(run.failed, 0u);
  EXPECT_EQ(run.scoring.kept, 1'000u);
  EXPECT_EQ(run.by_model[1].failures, 1'000u);
  EXPECT_EQ(run.sojourn_ns, fare::Int128{1'000} * 2'250'000'000);
  // What is given is the cheap model's answer, and as good as that.
  EXPECT_NEAR(static_cast<double>(run.quality.good) / 1'000, kCheap, margin(kCheap, 1'000));
  EXPECT_NEAR(run.quality_sum / 1'000, kCheap, 1e-12);
}

TEST(CascadeRunTest, WhoGivesUpWhileAnAnswerIsScoredIsAbandonedAndPaysForTheScore) {
  nlohmann::json json = cascade_scenario(100);
  json["traffic"]["users"] = {{"patience_seconds", 0.6}};
  const RunResult run = run_cascade(json);
  EXPECT_EQ(run.abandoned, 100u);
  EXPECT_EQ(run.by_model[0].cancelled, 0u) << "its answer was whole";
  EXPECT_EQ(run.scoring.scored, 100u);
  EXPECT_EQ(run.scoring.accepted + run.scoring.rejected, 0u);
  EXPECT_EQ(run.cost, times(100, usd("0.0019")));
  EXPECT_EQ(run.length, seconds(9) + milliseconds(900 + 600) + milliseconds(0))
      << "nothing happens after the last one has gone";
}

// Goal: a stronger model is good wherever a weaker one is, on the same traffic.
// Method: an observer notes which requests were answered well.
class GoodAnswers : public RunObserver {
 public:
  void on_end(const RequestEnd& end) override {
    if (good.size() <= end.index) good.resize(end.index + 1);
    good[end.index] = end.good.value();
  }
  std::vector<bool> good;
};

TEST(JudgingTest, AStrongerModelIsGoodWhereverAWeakerOneIs) {
  nlohmann::json json = cascade_scenario(5'000);
  for (auto& difficulty : json["world"]["difficulty"]) difficulty["sd"] = 1.5;
  GoodAnswers strong;
  GoodAnswers weak;
  run_variant(json, 0, &strong);
  json["world"]["models"][1]["skill"] = 0.5;
  run_variant(json, 0, &weak);
  ASSERT_EQ(strong.good.size(), 5'000u);
  std::size_t better = 0;
  for (std::size_t i = 0; i < 5'000; ++i) {
    ASSERT_GE(strong.good[i], weak.good[i]) << i;
    better += strong.good[i] != weak.good[i];
  }
  EXPECT_GT(better, 500u);
}

TEST(JudgingTest, HallucinationsAndInjectionsKeepTheirRates) {
  constexpr double kRequests = 50'000;
  nlohmann::json json = cascade_scenario(50'000);
  json["world"]["injected_share"] = 0.2;
  json["world"]["models"][1]["hallucination_rate"] = 0.07;
  json["world"]["models"][1]["injection_rate"] = 0.3;
  const RunResult run = run_variant(json, 0);
  EXPECT_NEAR(static_cast<double>(run.quality.hallucinated) / kRequests, 0.07,
              margin(0.07, kRequests));
  EXPECT_NEAR(static_cast<double>(run.quality.injected) / kRequests, 0.2, margin(0.2, kRequests));
  const auto injected = static_cast<double>(run.quality.injected);
  EXPECT_NEAR(static_cast<double>(run.quality.obeyed) / injected, 0.3, margin(0.3, injected));
}

nlohmann::json evaluated_scenario(std::size_t requests) {
  nlohmann::json json = cascade_scenario(requests);
  json["world"]["judges"].push_back({{"name", "person"},
                                     {"false_pass", 0.2},
                                     {"false_fail", 0.05},
                                     {"usd_per_judgement", "0.25"},
                                     {"delay_ms", 60'000}});
  for (auto& policy : json["policies"]) {
    policy["evaluation"] = {{"judge", "person"}, {"share", "0.1"}};
  }
  return json;
}

TEST(EvaluationTest, FindsTheShareThatItsJudgeWould) {
  const nlohmann::json json = evaluated_scenario(100'000);
  const RunResult run = run_variant(json, 0);
  const EvaluationTally& found = run.evaluation;
  const auto judged = static_cast<double>(found.judged);
  EXPECT_NEAR(judged / 100'000, 0.1, margin(0.1, 100'000));
  EXPECT_NEAR(static_cast<double>(found.good) / judged, kDear, margin(kDear, judged));
  const double passed = kDear * 0.95 + (1 - kDear) * 0.2;
  EXPECT_NEAR(static_cast<double>(found.passed) / judged, passed, margin(passed, judged));
  EXPECT_EQ(found.passed - found.false_passes, found.good - found.false_fails);
  EXPECT_EQ(found.cost, times(found.judged, usd("0.25")));
  // Nobody waits for it or pays it.
  nlohmann::json plain = json;
  plain["policies"][0].erase("evaluation");
  const RunResult without = run_variant(plain, 0);
  EXPECT_EQ(run.cost, without.cost);
  EXPECT_EQ(run.sojourn_ns, without.sojourn_ns);
  EXPECT_EQ(run.length, without.length);
  EXPECT_EQ(without.evaluation, EvaluationTally{});
}

TEST(EvaluationTest, EveryPolicyHasTheSameRequestsJudged) {
  const nlohmann::json json = evaluated_scenario(5'000);
  EXPECT_EQ(run_variant(json, 0).evaluation.judged, run_variant(json, 1).evaluation.judged);
}

TEST(EvaluationTest, SeesAModelDegradeAtItsInstant) {
  nlohmann::json json = evaluated_scenario(100'000);  // Of 10,000 s.
  json["world"]["models"][1]["degrades"] = {{"after_s", 4'000}, {"skill_loss", 2}};
  for (auto& policy : json["policies"]) {
    policy["evaluation"]["share"] = "0.5";
    policy["evaluation"]["window_s"] = 2'000;
  }
  const RunResult run = run_variant(json, 0);
  const double less = 1 / (1 + std::exp(2 - logit(kDear)));
  ASSERT_EQ(run.by_window.size(), 5u);
  EvaluationTally sum;
  for (std::size_t i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    const EvaluationTally& window = run.by_window[i];
    const auto judged = static_cast<double>(window.judged);
    const double good = i < 2 ? kDear : less;
    const double passed = good * 0.95 + (1 - good) * 0.2;
    EXPECT_NEAR(static_cast<double>(window.good) / judged, good, margin(good, judged));
    EXPECT_NEAR(static_cast<double>(window.passed) / judged, passed, margin(passed, judged));
    sum += window;
  }
  EXPECT_EQ(sum, run.evaluation);
}

TEST(JudgingTest, APolicyAgainstItselfDiffersByExactlyZero) {
  nlohmann::json json = evaluated_scenario(2'000);
  json["world"]["injected_share"] = 0.2;
  json["world"]["models"][0]["hallucination_rate"] = 0.1;
  json["world"]["models"][0]["injection_rate"] = 0.1;
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  const Variant* const self = &scenario.variants[1];
  const Report report = study(scenario, {self, self}, 2, progress);
  for (std::size_t i = 0; i < kMetricsMax; ++i) {
    const auto metric = static_cast<Metric>(i);
    if (metric == Metric::kUnknownShare || metric == Metric::kLaterStageShare) continue;
    const std::optional<Estimate>& difference = (*report.comparison)[metric];
    ASSERT_TRUE(difference) << to_string(metric);
    ASSERT_NE(report.policies[0][metric]->mean, metric == Metric::kRefusedShare ? 1 : -1);
    EXPECT_EQ(difference->mean, 0) << to_string(metric);
    EXPECT_EQ(*difference->half_width, 0) << to_string(metric);
  }
}

TEST(JudgingTest, TheReportTellsWhatWasJudged) {
  nlohmann::json json = evaluated_scenario(2'000);
  for (auto& policy : json["policies"]) policy["evaluation"]["window_s"] = 100;
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  const Report report =
      study(scenario, {&scenario.variants[0], &scenario.variants[1]}, 2, progress);
  const RunResult& total = report.policies[1].total;
  const nlohmann::json parsed = nlohmann::json::parse(to_json(report));
  const nlohmann::json& cascade = parsed["policies"][1];
  EXPECT_EQ(cascade["quality"]["good"], total.quality.good);
  EXPECT_EQ(cascade["quality"]["known"], 6'000);
  EXPECT_EQ(cascade["scoring"]["scored"], 6'000);
  EXPECT_EQ(cascade["scoring"]["cost_usd"], "3");
  EXPECT_EQ(cascade["scoring"]["delay_ns"], 6'000 * std::int64_t{250'000'000});
  EXPECT_EQ(cascade["scoring"]["by_stage"][1], total.scoring.rejected);
  EXPECT_EQ(cascade["evaluation"]["judged"], total.evaluation.judged);
  EXPECT_EQ(cascade["evaluation"]["by_window"].size(), 3u);  // The last one came at 200 s.
  EXPECT_FALSE(parsed["policies"][0].contains("scoring"));
  for (const char* const metric : {"good_share", "evaluated_passed_share", "evaluation_error"}) {
    EXPECT_TRUE(parsed["comparison"]["differences"][metric].contains("interval_95")) << metric;
    EXPECT_TRUE(cascade["metrics"][metric].contains("interval_95")) << metric;
  }
  EXPECT_TRUE(parsed["comparison"]["differences"]["scoring_usd"].is_null()) << "one scores nothing";
  EXPECT_EQ(cascade["metrics"]["scoring_usd"]["mean"], 1.0);
  EXPECT_FALSE(cascade["metrics"].contains("hallucinated_share")) << "nothing was";
  const std::string text = to_text(report, {});
  for (const char* const row : {"good answers", "given at stage 1", "evaluated: error", "scores"}) {
    EXPECT_THAT(text, HasSubstr(row));
  }
  EXPECT_THAT(to_csv(report), HasSubstr("cascade,judge,scores,,6000,,3\n"));
}

std::string errors_of(const nlohmann::json& json) {
  const auto scenario = load_json(json);
  return scenario ? "no error" : fare::to_text(scenario.error());
}

TEST(JudgingTest, SaysAtOnceWhoIsMissing) {
  nlohmann::json json = cascade_scenario(10);
  json["policies"][1].erase("scorer");
  json["policies"][0]["evaluation"] = {{"judge", "rubrik"}, {"share", "1.5"}};
  const std::string errors = errors_of(json);
  EXPECT_THAT(errors, HasSubstr("/rules/0/cascade: needs somebody who scores the answers of rule "
                                "\"all\": name one of the world's judges by \"scorer\""));
  EXPECT_THAT(errors, HasSubstr("#/policies/0/evaluation/judge: must be one of \"rubric\""));
  EXPECT_THAT(errors, HasSubstr("#/policies/0/evaluation/share: must be a share"));
  json = cascade_scenario(10);
  json["world"].erase("judges");
  EXPECT_THAT(errors_of(json), HasSubstr("#/policies/1/scorer: needs \"judges\" in the world"));
  json = cascade_scenario(10);
  json["world"]["judges"].push_back(json["world"]["judges"][0]);
  EXPECT_THAT(errors_of(json), HasSubstr("#/world/judges/1: \"rubric\" stands twice"));
  json = cascade_scenario(10);
  json["world"]["models"][0].erase("skill");
  EXPECT_THAT(errors_of(json),
              HasSubstr("nothing says how good the answers of \"cheap\" are, which rule \"all\""));
}

// A cascade is edited in its file, and run again without touching the scenario.
class PolicyFileTest : public testing::Test {
 protected:
  PolicyFileTest() : json_(cascade_scenario(10)) {
    path_ = folder_.write("cascade.json", json_["policies"][1]["policy"].dump());
    plain_ = folder_.write("plain.json", json_["policies"][0]["policy"].dump());
  }

  fare::Expected<Scenario> load(ScenarioOverrides overrides) const {
    return load_scenario(folder_.write("scenario.json", json_.dump()), overrides);
  }
  std::string errors(ScenarioOverrides overrides) const {
    const auto scenario = load(std::move(overrides));
    return scenario ? "no error" : fare::to_text(scenario.error());
  }

  TemporaryFolder folder_;
  nlohmann::json json_;
  std::string path_, plain_;
};

TEST_F(PolicyFileTest, ItsCascadeHasTheScenariosOnlyScorer) {
  const auto scenario = load({.policies = {path_, plain_}});
  ASSERT_TRUE(scenario) << fare::to_text(scenario.error());
  EXPECT_EQ(scenario->variants[2].judging.scorer, scenario->variants[1].judging.scorer);
  EXPECT_FALSE(scenario->variants[3].judging.scorer.has_value());
}

TEST_F(PolicyFileTest, ItsScorerCanBeNamed) {
  nlohmann::json other = json_["world"]["judges"][0];
  other["name"] = "other";
  json_["world"]["judges"].push_back(other);
  const auto scenario = load({.policies = {path_}, .scorer = "other"});
  ASSERT_TRUE(scenario) << fare::to_text(scenario.error());
  EXPECT_EQ(scenario->variants[1].judging.scorer, 0u);
  EXPECT_EQ(scenario->variants[2].judging.scorer, 1u);
  // Two scorers in the scenario: then it must be.
  json_["policies"].push_back(json_["policies"][1]);
  json_["policies"][2]["policy"]["name"] = "again";
  json_["policies"][2]["scorer"] = "other";
  EXPECT_THAT(errors({.policies = {path_}}),
              HasSubstr(path_ + "#/rules/0/cascade: needs somebody who scores the answers of rule "
                                "\"all\": with --scorer name one of the judges of "));
  EXPECT_THAT(errors({.policies = {path_}}), HasSubstr(", which has \"rubric\", \"other\"\n"));
  EXPECT_EQ(errors({.policies = {path_}, .scorer = "other"}), "no error");
}

TEST_F(PolicyFileTest, AScorerWhoIsNobodyOrOfNothingIsAnError) {
  EXPECT_THAT(errors({.policies = {path_}, .scorer = "rubrik"}),
              HasSubstr("--scorer: \"rubrik\" is not a judge of "));
  EXPECT_THAT(errors({.policies = {plain_}, .scorer = "rubric"}),
              HasSubstr("--scorer: says who scores the cascades of a policy that is given as a "
                        "file, but there is none with a cascade\n"));
  EXPECT_THAT(errors({.scorer = "rubric"}), HasSubstr("--scorer: says who"));
  json_["world"].erase("judges");
  json_["policies"].erase(1);
  EXPECT_THAT(errors({.policies = {path_}}),
              HasSubstr(", which has none yet: give its world \"judges\"\n"));
  EXPECT_THAT(errors({.policies = {path_}, .scorer = "rubric"}),
              HasSubstr("--scorer: \"rubric\" is not a judge of "));
}

// Goal: memory grows with what is open, and scores and evaluations allocate nothing.
// Method: a run of ten times as many requests allocates hardly more.
TEST(JudgingTest, ALongerJudgedRunAllocatesHardlyMore) {
  const auto allocations_of = [](std::size_t requests) {
    const Scenario scenario = scenario_of(evaluated_scenario(requests));
    std::atomic<std::uint64_t> progress{0};
    const std::uint64_t before = fare::allocations();
    run_once(scenario, scenario.variants[1], 0, progress);
    return fare::allocations() - before;
  };
  EXPECT_LT(allocations_of(20'000), allocations_of(2'000) + 100);
}

}  // namespace
}  // namespace routesim
