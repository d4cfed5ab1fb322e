// Goal: replications on several threads share nothing that they write.
// Method: a run on four threads, which the tsan preset watches.

#include <gtest/gtest.h>

#include "study/fixture.h"
#include "study/run.h"

namespace routesim {
namespace {

TEST(ReplicationsTest, RunOnSeveralThreads) {
  nlohmann::json json = small_scenario();
  json["replications"] = 8;
  json["traffic"]["arrivals"]["requests"] = 500;
  const Scenario scenario = scenario_of(json);
  std::atomic<std::uint64_t> progress{0};
  const auto results =
      run_all_replications(scenario, {&scenario.variants[0], &scenario.variants[1]}, 4, progress);
  ASSERT_EQ(results.size(), 2u);
  for (const auto& of_variant : results) {
    ASSERT_EQ(of_variant.size(), 8u);
    for (const RunResult& run : of_variant) EXPECT_EQ(run.requests, 500u);
  }
  EXPECT_EQ(progress, 8'000u);
}

}  // namespace
}  // namespace routesim
