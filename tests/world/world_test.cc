#include "world/world.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace routesim
