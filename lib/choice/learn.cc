#include "fare/learn.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <map>

#include "base/nearest.h"
#include "choice/choice_tables.h"
#include "choice/cross_fit.h"

namespace fare {
namespace {

constexpr std::size_t kRidgeBelow = 400;      // Rows: fewer, and auto takes ridge.
constexpr std::size_t kPenaltyRows = 2'000;   // At most, to choose the penalty on.
constexpr std::size_t kIndexRows = 512;       // At most, of the index that gives a second opinion.
constexpr std::size_t kFamiliarRows = 1'000;  // At most, to see how similar prompts usually are.
constexpr double kUnfamiliarShare = 0.01;     // Of them would make it abstain.
constexpr std::size_t kSlicesMax = 60;
constexpr double kTrendPenalty = 0.01;
constexpr float kEmbeddingScale = 3;  // As make_training_set() scales.

// What is wrong with learning this from these rows, all of it.
Errors check(const OutcomeData& data, const std::vector<std::size_t>& rows, ModelKind kind,
             const std::vector<std::size_t>& targets) {
  Errors errors;
  const auto add = [&](ErrorCode code, std::string message) {
    errors.push_back({code, data.name, std::move(message)});
  };
  if (kind == ModelKind::kRules) {
    add(ErrorCode::kConflict, "the kind \"rules\" learns nothing: it needs no data");
  }
  if (rows.size() < kLearnRowsMin) {
    add(ErrorCode::kOutOfRange,
        fmt::format("has {} rows to learn from, but at least {} are needed{}", rows.size(),
                    kLearnRowsMin, kind == ModelKind::kTier ? " that have a class" : ""));
    return errors;
  }
  if (kind == ModelKind::kTier) {
    std::map<std::uint32_t, std::size_t> seen;
    for (const std::size_t row : rows) ++seen[data.rows[row].prompt_class];
    if (seen.size() < 2) {
      add(ErrorCode::kConflict, fmt::format("has only the class \"{}\": one class teaches nothing",
                                            data.classes[seen.begin()->first]));
    }
    return errors;
  }
  for (const std::size_t target : targets) {
    std::size_t labels = 0;
    float least = 1, most = 0;
    for (const std::size_t row : rows) {
      const auto& outcome = data.rows[row].outcomes[target];
      if (!outcome) continue;
      ++labels;
      least = std::min(least, outcome->quality);
      most = std::max(most, outcome->quality);
    }
    const std::string& name = data.targets[target];
    if (labels < kLearnRowsMin) {
      add(ErrorCode::kOutOfRange,
          fmt::format("target \"{}\" has {} outcomes to learn from, but at least {} are needed",
                      name, labels, kLearnRowsMin));
    } else if (least == most) {
      add(ErrorCode::kConflict,
          fmt::format("target \"{}\" has the quality {} in all {} outcomes: one class teaches "
                      "nothing",
                      name, least, labels));
    }
  }
  if (targets.empty()) add(ErrorCode::kMissingKey, "has no outcomes of any target to learn from");
  const bool bilinear = kind == ModelKind::kItemResponse || kind == ModelKind::kFactors;
  if (bilinear && targets.size() == 1) {
    add(ErrorCode::kConflict,
        fmt::format("the kind \"{}\" compares targets, but there is only one", to_string(kind)));
  }
  return errors;
}

Expected<std::vector<std::size_t>> find_targets(const OutcomeData& data,
                                                const std::vector<std::string>& wanted) {
  std::vector<std::size_t> found;
  Errors errors;
  for (std::size_t i = 0; i < data.targets.size(); ++i) {
    if (wanted.empty() ||
        std::find(wanted.begin(), wanted.end(), data.targets[i]) != wanted.end()) {
      found.push_back(i);
    }
  }
  const std::vector<std::string_view> names(data.targets.begin(), data.targets.end());
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    errors.push_back({ErrorCode::kUnknownName, data.name,
                      fmt::format("\"{}\" is not a target of the data{}", name,
                                  did_you_mean(nearest(name, names)))});
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return found;
}

// The `count` rows that the seed draws first, in their own order.
std::vector<std::size_t> draw(const TrainingSet& set, std::size_t count) {
  std::vector<std::size_t> rows(set.rows());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  if (rows.size() <= count) return rows;
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return set.shuffle[a] != set.shuffle[b] ? set.shuffle[a] < set.shuffle[b] : a < b;
  });
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  return rows;
}

Calibration fit_calibration(ModelKind kind, CalibrationKind wanted,
                            std::span<const Forecast> scored) {
  if (wanted == CalibrationKind::kIsotonic) return fit_stairs(scored);
  const bool is_value = kind == ModelKind::kRidge || kind == ModelKind::kNeighbours;
  return is_value ? fit_line(scored) : fit_logistic_link(scored);
}

