// How well off-policy estimates hold, and what online learners earn: prints the rows of the table
// in README.md.  RouteLLM's MMLU prompts; the model learnt from 1,500; reward = right - .10 x
// relative cost; fixed seeds.

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "fare/warm_start.h"
#include "study/ope_replay.h"

namespace routesim {
namespace {

const std::string kMmlu = std::string(FARE_SOURCE_DIR) + "/../shared/data/routing/routellm/mmlu";
constexpr double kStrongPrice = 0.10, kWeakPrice = 0.10 * 0.24 / 24.7;  // RouteLLM's figures.

void print_record(const char* name, const EstimatorRecord& one) {
  fmt::print("  {:18} bias {:+.4f}, rmse {:.4f}, coverage {:.3f}, half-width {:.4f}\n", name,
             one.bias, one.rmse, one.coverage, one.width);
}

void print_coverage(const PairReplay& pair, double mixing, std::size_t replications) {
  CoverageOptions options{.long_arm = pair.strong, .short_arm = pair.weak, .mixing = mixing};
  options.replications = replications;
  const CoverageReport report =
      check_coverage(pair.known, offline_policy(pair.known), options).value();
  fmt::print("epsilon {}, {} replications of {} rows: truth {:.4f}, logged {:.4f}\n", mixing,
             replications, options.rows, report.truth, report.logged);
  print_record("IPS", report.ips);
  print_record("clipped IPS", report.clipped_ips);
  print_record("SNIPS", report.snips);
  print_record("DM", report.direct);
  print_record("DR", report.doubly_robust);
  print_record("SNIPS gain", report.snips_gain);
  print_record("DR gain", report.doubly_robust_gain);
}

void print_online(const PairReplay& pair, fare::BanditKind kind, double believed, double width) {
  fare::BanditOptions options{.kind = kind, .dimensions = pair.known.dimensions};
  options.width = width;
  fare::Bandit bandit = fare::Bandit::create(options).value();
  if (believed > 0) fare::warm_start(bandit, pair.model, pair.prompts, believed);
  double reward = 0, strong = 0, explored = 0, gain_least = 1;
  constexpr int kSeeds = 10;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const OnlineResult result = replay_online(
        pair.known, bandit,
        {.incumbent = pair.strong, .tolerance = 0.25, .seed = static_cast<std::uint64_t>(seed)});
    reward += result.reward / kSeeds;
    strong += result.incumbent_reward / kSeeds;
    explored += result.explored / kSeeds;
    gain_least = std::min(gain_least, result.reward - result.incumbent_reward);
  }
  fmt::print(
      "{}, believed {} rows, width {}: {:.4f}, always strong {:.4f}, gain {:+.4f} "
      "(least of {} seeds {:+.4f}), {:.1f} % explored\n",
      kind == fare::BanditKind::kLinUcb ? "LinUCB" : "Thompson", believed, width, reward, strong,
      reward - strong, kSeeds, gain_least, explored * 100);
}

}  // namespace
}  // namespace routesim

int main() {
  using namespace routesim;
  if (!std::filesystem::exists(kMmlu)) {
    fmt::print("the data is not there: {}\n", kMmlu);
    return 0;
  }
  const PairReplay pair = replay_pair(kMmlu, 1'500, 1, kStrongPrice, kWeakPrice).value();
  print_coverage(pair, 0.05, 300);
  for (const double mixing : {0.02, 0.05, 0.10, 0.30}) print_coverage(pair, mixing, 3'000);
  for (const fare::BanditKind kind : {fare::BanditKind::kLinUcb, fare::BanditKind::kThompson}) {
    for (const double believed : {0.0, 300.0, 1'500.0, 5'000.0}) {
      for (const double width : {0.1, 0.25, 0.5}) print_online(pair, kind, believed, width);
    }
  }
}
