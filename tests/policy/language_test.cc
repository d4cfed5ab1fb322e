#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fare/policy.h"
#include "policy/policy_data.h"

namespace fare {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Everything that tests/policy/policy_test.cc does not read.
constexpr std::string_view kRich = R"({
  "format": "fare-policy/1", "name": "rich", "expected_output_tokens": 200,
  "classes": [{"name": "simple"}, {"name": "complex"}],
  "targets": [
    {"name": "a", "model": "m", "region": "eu", "tier": "priority", "cache": "anthropic",
     "limits": {"requests_per_minute": 4000, "input_tokens_per_minute": 2000001,
                "output_tokens_per_minute": 400000, "concurrency": 200, "burst_share": 0.5,
                "cache_reads_count": false}},
    {"name": "b", "model": "m", "limits": {"concurrency": 1}},
    {"name": "c", "model": "m"},
    {"name": "night", "model": "m", "tier": "batch"}],
  "health": {"failures_max": 3, "failure_share_max": 0.25, "attempts_min": 10,
             "half_life_ms": 5000, "eject_min_ms": 1000, "eject_max_ms": 2000, "probes_max": 2,
             "probes_needed": 1, "probe_timeout_ms": 0.5, "ramp_ms": 0, "ramp_from": 0.2},
  "retry": {"per_1000": 50, "saved_max": 5, "attempts_max": 3},
  "forecast": {"down_percent": 120, "up_percent": 80, "half_life_ms": 60000,
               "step_time_ms": 1000},
  "rules": [
    {"name": "full",
     "when": {"class": ["simple"], "scope": ["acme", "user:*"], "language": ["de", "en-GB"],
              "hours": {"zone": "Europe/Berlin", "days": ["mon", "sun"], "from": "22:30",
                        "until": "06:00"}},
     "candidates": ["a", "b", "c"], "fallback": ["c", "night"], "deny": ["c"],
     "regions": ["eu", "us"], "quality_floor": {"min": 0.8, "confidence": 0.9},
     "objective": {"split": {"a": 3, "b": 1}},
     "canary": {"target": "night", "percent": "2.5", "salt": "july"},
     "session": {"pin": true, "switch_usd_max": "0.05"},
     "degrade": [
       {"name": "short", "on": ["refusal", "forecast"], "shorten_input_tokens": 4000,
        "quality_cost": 0.03},
       {"name": "brief", "on": ["forecast"], "cap_output_tokens": 300},
       {"name": "cheap", "candidates": ["b"]},
       {"name": "again", "cached_answer": true},
       {"name": "later", "defer_to": ["night"]}]},
    {"name": "useful", "when": {"tags": {"x": "1"}}, "candidates": ["a", "b"],
     "objective": {"utility": {"usd_per_answer": "0.05", "usd_per_second": "0.001"}}},
    {"name": "gain", "when": {"tags": {"x": "2"}}, "candidates": ["a", "b"],
     "objective": {"threshold": {"strong": "a", "weak": "b", "gain": 0.1}},
     "canary": {"target": "a", "percent": 0.0001}},
    {"name": "even", "when": {"tags": {"x": "3"}}, "candidates": ["a", "b"],
     "objective": {"balance": {"slack_percent": 5}}, "session": {"pin": false},
     "hedge": {"after_ms": 800, "scope": "hedges"}},
    {"name": "steps", "candidates": ["a", "b"], "quality_floor": 0.9,
     "cascade": {"true_accept": 0.9, "false_accept": 0.2, "accept_min": 0.6,
                 "scorer_usd": "0.0001", "scorer_ms": 20, "stages_max": 2}}]
})";

std::string lines_of(const Errors& errors) {
  std::string lines;
  for (const Error& error : errors) {
    lines += fmt::format("{} {}: {}\n", to_string(error.code), error.where, error.message);
  }
  return lines;
}

std::string problems_of(const std::string& text) {
  const Expected<Policy> policy = Policy::parse("p.json", text);
  return policy ? "" : lines_of(policy.error());
}