// Forecasts that were neither fitted nor calibrated on the row they are for.
struct Validated {
  std::vector<std::size_t> rows;
  std::vector<Forecast> forecasts;
};

HeldOut score(std::string name, std::string slice, std::span<const Forecast> forecasts) {
  HeldOut one{.name = std::move(name), .slice = std::move(slice), .rows = forecasts.size()};
  for (const Forecast& forecast : forecasts) one.base_rate += forecast.truth;
  one.base_rate /= static_cast<double>(forecasts.size());
  one.auroc = auroc(forecasts);
  one.brier = brier(forecasts);
  one.brier_of_mean = brier_of_mean(forecasts);
  one.ece = calibration_error(forecasts);
  return one;
}

// All rows, then every group that has enough of them.
void add_scores(const OutcomeData& data, const TrainingSet& set, const std::string& name,
                const Validated& validated, std::vector<HeldOut>& scores) {
  scores.push_back(score(name, "", validated.forecasts));
  std::map<std::uint32_t, std::vector<Forecast>> slices;
  for (std::size_t i = 0; i < validated.rows.size(); ++i) {
    const std::uint32_t group = data.rows[set.source[validated.rows[i]]].group;
    if (group != kNoIndex) slices[group].push_back(validated.forecasts[i]);
  }
  if (slices.size() > kSlicesMax) return;
  for (const auto& [group, forecasts] : slices) {
    if (forecasts.size() < kLearnRowsMin) continue;
    scores.push_back(score(name, data.groups[group], forecasts));
  }
}

// Calibrates a target on cross-fitted scores, and says how well that holds.
Validated calibrate_target(const TrainingSet& set, std::size_t target, const LearnOptions& options,
                           const std::vector<double>& scores, ChoiceTables& tables) {
  std::vector<Forecast> scored;
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < set.rows(); ++row) {
    const float quality = set.quality[target][row];
    if (std::isnan(quality)) continue;
    rows.push_back(row);
    scored.push_back({scores[row], static_cast<double>(quality)});
  }
  Validated validated{rows, scored};
  for (std::size_t fold = 0; fold < TrainingSet::kFolds; ++fold) {
    std::vector<Forecast> others;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (set.fold[rows[i]] != fold) others.push_back(scored[i]);
    }
    if (others.empty()) continue;
    const Calibration fit = fit_calibration(tables.kind, options.calibration, others);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (set.fold[rows[i]] == fold)
        validated.forecasts[i].probability = fit(scored[i].probability);
    }
  }
  double base = 0;
  for (const Forecast& one : scored) base += one.truth;
  base /= static_cast<double>(scored.size());
  tables.base_rate.push_back(base);
  tables.calibration.push_back(fit_calibration(tables.kind, options.calibration, scored));
  // What does no better than the base rate ships as the base rate.
  if (brier(validated.forecasts) >= brier_of_mean(validated.forecasts)) {
    tables.calibration.back() = {Calibration::Link::kLine, 0, base, {}};
    for (Forecast& one : validated.forecasts) one.probability = base;
  }
  return validated;
}

// The chance of each class is the soft-max of `slope` times the scores.
double log_loss_at(double slope, const TrainingSet& set,
                   const std::vector<std::vector<double>>& scores) {
  std::vector<std::vector<double>> scaled = scores;
  for (auto& one : scaled) {
    for (double& value : one) value *= slope;
  }
  std::vector<std::size_t> all(set.rows());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return loss_of(set, ModelKind::kTier, scaled, all);
}

double fit_slope(const TrainingSet& set, const std::vector<std::vector<double>>& scores) {
  // The loss is convex in the slope: three-point search on a logarithmic scale.
  double low = -3, high = 3;
  while (high - low > 1e-4) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    if (log_loss_at(std::exp(a), set, scores) < log_loss_at(std::exp(b), set, scores)) {
      high = b;
    } else {
      low = a;
    }
  }
  return std::exp((low + high) / 2);
}

// The likely class's probability, and whether it was right.
Validated calibrate_classes(const TrainingSet& set, const std::vector<std::vector<double>>& scores,
                            ChoiceTables& tables) {
  const double slope = fit_slope(set, scores);
  tables.calibration = {{Calibration::Link::kLogistic, slope, 0, {}}};
  tables.base_rate.assign(scores.size(), 0);
  Validated validated;
  for (std::size_t row = 0; row < set.rows(); ++row) {
    tables.base_rate[set.label[row]] += 1 / static_cast<double>(set.rows());
    std::size_t likely = 0;
    for (std::size_t i = 1; i < scores.size(); ++i) {
      if (scores[i][row] > scores[likely][row]) likely = i;
    }
    double sum = 0;
    for (const auto& one : scores) sum += std::exp(slope * (one[row] - scores[likely][row]));
    validated.rows.push_back(row);
    validated.forecasts.push_back({1 / sum, set.label[row] == likely ? 1.0 : 0.0});
  }
  return validated;
}

