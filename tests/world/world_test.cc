#include "world/world.h"

#include <gmock/gmock.h>

#include "study/fixture.h"

namespace routesim {
namespace {

struct BadWorld {
  std::string name;
  std::string pointer;   // What to change in the small scenario,
  nlohmann::json value;  // and to what.
  std::string error;
};

TEST(WorldTest, SaysWhatIsWrongAndWhere) {
  const BadWorld cases[] = {
      {"unknown model", "/world/models/0/model", "cheep",
       "#/world/models/0: \"cheep\" is not in the price tables; did you mean \"cheap\"?\n"},
      {"negative failure share", "/world/models/0/failure_share", -0.1,
       "#/world/models/0/failure_share: must be a number from 0 to 1, but is -0.1\n"},
      {"failure share above one", "/world/models/0/failure_share", 1.5,
       "#/world/models/0/failure_share: must be a number from 0 to 1, but is 1.5\n"},
      {"fewer than no places", "/world/models/1/concurrency", -1,
       "#/world/models/1/concurrency: must be a whole number from 0 to 1000000000, but is -1\n"},
      {"skill of an unknown class",
       "/world/models/1/skill",
       {{"simple", 1}, {"compl", 2}},
       "#/world/models/1/skill: needs the key \"complex\"\n"
       "#/world/models/1/skill/compl: is not a known key; did you mean \"complex\"?\n"},
      {"the same model twice", "/world/models/1/model", "cheap",
       "#/world/models/1: \"cheap\" stands twice\n"},
      {"a huge difficulty", "/world/difficulty/simple/mean", 1e9,
       "#/world/difficulty/simple/mean: must be a number from -20 to 20, but is 1000000000.0\n"},
      {"a line before no end of places", "/world/models/0/queue_max", 5,
       "#/world/models/0/queue_max: needs \"concurrency\": nobody waits where places have no "
       "end\n"},
      {"the same region twice",
       "/world/regions",
       {{{"name", "east"}}, {{"name", "west"}}, {{"name", "east"}}},
       "#/world/regions/2: \"east\" stands twice\n"},
      {"the same judge twice",
       "/world/judges",
       {{{"name", "person"}}, {{"name", "person"}}},
       "#/world/judges/1: \"person\" stands twice\n"},
      {"no models", "/world/models", nlohmann::json::array(),
       "#/world/models: must be a list of 1 to 1000 items, but is a list of 0\n"},
  };
  for (const BadWorld& one : cases) {
    SCOPED_TRACE(one.name);
    nlohmann::json json = small_scenario();
    json[nlohmann::json::json_pointer(one.pointer)] = one.value;
    const auto scenario = load_json(json);
    ASSERT_FALSE(scenario);
    std::string found;
    for (fare::Error error : scenario.error()) {
      error.where.erase(0, error.where.find('#'));
      found += fare::to_text({error});
    }
    EXPECT_EQ(found, one.error);
  }
}

TEST(WorldTest, ASkillChangesOnlyWhereThereIsOne) {
  nlohmann::json json = small_scenario();
  nlohmann::json& model = json["world"]["models"][0];
  model["changes"] = {{{"at", "2026-11-23T00:00:30Z"}, {"skill", 2}}};
  EXPECT_TRUE(load_json(json));
  model.erase("skill");
  const auto scenario = load_json(json);
  ASSERT_FALSE(scenario);
  EXPECT_THAT(fare::to_text(scenario.error()),
              testing::HasSubstr("#/world/models/0/changes/0/skill: needs \"skill\" in its model"));
}

TEST(WorldTest, ALineMayStandBeforePlacesThatAChangeBrings) {
  nlohmann::json json = small_scenario();
  json["world"]["models"][0]["queue_max"] = 5;
  json["world"]["models"][0]["changes"] = {{{"at", "2026-11-23T00:00:30Z"}, {"concurrency", 2}}};
  EXPECT_TRUE(load_json(json));
}

}  // namespace
}  // namespace routesim
