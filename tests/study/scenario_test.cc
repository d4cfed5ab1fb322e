#include "study/scenario.h"

#include <gmock/gmock.h>

#include "study/fixture.h"

namespace routesim {
namespace {

using testing::HasSubstr;

std::string errors_of(const nlohmann::json& json, const ScenarioOverrides& overrides = {}) {
  const auto scenario = load_json(json, overrides);
  return scenario ? "no error" : fare::to_text(scenario.error());
}

TEST(ScenarioTest, ReadsTheShippedOnes) {
  for (const char* name : {"article_costs", "conversation_day", "judged_cascade"}) {
    const auto scenario =
        load_scenario(source_path(std::string("scenarios/") + name + ".json"), {});
    ASSERT_TRUE(scenario) << fare::to_text(scenario.error());
    EXPECT_EQ(scenario->name, name);
    EXPECT_GE(scenario->variants.size(), 2u);
  }
}

TEST(ScenarioTest, ReportsAllProblemsOfAllFilesAtOnce) {
  nlohmann::json json = small_scenario();
  json["start"] = "yesterday";
  json["sead"] = 3;
  json["traffic"]["arrivals"]["per_second"] = -1;
  json["extra_prices"][0]["models"][0]["prices"][0]["usd_per_mtok"]["input"] = 1;
  json["policies"][0]["policy"]["rules"][0]["candidates"] = {"deer"};
  json["policies"][1]["policy"] = "no/such/file.json";
  const std::string errors = errors_of(json);
  EXPECT_THAT(errors, HasSubstr("#/start: must be an instant"));
  EXPECT_THAT(errors, HasSubstr("#/sead: is not a known key; did you mean \"seed\"?"));
  EXPECT_THAT(errors, HasSubstr("#/traffic/arrivals/per_second: must be"));
  EXPECT_THAT(errors, HasSubstr("/models/0/prices/0/usd_per_mtok/input: must be a text"));
  EXPECT_THAT(errors, HasSubstr("\"deer\" is not a target of this policy; did you mean \"dear\"?"));
  EXPECT_THAT(errors, HasSubstr("no/such/file.json: no such file"));
}

struct BadScenario {
  std::string name;
  std::string pointer;
  nlohmann::json value;
  std::string error;
};

TEST(ScenarioTest, SaysWhatIsWrongAndWhere) {
  const BadScenario cases[] = {
      {"format", "/format", "fare-scenario/2", "#/format: must be one of \"fare-scenario/1\""},
      {"seed", "/seed", -1, "#/seed: must be a whole number from 0"},
      {"huge seed", "/seed", 18446744073709551615ull, "#/seed: must be a whole number from 0"},
      {"replications", "/replications", 0, "#/replications: must be a whole number from 1"},
      {"name type", "/name", 5, "#/name: must be a text of 1 to 128 bytes, but is 5"},
      {"no policies", "/policies", nlohmann::json::array(), "#/policies: must be a list of 1"},
      {"no price at that time", "/start", "2025-01-01T00:00:00Z",
       "has no price at 2025-01-01T00:00:00Z"},
      {"hit share",
       "/policies/0/answer_cache",
       {{"hit_share", "1.5"}, {"latency_ms", 1}},
       "/answer_cache/hit_share: must be a share from \"0\" to \"1\""},
      {"fine hit share",
       "/policies/0/answer_cache",
       {{"hit_share", "0.0000001"}, {"latency_ms", 1}},
       "/answer_cache/hit_share: must be a share from \"0\" to \"1\" with at most 6 decimals"},
      {"folder for a policy", "/policies/0/policy", ".", "is a folder, but a file is needed"},
      {"prices that are nowhere", "/prices", {"nowhere"}, "nowhere: no such file"},
      {"two policies of one name", "/policies/1/policy/name", "dear",
       "#/policies/1: policy \"dear\" stands twice"},
  };
  for (const BadScenario& one : cases) {
    SCOPED_TRACE(one.name);
    nlohmann::json json = small_scenario();
    json[nlohmann::json::json_pointer(one.pointer)] = one.value;
    EXPECT_THAT(errors_of(json), HasSubstr(one.error));
  }
}

TEST(ScenarioTest, ATargetMustBePartOfTheWorld) {
  nlohmann::json json = small_scenario();
  json["world"]["models"].erase(1);
  EXPECT_THAT(errors_of(json), HasSubstr("#/targets/0/model: \"dear\" is not a model of the "
                                         "scenario's world"));
}

TEST(ScenarioTest, APolicyMustKnowTheClassesOfTheTraffic) {
  nlohmann::json json = small_scenario();
  json["traffic"]["classes"][1]["name"] = "odd";
  json["world"].erase("difficulty");
  EXPECT_THAT(errors_of(json), HasSubstr("#/classes: must have the class \"odd\" of the traffic"));
}

TEST(ScenarioTest, MorePoliciesComeFromFiles) {
  const TemporaryFolder folder;
  const std::string text = small_scenario()["policies"][1]["policy"].dump();
  const std::string path = folder.write("edited.json", text);
  const Scenario scenario = scenario_of(small_scenario(), {.policies = {path}});
  ASSERT_EQ(scenario.variants.size(), 3u);
  EXPECT_EQ(scenario.variants[2].name, path);
  EXPECT_THAT(errors_of(small_scenario(), {.policies = {"none.json"}}), HasSubstr("none.json: no"));
}

TEST(ScenarioTest, ATraceTakesThePlaceOfTimesAndLengths) {
  const TemporaryFolder folder;
  const std::string trace = folder.write("trace.csv",
                                         "seconds,input_tokens,output_tokens,class\n"
                                         "0,10,1,simple\n2.5,20,2,complex\nx,1,1,simple\n");
  const Scenario scenario = scenario_of(small_scenario(), {.trace = trace});
  ASSERT_TRUE(scenario.traffic.trace);
  EXPECT_EQ(scenario.traffic.trace->rows.size(), 2u);
  EXPECT_EQ(scenario.traffic.trace->bad_lines.size(), 1u);
  EXPECT_THAT(errors_of(small_scenario(), {.trace = "no.csv"}), HasSubstr("no.csv"));
  EXPECT_THAT(errors_of(small_scenario(), {.trace = trace, .trace_format = "csv"}),
              HasSubstr("\"csv\""));
}

TEST(ScenarioTest, BrokenTextIsReportedWithItsLine) {
  const TemporaryFolder folder;
  const auto scenario = load_scenario(folder.write("s.json", "{\"format\": \n oops}"), {});
  ASSERT_FALSE(scenario);
  EXPECT_THAT(fare::to_text(scenario.error()), HasSubstr("line 2, column"));
  EXPECT_FALSE(load_scenario(folder.path(), {}));
  EXPECT_FALSE(load_scenario(folder.path() + "/none.json", {}));
}

}  // namespace
}  // namespace routesim