// Linear regression of the logarithm of positive amounts; unknown if there are too few.
Trend fit_trend(const TrainingSet& set, const std::vector<double>& amounts) {
  constexpr auto kSize = static_cast<Eigen::Index>(Trend::kInputs + 1);
  Eigen::MatrixXd products = kTrendPenalty * Eigen::MatrixXd::Identity(kSize, kSize);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(kSize), input(kSize);
  std::size_t known = 0;
  const auto fill = [&](std::size_t row) {
    for (std::size_t i = 0; i < Trend::kInputs; ++i) {
      input[static_cast<Eigen::Index>(i)] = set.trend_inputs[row * Trend::kInputs + i];
    }
    input[kSize - 1] = 1;
  };
  for (std::size_t row = 0; row < amounts.size(); ++row) {
    if (!(amounts[row] > 0)) continue;
    fill(row);
    products += input * input.transpose();
    right += std::log(amounts[row]) * input;
    ++known;
  }
  if (known < kLearnRowsMin) return {};
  const Eigen::VectorXd weights = products.ldlt().solve(right);
  double smear = 0;
  for (std::size_t row = 0; row < amounts.size(); ++row) {
    if (!(amounts[row] > 0)) continue;
    fill(row);
    smear += std::exp(std::log(amounts[row]) - weights.dot(input)) / static_cast<double>(known);
  }
  return {std::vector<double>(weights.data(), weights.data() + Trend::kInputs), weights[kSize - 1],
          smear};
}

void fit_trends(const OutcomeData& data, const TrainingSet& set,
                const std::vector<std::size_t>& targets, ChoiceTables& tables) {
  for (const std::size_t target : targets) {
    std::vector<double> dollars, milliseconds;
    for (const std::size_t row : set.source) {
      const auto& outcome = data.rows[row].outcomes[target];
      const bool paid = outcome && outcome->cost;
      dollars.push_back(paid ? static_cast<double>(outcome->cost->count()) / 1e12 : 0);
      milliseconds.push_back(
          outcome && outcome->latency_ms ? static_cast<double>(*outcome->latency_ms) : 0);
    }
    const bool reads_text = set.dimensions == 0;
    tables.cost_trend.push_back(reads_text ? fit_trend(set, dollars) : Trend{});
    tables.time_trend.push_back(reads_text ? fit_trend(set, milliseconds) : Trend{});
  }
}

// The index of prompts learnt from, and how unlike them a prompt must be to abstain.
void add_neighbours(const TrainingSet& set, ChoiceTables& tables) {
  const bool all = tables.kind == ModelKind::kNeighbours;
  const auto rows = draw(set, all ? set.rows() : kIndexRows);
  if (set.dimensions == 0) {
    tables.neighbours = Neighbours::sparse(set.words, rows);
  } else {
    std::vector<float> values;
    for (const std::size_t row : rows) {
      for (const auto& entry : set.x.row(row)) values.push_back(entry.value / kEmbeddingScale);
    }
    tables.neighbours = Neighbours::dense(std::move(values), set.dimensions);
  }
  for (const auto& quality : set.quality) {
    for (const std::size_t row : rows) tables.neighbour_quality.push_back(quality[row]);
  }
  std::vector<double> similarity;
  Neighbours::Scratch scratch;
  std::vector<float> unit;
  for (std::size_t i = 0; i < std::min(rows.size(), kFamiliarRows); ++i) {
    const auto skip = static_cast<std::uint32_t>(i);
    std::span<const Neighbours::Near> near;
    if (set.dimensions == 0) {
      near = tables.neighbours.find(set.words.row(rows[i]), 1, scratch, skip);
    } else {
      unit.clear();
      for (const auto& entry : set.x.row(rows[i])) unit.push_back(entry.value / kEmbeddingScale);
      near = tables.neighbours.find_dense(unit, 1, scratch, skip);
    }
    similarity.push_back(near.empty() ? 0 : static_cast<double>(near.front().similarity));
  }
  std::sort(similarity.begin(), similarity.end());
  tables.familiarity_min = similarity[static_cast<std::size_t>(
      kUnfamiliarShare * static_cast<double>(similarity.size()))];
}

