// Goal: the simulator agrees with queueing theory where theory is exact.
// Method: one model with c places, Poisson arrivals and exponential service, through the whole path
// (router, world, settlement).  For M/M/c the chance to wait is Erlang's C and the mean wait
// C / (c mu - lambda) (Kleinrock, "Queueing Systems", vol. 1, 1975, section 3.5).  Each figure must
// be within 1 % of theory and inside its own 95 % interval over replications; seeds are fixed, so
// this passes or fails for ever.

#include <gtest/gtest.h>

#include <cmath>

#include "study/estimate.h"
#include "study/fixture.h"
#include "study/run.h"

namespace routesim {
namespace {

struct Queue {
  std::string name;
  unsigned servers;
  double load;  // rho = lambda / (c mu), with mu = 1 a second.
};

// Erlang's C by the recursion for Erlang's B.
double erlang_c(unsigned servers, double offered) {
  double b = 1;
  for (unsigned k = 1; k <= servers; ++k) b = offered * b / (k + offered * b);
  const double load = offered / servers;
  return b / (1 - load * (1 - b));
}

Scenario queue_scenario(const Queue& queue, int requests, int replications) {
  nlohmann::json json = small_scenario();
  json["replications"] = replications;
  json["traffic"]["arrivals"] = {
      {"process", "poisson"}, {"per_second", queue.load * queue.servers}, {"requests", requests}};
  nlohmann::json& model = json["world"]["models"][1];
  model["first_token_ms"] = {{"kind", "exponential"}, {"mean", 1'000}};
  model["ms_per_output_token"] = 0;
  model["failure_share"] = 0;
  model["concurrency"] = queue.servers;
  return scenario_of(json);
}

void expect_theory(const std::string& what, std::span<const double> values, double theory) {
  const Estimate found = estimate(values);
  EXPECT_NEAR(found.mean, theory, theory * 0.01) << what;
  EXPECT_NEAR(found.mean, theory, *found.half_width) << what << ": outside its 95 % interval";
}

TEST(QueueingTest, AgreesWithErlangAndLittle) {
  constexpr int kRequests = 200'000;
  constexpr int kReplications = 10;
  for (const Queue& queue : {Queue{"M/M/1", 1, 0.5}, Queue{"M/M/4", 4, 0.7}}) {
    SCOPED_TRACE(queue.name);
    const Scenario scenario = queue_scenario(queue, kRequests, kReplications);
    std::atomic<std::uint64_t> progress{0};
    std::vector<double> waited_share;
    std::vector<double> wait_s;
    std::vector<double> sojourn_s;
    std::vector<double> in_system;
    const auto results = run_all_replications(scenario, {&scenario.variants[0]}, 2, progress);
    for (const RunResult& run : results[0]) {
      const ModelTally& model = run.by_model[1];
      const double n = static_cast<double>(run.requests);
      const double length_ns = static_cast<double>(run.length.count());
      ASSERT_EQ(run.answered, static_cast<std::uint64_t>(kRequests));
      waited_share.push_back(static_cast<double>(model.waits) / n);
      wait_s.push_back(static_cast<double>(model.waited.count()) / n / 1e9);
      sojourn_s.push_back(static_cast<double>(run.sojourn_ns) / n / 1e9);
      in_system.push_back(static_cast<double>(run.in_flight_ns) / length_ns);
      // Little's law, L = lambda W, with the measured rate: exact but for rounding.
      ASSERT_NEAR(in_system.back(), n / (length_ns / 1e9) * sojourn_s.back(), 1e-9);
    }
    const double lambda = queue.load * queue.servers;
    const double c = erlang_c(queue.servers, lambda);
    const double wait = c / (queue.servers - lambda);
    expect_theory("P(wait)", waited_share, c);
    expect_theory("E[wait]", wait_s, wait);
    expect_theory("E[sojourn]", sojourn_s, wait + 1);
    expect_theory("E[number in system]", in_system, lambda * (wait + 1));
  }
}

}  // namespace
}  // namespace routesim
