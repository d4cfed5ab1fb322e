#include "choice/cross_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "choice/choice_tables.h"
#include "choice/factors.h"

namespace fare {
namespace {

constexpr std::array<double, 9> kLadder = {0.03, 0.1, 0.3, 1, 3, 6, 12, 24, 48};
constexpr std::size_t kMiddle = 4;
constexpr double kTolerance = 1e-3;

std::vector<std::size_t> known(const std::vector<float>& quality,
                               std::span<const std::size_t> use) {
  std::vector<std::size_t> rows;
  for (const std::size_t row : use) {
    if (!std::isnan(quality[row])) rows.push_back(row);
  }
  return rows;
}

// The scores of `rows` by their neighbours among `use`.
void score_by_neighbours(const TrainingSet& set, std::span<const std::size_t> use,
                         std::span<const std::size_t> rows,
                         std::vector<std::vector<double>>& scores) {
  Neighbours neighbours;
  if (set.dimensions == 0) {
    neighbours = Neighbours::sparse(set.words, use);
  } else {
    std::vector<float> values;
    for (const std::size_t row : use) {
      for (const auto& entry : set.x.row(row)) values.push_back(entry.value);
    }
    neighbours = Neighbours::dense(std::move(values), set.dimensions);
  }
  std::vector<std::vector<float>> quality(set.quality.size());
  std::vector<double> base(set.quality.size());
  for (std::size_t t = 0; t < quality.size(); ++t) {
    double sum = 0;
    const auto labelled = known(set.quality[t], use);
    for (const std::size_t row : labelled) sum += static_cast<double>(set.quality[t][row]);
    base[t] = labelled.empty() ? 0.5 : sum / static_cast<double>(labelled.size());
    for (const std::size_t row : use) quality[t].push_back(set.quality[t][row]);
  }
  Neighbours::Scratch scratch;
  std::vector<float> query;
  for (const std::size_t row : rows) {
    std::span<const Neighbours::Near> near;
    if (set.dimensions == 0) {
      near = neighbours.find(set.words.row(row), ChoiceTables::kNeighbours, scratch);
    } else {
      query.clear();
      for (const auto& entry : set.x.row(row)) query.push_back(entry.value);
      near = neighbours.find_dense(query, ChoiceTables::kNeighbours, scratch);
    }
    for (std::size_t t = 0; t < quality.size(); ++t) {
      scores[t][row] = neighbour_mean(near, quality[t], base[t]);
    }
  }
}

std::vector<Calibration> calibrations(const TrainingSet& set, ModelKind kind,
                                      const std::vector<std::vector<double>>& scores,
                                      std::span<const std::size_t> use) {
  std::vector<Calibration> all;
  for (std::size_t t = 0; t < scores.size(); ++t) {
    std::vector<Forecast> scored;
    for (const std::size_t row : known(set.quality[t], use)) {
      scored.push_back({scores[t][row], static_cast<double>(set.quality[t][row])});
    }
    if (scored.empty()) scored.push_back({0, 0.5});
    all.push_back(kind == ModelKind::kRidge ? fit_line(scored) : fit_logistic_link(scored));
  }
  return all;
}

}  // namespace

std::vector<LinearFunction> fit_outputs(const TrainingSet& set, ModelKind kind, std::size_t classes,
                                        double penalty, std::span<const std::size_t> use) {
  const LinearFitOptions options{.penalty = penalty, .tolerance = kTolerance};
  if (kind == ModelKind::kTier) return fit_multinomial(set.x, set.label, classes, use, options);
  if (kind == ModelKind::kItemResponse || kind == ModelKind::kFactors) {
    const auto factors =
        kind == ModelKind::kFactors ? FactorKind::kFactors : FactorKind::kItemResponse;
    return fit_factors(set.x, set.quality, use, factors, options);
  }
  std::vector<LinearFunction> functions;
  for (const std::vector<float>& quality : set.quality) {
    const auto rows = known(quality, use);
    functions.push_back(kind == ModelKind::kRidge ? fit_ridge(set.x, quality, rows, options)
                                                  : fit_logistic(set.x, quality, rows, options));
  }
  return functions;
}

std::vector<std::vector<double>> cross_fit(const TrainingSet& set, ModelKind kind,
                                           std::size_t classes, double penalty,
                                           std::span<const std::size_t> use, bool per_row) {
  const std::size_t outputs = kind == ModelKind::kTier ? classes : set.quality.size();
  std::vector<std::vector<double>> scores(outputs, std::vector<double>(set.rows()));
  for (std::size_t fold = 0; fold < TrainingSet::kFolds; ++fold) {
    std::vector<std::size_t> seen, unseen;
    for (const std::size_t row : use) (set.fold[row] == fold ? unseen : seen).push_back(row);
    if (unseen.empty()) continue;
    if (kind == ModelKind::kNeighbours) {
      score_by_neighbours(set, seen, unseen, scores);
      continue;
    }
    const double share = static_cast<double>(seen.size()) / static_cast<double>(use.size());
    const double scaled = per_row ? penalty * share : penalty;
    const auto functions = fit_outputs(set, kind, classes, scaled, seen);
    for (const std::size_t row : unseen) {
      for (std::size_t i = 0; i < outputs; ++i) scores[i][row] = functions[i](set.x.row(row));
    }
  }
  return scores;
}

double loss_of(const TrainingSet& set, ModelKind kind,
               const std::vector<std::vector<double>>& scores, std::span<const std::size_t> use) {
  std::vector<Calibration> calibration;
  if (kind != ModelKind::kTier) calibration = calibrations(set, kind, scores, use);
  double sum = 0;
  for (const std::size_t row : use) {
    if (kind == ModelKind::kTier) {
      double top = scores[0][row], total = 0;
      for (const auto& one : scores) top = std::max(top, one[row]);
      for (const auto& one : scores) total += std::exp(one[row] - top);
      sum += top + std::log(total) - scores[set.label[row]][row];
      continue;
    }
    // Only differences between targets decide, so what all are wrong about together is forgiven:
    // the sum over pairs of the squared error of their difference, divided by the targets.
    double errors = 0, squares = 0, known = 0;
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const auto truth = static_cast<double>(set.quality[t][row]);
      if (std::isnan(truth)) continue;
      const double forecast = calibration[t](scores[t][row]);
      errors += forecast - truth;
      squares += (forecast - truth) * (forecast - truth);
      known += 1;
    }
    if (known > 0) sum += scores.size() > 1 ? squares - errors * errors / known : squares;
  }
  return sum / static_cast<double>(std::max<std::size_t>(1, use.size()));
}

double choose_penalty(const TrainingSet& set, ModelKind kind, std::size_t classes,
                      std::span<const std::size_t> use) {
  std::array<std::optional<double>, kLadder.size()> loss;
  const auto loss_at = [&](std::size_t rung) {
    if (!loss[rung]) {
      loss[rung] = loss_of(set, kind, cross_fit(set, kind, classes, kLadder[rung], use, true), use);
    }
    return *loss[rung];
  };
  std::size_t rung = kMiddle;
  while (rung + 1 < kLadder.size() && loss_at(rung + 1) < loss_at(rung)) ++rung;
  while (rung > 0 && loss_at(rung - 1) < loss_at(rung)) --rung;
  return kLadder[rung];
}

}  // namespace fare