PolicyData rich() { return Policy::parse("p.json", kRich).value().data(); }

TEST(LanguageTest, ReadsTargets) {
  ASSERT_EQ(problems_of(std::string(kRich)), "");
  const PolicyData data = rich();
  const PolicyTarget& a = data.targets[0];
  EXPECT_EQ(a.region, "eu");
  EXPECT_EQ(a.tier, ServiceTier::kPriority);
  EXPECT_EQ(a.cache, "anthropic");
  EXPECT_EQ(a.limits->requests->count, 4'000);
  EXPECT_EQ(a.limits->requests->per, minutes(1));
  EXPECT_EQ(a.limits->requests->burst, 2'000);
  EXPECT_EQ(a.limits->input->burst, 1'000'001) << "rounded up";
  EXPECT_EQ(a.limits->output->count, 400'000);
  EXPECT_EQ(a.limits->slots, 200u);
  EXPECT_FALSE(a.limits->cache_reads_count);
  const PolicyTarget& b = data.targets[1];
  EXPECT_EQ(b.tier, ServiceTier::kStandard);
  EXPECT_FALSE(b.limits->requests);
  EXPECT_TRUE(b.limits->cache_reads_count);
  EXPECT_FALSE(data.targets[2].limits);
  EXPECT_EQ(data.targets[3].tier, ServiceTier::kBatch);
}

TEST(LanguageTest, ReadsHealthRetriesAndForecast) {
  const PolicyData data = rich();
  EXPECT_EQ(data.health.failures_max, 3);
  EXPECT_EQ(data.health.failure_share_max, 0.25);
  EXPECT_EQ(data.health.attempts_min, 10);
  EXPECT_EQ(data.health.half_life, seconds(5));
  EXPECT_EQ(data.health.eject_min, seconds(1));
  EXPECT_EQ(data.health.eject_max, seconds(2));
  EXPECT_EQ(data.health.probes_max, 2);
  EXPECT_EQ(data.health.probes_needed, 1);
  EXPECT_EQ(data.health.probe_timeout, std::chrono::microseconds(500));
  EXPECT_EQ(data.health.ramp, Duration(0));
  EXPECT_EQ(data.health.ramp_from, 0.2);
  EXPECT_EQ(data.retry.per_1000, 50);
  EXPECT_EQ(data.retry.saved_max, 5);
  EXPECT_EQ(data.attempts_max, 3u);
  EXPECT_EQ(data.forecast.down_percent, 120u);
  EXPECT_EQ(data.forecast.up_percent, 80u);
  EXPECT_EQ(data.forecast.half_life, minutes(1));
  EXPECT_EQ(data.forecast.step_time, seconds(1));
}

TEST(LanguageTest, ReadsWhenARuleHolds) {
  const When when = rich().rules[0].when;
  EXPECT_EQ(when.scopes, (std::vector<std::string>{"acme", "user:*"}));
  EXPECT_EQ(when.languages, (std::vector<std::string>{"de", "en-GB"}));
  ASSERT_TRUE(when.hours);
  EXPECT_EQ(when.hours->zone.name(), "Europe/Berlin");
  EXPECT_EQ(when.hours->days, 0b1000001);
  EXPECT_EQ(when.hours->from, minutes(22 * 60 + 30));
  EXPECT_EQ(when.hours->until, hours(6));
}

TEST(LanguageTest, ReadsWhatARuleChooses) {
  using Indices = std::vector<std::uint16_t>;
  const PolicyData data = rich();
  const PolicyRule& full = data.rules[0];
  EXPECT_EQ(full.candidates, (Indices{0, 1})) << "c is denied";
  EXPECT_EQ(full.fallback, Indices{3});
  EXPECT_EQ(full.denied, Indices{2});
  EXPECT_EQ(full.regions, (std::vector<std::string>{"eu", "us"}));
  EXPECT_EQ(full.quality_floor, 0.8);
  EXPECT_EQ(full.floor_confidence, 0.9);
  EXPECT_EQ(full.objective.kind, ObjectiveKind::kSplit);
  EXPECT_EQ(full.objective.shares, (std::vector<std::uint32_t>{3, 1}));
  EXPECT_EQ(full.canary->target, 3u);
  EXPECT_EQ(full.canary->share_ppm, 25'000u);
  EXPECT_EQ(full.canary->salt, "july");
  EXPECT_EQ(full.pin->switch_max, Cost(Int128{50'000'000'000}));
  const PolicyRule& useful = data.rules[1];
  EXPECT_EQ(useful.objective.kind, ObjectiveKind::kUtility);
  EXPECT_EQ(useful.objective.quality_worth, Cost(Int128{50'000'000'000}));
  EXPECT_EQ(useful.objective.second_worth, Cost(Int128{1'000'000'000}));
  EXPECT_FALSE(useful.pin);
  const PolicyRule& gain = data.rules[2];
  EXPECT_EQ(gain.objective.kind, ObjectiveKind::kThreshold);
  EXPECT_EQ(gain.objective.strong, 0u);
  EXPECT_EQ(gain.objective.weak, 1u);
  EXPECT_EQ(gain.objective.threshold, 0.1);
  EXPECT_EQ(gain.canary->share_ppm, 1u);
  EXPECT_EQ(gain.canary->salt, "gain") << "the rule's name";
  EXPECT_EQ(data.rules[3].objective.slack_ppm, 50'000u);
  EXPECT_FALSE(data.rules[3].pin);
  EXPECT_EQ(data.rules[3].hedge->after, milliseconds(800));
  EXPECT_EQ(data.rules[3].hedge->scope, "hedges");
  EXPECT_FALSE(data.rules[4].hedge);
  const Cascade& cascade = *data.rules[4].cascade;
  EXPECT_EQ(cascade.true_accept, 0.9);
  EXPECT_EQ(cascade.false_accept, 0.2);
  EXPECT_EQ(cascade.accept_min, 0.6);
  EXPECT_EQ(cascade.scorer_cost, Cost(Int128{100'000'000}));
  EXPECT_EQ(cascade.scorer_time, milliseconds(20));
  EXPECT_EQ(cascade.stages_max, 2u);
}

TEST(LanguageTest, ReadsTheLadder) {
  const PolicyData data = rich();
  const std::vector<DegradeStep>& steps = data.rules[0].degrade;
  ASSERT_EQ(steps.size(), 5u);
  EXPECT_EQ(steps[0].kind, DegradeKind::kShortenInput);
  EXPECT_TRUE(steps[0].on_refusal);
  EXPECT_TRUE(steps[0].on_forecast);
  EXPECT_EQ(steps[0].tokens, Tokens(4'000));
  EXPECT_EQ(steps[0].quality_loss, 0.03);
  EXPECT_EQ(steps[1].kind, DegradeKind::kCapOutput);
  EXPECT_FALSE(steps[1].on_refusal);
  EXPECT_EQ(steps[2].kind, DegradeKind::kCandidates);
  EXPECT_TRUE(steps[2].on_refusal) << "the default";
  EXPECT_FALSE(steps[2].on_forecast);
  EXPECT_EQ(steps[2].candidates, std::vector<std::uint16_t>{1});
  EXPECT_EQ(steps[3].kind, DegradeKind::kCachedAnswer);
  EXPECT_EQ(steps[4].kind, DegradeKind::kDefer);
  EXPECT_EQ(steps[4].candidates, std::vector<std::uint16_t>{3});
}

// One value set (or removed, where it is empty), and the one problem that this is.
struct Edit {
  std::string path;
  std::string value;
  std::string expected;  // After "p.json#", up to where it may go on.
};

void expect_edits(const std::vector<Edit>& edits) {
  for (const Edit& edit : edits) {
    SCOPED_TRACE(edit.path + " = " + edit.value);
    Json file = Json::parse(kRich);
    const Json::json_pointer place(edit.path);
    if (edit.value.empty()) {
      file = file.patch(Json::array({{{"op", "remove"}, {"path", edit.path}}}));
    } else {
      file[place] = Json::parse(edit.value);
    }
    const Expected<Policy> policy = Policy::parse("p.json", file.dump());
    ASSERT_FALSE(policy);
    const std::string lines = lines_of(policy.error());
    ASSERT_EQ(policy.error().size(), 1u) << lines;
    const std::size_t hash = lines.find('#');
    EXPECT_EQ(lines.substr(hash + 1, edit.expected.size()), edit.expected) << lines;
  }
}

TEST(LanguageTest, ChecksTargets) {
  const std::string a = "/targets/0";
  const std::string limits = a + "/limits";
  expect_edits({
      {a + "/tier", "\"fast\"", "/targets/0/tier: must be one of \"standard\", \"batch\""},
      {limits + "/requests_per_minute", "0",
       "/targets/0/limits/requests_per_minute: must be a whole number from 1 to 1000000000000"},
      {limits + "/burst_share", "0", "/targets/0/limits/burst_share: must be a number above 0"},
      {limits + "/burst_share", "1.1", "/targets/0/limits/burst_share: must be a number from 0"},
      {limits + "/input_tokens_per_minute", "",
       "/targets/0/limits/cache_reads_count: means nothing without input_tokens_per_minute"},
      {limits + "/concurency", "1",
       "/targets/0/limits/concurency: is not a known key; did you mean \"concurrency\"?"},
      {"/targets/1/limits", "{}", "/targets/1/limits: limits nothing: name at least one limit"},
  });
}

TEST(LanguageTest, ChecksOptions) {
  expect_edits({
      {"/health/failures_max", "0",
       "/health/failures_max: must be a whole number from 1 to 1000000"},
      {"/health/ramp_from", "0", "/health/ramp_from: must be a number above 0, but is 0"},
      {"/health/half_life_ms", "0", "/health/half_life_ms: must be a number above 0"},
      {"/health/eject_min_ms", "2001",
       "/health: eject_max_ms must be at least eject_min_ms, but they are 2000 and 2001"},
      {"/retry/per_1000", "1001", "/retry/per_1000: must be a whole number from 0 to 1000"},
      {"/retry/attempts_max", "9", "/retry/attempts_max: must be a whole number from 1 to 8"},
      {"/forecast/up_percent", "120",
       "/forecast: up_percent must be below down_percent, but they are 120 and 120"},
  });
}

TEST(LanguageTest, ChecksWhenARuleHolds) {
  const std::string when = "/rules/0/when";
  expect_edits({
      {when + "/scope", "[]", "/rules/0/when/scope: must be a list of 1 to 64 items"},
      {when + "/scope/1", "\"acme\"", "/rules/0/when/scope/1: names \"acme\" twice"},
      {when + "/hours/zone", "\"Europe/Berln\"", "/rules/0/when/hours/zone: "},
      {when + "/hours/days/0", "\"monday\"", "/rules/0/when/hours/days/0: must be one of \"mon\""},
      {when + "/hours/from", "\"24:00\"", "/rules/0/when/hours/from: must be before \"24:00\""},
      {when + "/hours/until", "\"00:00\"", "/rules/0/when/hours/until: must be after \"00:00\""},
      {when + "/hours/until", "\"7:00\"", "/rules/0/when/hours/until: must be a time of day"},
      {when + "/hours/until", "\"07:60\"", "/rules/0/when/hours/until: must be a time of day"},
  });
}

TEST(LanguageTest, ChecksWhatARuleChooses) {
  const std::string rule = "/rules/0";
  expect_edits({
      {rule + "/regions", "[\"us\"]",
       "/rules/0/regions: no candidate of rule \"full\" is in any of them"},
      {rule + "/quality_floor/confidence", "0.4",
       "/rules/0/quality_floor/confidence: must be a number from 0.5 to 0.999"},
      {rule + "/quality_floor/confidence", "",
       "/rules/0/quality_floor: needs the key \"confidence\""},
      {rule + "/session/pin", "false",
       "/rules/0/session/switch_usd_max: means nothing where \"pin\" is not true"},
      {rule + "/session/switch_usd_max", "\"-1\"",
       "/rules/0/session/switch_usd_max: must be from 0 to a million dollars"},
      {rule + "/canary/target", "\"d\"",
       "/rules/0/canary/target: \"d\" is not a target of this policy"},
      {rule + "/canary/target", "\"c\"", "/rules/0/canary/target: \"c\" is denied by the rule"},
      {rule + "/canary/percent", "\"2.00001\"",
       "/rules/0/canary/percent: must be a percentage from 0 to 100 with at most four decimals"},
      {rule + "/canary/percent", "2.00001",
       "/rules/0/canary/percent: must be a percentage from 0 to 100"},
      {rule + "/canary/percent", "100.1",
       "/rules/0/canary/percent: must be a percentage from 0 to 100"},
      {rule + "/canary/percent", "null",
       "/rules/0/canary/percent: must be a percentage from 0 to 100"},
  });
}

TEST(LanguageTest, ChecksObjectives) {
  const std::string split = "/rules/0/objective/split";
  const std::string threshold = "/rules/2/objective/threshold";
  expect_edits({
      {split, "{\"a\": 0, \"b\": 0}",
       "/rules/0/objective/split: the shares sum to 0: nobody could be drawn"},
      {split, "{}", "/rules/0/objective/split: the shares sum to 0"},
      {split + "/d", "1", "/rules/0/objective/split/d: \"d\" is not a target of this policy"},
      {split + "/c", "1", "/rules/0/objective/split/c: \"c\" is not a candidate of the rule"},
      {split + "/a", "-1", "/rules/0/objective/split/a: must be a whole number from 0 to 1000000"},
      {split, "[]", "/rules/0/objective/split: must be an object from candidate to share"},
      {"/rules/1/objective/utility/usd_per_answer", "\"0\"",
       "/rules/1/objective/utility/usd_per_answer: must be above 0"},
      {"/rules/1/objective/utility/usd_per_answer", "",
       "/rules/1/objective/utility: needs the key \"usd_per_answer\""},
      {threshold + "/weak", "\"a\"",
       "/rules/2/objective/threshold: strong and weak must be two targets"},
      {threshold + "/strong", "\"night\"",
       "/rules/2/objective/threshold/strong: \"night\" is not a candidate of the rule"},
      {"/rules/3/hedge/after_ms", "0", "/rules/3/hedge/after_ms: must be a number above 0"},
      {"/rules/3/hedge/scope", "7", "/rules/3/hedge/scope: must be a text of 1 to 255 bytes"},
      {"/rules/3/objective", "{}", "/rules/3/objective: must hold one of \"utility\", \"thresh"},
      {"/rules/3/objective/split", "{\"a\": 1}", "/rules/3/objective: must hold one of"},
      {"/rules/3/objective", "\"balance\"", "/rules/3/objective: must be one of \"min_cost\""},
  });
}

TEST(LanguageTest, ChecksCascades) {
  const std::string cascade = "/rules/4/cascade";
  expect_edits({
      {cascade + "/false_accept", "0.9",
       "/rules/4/cascade: a scorer must accept good answers more often than bad ones, but "
       "true_accept is 0.9 and false_accept 0.9"},
      {cascade + "/true_accept", "", "/rules/4/cascade: needs the key \"true_accept\""},
      {cascade + "/stages_max", "1", "/rules/4/cascade/stages_max: must be a whole number from 2"},
      {"/rules/4/quality_floor", "", "/rules/4/cascade: needs the rule's \"quality_floor\""},
      {"/rules/4/candidates/1", "", "/rules/4/cascade: needs two candidates at least"},
      {"/rules/4/objective", "{\"balance\": {\"slack_percent\": 1}}",
       "/rules/4/cascade: is planned for the least cost"},
  });
}

TEST(LanguageTest, ChecksLadders) {
  const std::string ladder = "/rules/0/degrade";
  expect_edits({
      {ladder, "[]", "/rules/0/degrade: must be a list of 1 to 8 items"},
      {ladder + "/1/name", "\"short\"", "/rules/0/degrade/1/name: \"short\" stands twice"},
      {ladder + "/0/on", "[]", "/rules/0/degrade/0/on: must be a list of 1 to 2 items"},
      {ladder + "/0/on/0", "\"budget\"", "/rules/0/degrade/0/on/0: must be one of \"refusal\""},
      {ladder + "/2", "{\"name\": \"x\"}",
       "/rules/0/degrade/2: must hold one of \"shorten_input_tokens\", \"cap_output_tokens\""},
      {ladder + "/2/cap_output_tokens", "7", "/rules/0/degrade/2: must hold one of"},
      {ladder + "/2/quality_cost", "0.1", "/rules/0/degrade/2/quality_cost: means nothing here"},
      {ladder + "/2/candidates", "[\"b\", \"a\"]",
       "/rules/0/degrade/2/candidates: changes nothing: it is so already above this step"},
      {ladder + "/2/candidates/0", "\"c\"",
       "/rules/0/degrade/2/candidates: \"c\" is denied by the rule"},
      {ladder + "/3/cached_answer", "false", "/rules/0/degrade/3/cached_answer: changes nothing"},
      {ladder + "/4/defer_to", "[\"a\"]",
       "/rules/0/degrade/4/defer_to: \"a\" is of the tier \"priority\": what is deferred goes"},
      {ladder + "/4/defer_to/0", "\"d\"",
       "/rules/0/degrade/4/defer_to/0: \"d\" is not a target of this policy"},
      {ladder + "/5", "{\"name\": \"x\", \"cap_output_tokens\": 300}",
       "/rules/0/degrade/5/cap_output_tokens: changes nothing: a step above leaves at most 300"},
      {ladder + "/5", "{\"name\": \"x\", \"cached_answer\": true}",
       "/rules/0/degrade/5/cached_answer: changes nothing"},
  });
}

TEST(LanguageTest, DeniesAtMostAllButOne) {
  Json file = Json::parse(kRich);
  file["rules"][4]["deny"] = {"a", "b"};
  EXPECT_EQ(problems_of(file.dump()),
            "conflict p.json#/rules/4/deny: denies every candidate of the rule\n");
}

TEST(LanguageTest, FindsRulesThatAnEarlierOneCovers) {
  Json file = Json::parse(kRich);
  Json& rules = file["rules"];
  rules = Json::parse(R"([
    {"name": "de", "when": {"language": ["de"]}, "candidates": ["a"]},
    {"name": "vienna", "when": {"language": ["de-AT"], "tags": {"x": "1"}}, "candidates": ["b"]},
    {"name": "simple", "when": {"class": ["simple"]}, "candidates": ["a"]},
    {"name": "complex", "when": {"class": ["complex"]}, "candidates": ["a"]},
    {"name": "both", "when": {"class": ["simple", "complex"], "tags": {"x": "2"}},
     "candidates": ["a"]},
    {"name": "rest", "candidates": ["a"]}])");
  EXPECT_EQ(problems_of(file.dump()),
            "conflict p.json#/rules/1: can never be reached: rule \"de\" before it holds wherever "
            "this one does\n"
            "conflict p.json#/rules/4: can never be reached: the rules \"simple\", \"complex\" "
            "before it take all of its classes\n");
  rules[2]["when"]["tags"] = {{"y", "1"}};
  rules.erase(1);
  EXPECT_EQ(problems_of(file.dump()), "") << "some simple requests are left for \"both\"";
}

TEST(LanguageTest, ABrokenWhenSaysNothingOfOtherRules) {
  Json file = Json::parse(kRich);
  file["rules"][0]["when"] = {{"hours", 7}};
  EXPECT_EQ(problems_of(file.dump()),
            "wrong_type p.json#/rules/0/when/hours: must be an object, but is 7\n");
}

}  // namespace
}  // namespace fare
