// How well the router decides on the data that published routers were measured on: prints the rows
// of the table in README.md.  Fixed seeds; every figure is on prompts that were not learnt from.

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "fare/learn.h"
#include "study/learn_report.h"
#include "study/outcome_layouts.h"

namespace routesim {
namespace {

const std::string kData = std::string(FARE_SOURCE_DIR) + "/../shared/data/routing/";

LearnReport run(const std::string& folder, const ConvertOptions& convert,
                const fare::OutcomeNames& names, const fare::LearnOptions& learn) {
  const Converted converted = convert_outcomes(kData + folder, convert).value();
  const fare::OutcomeData data = fare::parse_outcomes(folder, converted.lines, names).value();
  TestedModel tested{fare::learn(data, learn).value(), {}};
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    if (data.rows[i].test) tested.rows.push_back(i);
  }
  LearnEvaluation how;
  how.resamples = 100;
  return evaluate(data, {std::move(tested)}, how).value();
}

void print_mmlu(double train, std::uint64_t seeds, std::uint64_t first, fare::ModelKind kind) {
  double apgr = 0, cpt50 = 0, cpt80 = 0, ece = 0;
  std::string each;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    fare::LearnOptions learn;
    learn.kind = kind;
    const LearnReport report =
        run("routellm/mmlu", {.layout = OutcomeLayout::kRouteLlm, .train = train, .seed = seed}, {},
            learn);
    const RouterResult& model = report.routers[0];
    apgr += model.apgr->value / static_cast<double>(seeds);
    cpt50 += model.cpt50->value / static_cast<double>(seeds);
    cpt80 += model.cpt80->value / static_cast<double>(seeds);
    ece += report.probabilities[0].ece.value / static_cast<double>(seeds);
    each += fmt::format(" {:.3f} [{:.3f}, {:.3f}]", model.apgr->value, model.apgr->low,
                        model.apgr->high);
  }
  fmt::print(
      "MMLU, train {}, {}: APGR {:.4f}, CPT50 {:.1f} %, CPT80 {:.1f} %, ECE {:.3f}; each{}\n",
      train, fare::to_string(kind), apgr, cpt50 * 100, cpt80 * 100, ece, each);
}

void print_routerbench() {
  const LearnReport report =
      run("routerbench", {.layout = OutcomeLayout::kRouterBench, .train = 0, .seed = 0}, {}, {});
  for (const RouterResult& one : report.routers) {
    if (!one.aiq) continue;
    fmt::print(
        "RouterBench, {}: AIQ {:.4f} [{:.4f}, {:.4f}], published norm {:.4f}, 95 % of the "
        "best at {:.1f} % of its cost\n",
        one.name, one.aiq->value, one.aiq->low, one.aiq->high, one.aiq_published->value,
        one.cost_at_95->value * 100);
  }
  const ProbabilityResult& all = report.probabilities[0];
  fmt::print("RouterBench: ECE {:.3f}, Brier {:.4f}, of the mean {:.4f}\n", all.ece.value,
             all.brier.value, all.brier_of_mean.value);
}

void print_tiers() {
  const LearnReport report =
      run("tiers", {.layout = OutcomeLayout::kTiers, .train = 0, .seed = 0},
          {.targets = {}, .classes = {"SIMPLE", "MEDIUM", "COMPLEX", "REASONING"}}, {});
  fmt::print(
      "Tiers: accuracy {:.4f}, under-routed {:.4f}, the same after a perturbation {:.4f}, "
      "ECE {:.3f}; the rules without labels {:.4f}\n",
      report.accuracy->value, report.under_routed->value, report.consistency->value,
      report.probabilities[0].ece.value, report.rules_accuracy->value);
}

}  // namespace
}  // namespace routesim

int main() {
  if (!std::filesystem::exists(routesim::kData)) {
    fmt::print("the data is not there: {}\n", routesim::kData);
    return 0;
  }
  for (const fare::ModelKind kind :
       {fare::ModelKind::kLinear, fare::ModelKind::kRidge, fare::ModelKind::kNeighbours,
        fare::ModelKind::kItemResponse, fare::ModelKind::kFactors}) {
    routesim::print_mmlu(1'500, 3, 1, kind);
  }
  routesim::print_mmlu(0.5, 3, 0, fare::ModelKind::kLinear);
  routesim::print_routerbench();
  routesim::print_tiers();
}