void add_weights(const TrainingSet& set, const std::vector<LinearFunction>& functions,
                 ChoiceTables& tables) {
  tables.outputs = functions.size();
  tables.weights.resize(set.x.columns * functions.size());
  const float scale = set.dimensions > 0 ? kEmbeddingScale : 1;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    tables.bias.push_back(functions[i].bias);
    for (std::size_t k = 0; k < set.x.columns; ++k) {
      tables.weights[k * functions.size() + i] =
          static_cast<float>(functions[i].weights[k]) * scale;
    }
  }
}

ModelKind choose_kind(const OutcomeData& data, std::size_t rows) {
  if (data.targets.empty()) return ModelKind::kTier;
  return rows < kRidgeBelow ? ModelKind::kRidge : ModelKind::kLinear;
}

bool reads_embedding(const OutcomeData& data, ModelKind kind, const LearnOptions& options) {
  const bool can = kind == ModelKind::kNeighbours || kind == ModelKind::kItemResponse ||
                   kind == ModelKind::kFactors;
  return can && options.use_embedding && data.dimensions > 0;
}

std::vector<std::size_t> rows_to_learn(const OutcomeData& data, bool labelled) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const OutcomeRow& row = data.rows[i];
    if (!row.test && (!labelled || row.prompt_class != kNoIndex)) rows.push_back(i);
  }
  return rows;
}

}  // namespace

namespace {

Expected<ChoiceModel> learn_tables(const OutcomeData& data, const LearnOptions& options,
                                   bool reads_answer) {
  const auto wanted = find_targets(data, options.targets);
  if (!wanted) return tl::unexpected(wanted.error());
  ChoiceTables tables;
  const std::size_t all = rows_to_learn(data, false).size();
  tables.kind = options.kind ? *options.kind : choose_kind(data, all);
  const bool is_tier = tables.kind == ModelKind::kTier;
  const std::vector<std::size_t> targets = is_tier ? std::vector<std::size_t>() : *wanted;
  auto rows = rows_to_learn(data, is_tier);
  Errors errors = check(data, rows, tables.kind, targets);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  const bool with_text = !reads_embedding(data, tables.kind, options);
  const TrainingSet set = make_training_set(data, std::move(rows), targets, options, with_text);
  tables.targets = set.targets;
  if (is_tier) tables.classes = data.classes;
  tables.data_name = data.name;
  tables.data_hash = data.hash;
  tables.rows = set.rows();
  tables.seed = options.seed;
  tables.reads_answer = reads_answer;
  for (const std::size_t row : set.source) {
    tables.learnt.push_back(short_hash(data.rows[row].hash));
  }
  std::sort(tables.learnt.begin(), tables.learnt.end());
  tables.dimensions = set.dimensions;
  tables.transform = set.transform;

  const std::size_t classes = tables.classes.size();
  const bool is_sum = tables.kind != ModelKind::kNeighbours;
  if (is_sum) {
    tables.penalty = options.penalty
                         ? *options.penalty
                         : choose_penalty(set, tables.kind, classes, draw(set, kPenaltyRows));
  }
  const auto everything = draw(set, set.rows());
  const auto scores = cross_fit(set, tables.kind, classes, tables.penalty, everything, false);
  if (is_tier) {
    add_scores(data, set, "class", calibrate_classes(set, scores, tables), tables.held_out);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Validated validated = calibrate_target(set, i, options, scores[i], tables);
    add_scores(data, set, tables.targets[i], validated, tables.held_out);
  }
  if (is_sum) {
    add_weights(set, fit_outputs(set, tables.kind, classes, tables.penalty, everything), tables);
  }
  fit_trends(data, set, targets, tables);
  if (options.familiarity || !is_sum) add_neighbours(set, tables);
  tables.pack();
  return ChoiceModel(std::make_shared<const ChoiceTables>(std::move(tables)));
}

// The data that a cascade's scorer learns from: prompts with the answers of one target.
OutcomeData with_answers(const OutcomeData& data, std::size_t target) {
  OutcomeData answered = data;
  answered.targets = {data.targets[target]};
  std::erase_if(answered.rows, [&](const OutcomeRow& row) { return !row.outcomes[target]; });
  for (OutcomeRow& row : answered.rows) {
    TargetOutcome outcome = *row.outcomes[target];
    row.prompt = answered_prompt(row.prompt, outcome.answer);
    row.outcomes = {std::move(outcome)};
  }
  return answered;
}

}  // namespace

Expected<ChoiceModel> learn(const OutcomeData& data, const LearnOptions& options) {
  if (!options.cascade) return learn_tables(data, options, false);
  const auto target = find_targets(data, {*options.cascade});
  if (!target) return tl::unexpected(target.error());
  LearnOptions plain = options;
  plain.cascade.reset();
  plain.targets.clear();
  plain.use_embedding = false;
  return learn_tables(with_answers(data, target->front()), plain, true);
}

}  // namespace fare
