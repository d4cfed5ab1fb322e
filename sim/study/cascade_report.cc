// evaluate_cascade(): see learn_report.h.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fare/check.h"
#include "fare/text_features.h"
#include "study/learn_report.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::Forecast;

struct CascadeRow {
  PairOutcome pair;  // The score is the doubt about the weak answer.
  double weak_dollars = 0, both_dollars = 0;
  Forecast good_enough;
};

struct CascadeRows {
  std::vector<CascadeRow> rows;
  std::size_t abstained = 0;
  bool has_costs = true;
};

CascadeRows read_rows(const fare::OutcomeData& data, const std::vector<TestedModel>& tested,
                      std::size_t weak, std::size_t strong) {
  CascadeRows out;
  fare::ChoiceScratch scratch;
  for (const TestedModel& one : tested) {
    for (const std::size_t index : one.rows) {
      const fare::OutcomeRow& row = data.rows[index];
      const auto& cheap = row.outcomes[weak];
      const auto& dear = row.outcomes[strong];
      if (!cheap || !dear || cheap->answer.empty()) continue;
      const auto forecast =
          one.model.forecast(fare::answered_prompt(row.prompt, cheap->answer), scratch);
      out.abstained += forecast.abstains ? 1 : 0;
      CascadeRow made;
      const double good = forecast.targets[0].quality;
      const auto truth = static_cast<double>(cheap->quality);
      made.pair = {truth, static_cast<double>(dear->quality), 1 - good};
      made.good_enough = {good, truth};
      out.has_costs = out.has_costs && cheap->cost && dear->cost;
      if (out.has_costs) {
        made.weak_dollars = static_cast<double>(cheap->cost->count()) / 1e12;
        made.both_dollars = made.weak_dollars + static_cast<double>(dear->cost->count()) / 1e12;
      }
      out.rows.push_back(made);
    }
  }
  return out;
}

// Points of mean dollars and quality as ever more weak answers are doubted, the most doubtful
// first.
std::vector<CostPoint> bill(const std::vector<CascadeRow>& rows) {
  std::vector<CascadeRow> sorted = rows;
  std::stable_sort(sorted.begin(), sorted.end(), [](const CascadeRow& a, const CascadeRow& b) {
    return a.pair.score > b.pair.score;
  });
  const auto count = static_cast<double>(rows.size());
  CostPoint sum{0, 0};
  for (const CascadeRow& row : sorted) {
    sum.dollars += row.weak_dollars / count;
    sum.quality += row.pair.weak / count;
  }
  std::vector<CostPoint> points{sum};
  for (const CascadeRow& row : sorted) {
    sum.dollars += (row.both_dollars - row.weak_dollars) / count;
    sum.quality += (row.pair.strong - row.pair.weak) / count;
    points.push_back(sum);
  }
  return points;
}

// The least cost with 95 % of the strong target's quality, as a share of what that target costs.
double cost_at_95(const std::vector<CascadeRow>& rows) {
  double quality = 0, dollars = 0;
  for (const CascadeRow& row : rows) {
    quality += row.pair.strong / static_cast<double>(rows.size());
    dollars += (row.both_dollars - row.weak_dollars) / static_cast<double>(rows.size());
  }
  for (const CostPoint& point : bill(rows)) {
    if (point.quality >= 0.95 * quality) return dollars > 0 ? point.dollars / dollars : 0;
  }
  return 1;
}

RouterResult score_router(std::string name, const CascadeRows& all, const Weights& weights,
                          bool at_random) {
  RouterResult result;
  result.name = std::move(name);
  std::array<std::vector<double>, 5> values;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::vector<CascadeRow> rows = repeated(all.rows, weights[i]);
    std::vector<PairOutcome> pairs;
    for (const CascadeRow& row : rows) {
      pairs.push_back(row.pair);
      if (at_random) pairs.back().score = 0;
    }
    Deferral one = deferral(pairs);
    const double cost = all.has_costs && !at_random ? cost_at_95(rows) : 0;
    const std::array<double, 5> figures = {one.apgr, one.cpt50, one.cpt80, one.apgr_deciles, cost};
    for (std::size_t k = 0; k < figures.size(); ++k) values[k].push_back(figures[k]);
    if (i == 0) result.curve = std::move(one.curve);
  }
  result.apgr = interval_of(values[0]);
  result.cpt50 = interval_of(values[1]);
  result.cpt80 = interval_of(values[2]);
  result.apgr_deciles = interval_of(values[3]);
  if (all.has_costs && !at_random) result.cost_at_95 = interval_of(values[4]);
  if (all.has_costs && !at_random) result.hull = bill(all.rows);
  return result;
}

}  // namespace

fare::Expected<LearnReport> evaluate_cascade(const fare::OutcomeData& data,
                                             const std::vector<TestedModel>& tested,
                                             const LearnEvaluation& options) {
  FARE_CHECK(!tested.empty());
  const fare::ChoiceModel& model = tested.front().model;
  fare::Errors errors;
  if (!model.reads_answer()) {
    errors.push_back({ErrorCode::kConflict, "--cascade",
                      "the model does not read answers: fit it with --cascade TARGET"});
    return tl::unexpected(std::move(errors));
  }
  const std::string& weak = model.targets()[0];
  const auto index = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(data.targets.begin(), data.targets.end(), name) -
                                    data.targets.begin());
  };
  for (const std::string& name : {weak, options.strong}) {
    if (index(name) < data.targets.size()) continue;
    errors.push_back({ErrorCode::kUnknownName, "--pair",
                      fmt::format("\"{}\" is not a target of {}: a cascade needs --pair "
                                  "STRONG,WEAK, and WEAK is \"{}\"",
                                  name, data.name, weak)});
  }
  if (!options.weak.empty() && options.weak != weak) {
    errors.push_back(
        {ErrorCode::kConflict, "--pair",
         fmt::format("the model reads the answers of \"{}\", not of \"{}\"", weak, options.weak)});
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  const CascadeRows rows = read_rows(data, tested, index(weak), index(options.strong));
  if (rows.rows.empty()) {
    return fare::fail(ErrorCode::kMissingKey, data.name,
                      fmt::format("has no rows to test on with an answer of \"{}\" and outcomes of "
                                  "both targets",
                                  weak));
  }
  LearnReport report;
  report.kind = "cascade";
  report.rows = rows.rows.size();
  report.strong = options.strong;
  report.weak = weak;
  report.abstained = rows.abstained;
  const Weights weights = draw_weights(rows.rows.size(), options.resamples, options.seed);
  report.routers.push_back(score_router("cascade", rows, weights, false));
  report.routers.push_back(score_router("random", rows, weights, true));
  std::vector<Forecast> forecasts;
  std::vector<std::size_t> owner;
  for (const CascadeRow& row : rows.rows) {
    report.strong_quality += row.pair.strong / static_cast<double>(rows.rows.size());
    report.weak_quality += row.pair.weak / static_cast<double>(rows.rows.size());
    owner.push_back(forecasts.size());
    forecasts.push_back(row.good_enough);
  }
  report.probabilities.push_back(score_probabilities("", forecasts, owner, weights));
  return report;
}

}  // namespace routesim
