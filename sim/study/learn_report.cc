#include "study/learn_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/random.h"
#include "fare/check.h"
#include "fare/probability_scores.h"
#include "fare/text_features.h"
#include "study/perturb.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::Forecast;
using fare::OutcomeData;
using fare::OutcomeRow;

constexpr std::size_t kLogCharacters = 0;  // The hand feature of the length baseline.
constexpr std::size_t kPerturbedMax = 2'000;

// What the calibration picture shows.
std::vector<ProbabilityResult::Bin> bins_of(const std::vector<Forecast>& forecasts) {
  std::array<ProbabilityResult::Bin, fare::kCalibrationBins> bins{};
  for (const Forecast& one : forecasts) {
    const auto last = static_cast<double>(bins.size() - 1);
    auto& bin = bins[static_cast<std::size_t>(
        std::clamp(std::floor(one.probability * static_cast<double>(bins.size())), 0.0, last))];
    bin.forecast += one.probability;
    bin.truth += one.truth;
    ++bin.rows;
  }
  std::vector<ProbabilityResult::Bin> kept;
  for (auto& bin : bins) {
    if (bin.rows == 0) continue;
    bin.forecast /= static_cast<double>(bin.rows);
    bin.truth /= static_cast<double>(bin.rows);
    kept.push_back(bin);
  }
  return kept;
}

}  // namespace

ProbabilityResult score_probabilities(std::string name, const std::vector<Forecast>& forecasts,
                                      const std::vector<std::size_t>& owner,
                                      const Weights& weights) {
  ProbabilityResult out;
  out.target = std::move(name);
  out.rows = forecasts.size();
  std::array<std::vector<double>, 4> values;
  for (const auto& weight : weights) {
    std::vector<Forecast> sample;
    for (std::size_t i = 0; i < forecasts.size(); ++i) {
      sample.insert(sample.end(), weight[owner[i]], forecasts[i]);
    }
    if (sample.empty()) continue;
    values[0].push_back(fare::auroc(sample));
    values[1].push_back(fare::brier(sample));
    values[2].push_back(fare::brier_of_mean(sample));
    values[3].push_back(fare::calibration_error(sample));
  }
  out.auroc = interval_of(values[0]);
  out.brier = interval_of(values[1]);
  out.brier_of_mean = interval_of(values[2]);
  out.ece = interval_of(values[3]);
  out.bins = bins_of(forecasts);
  return out;
}

namespace {

// One tested row: what came true, and what the model said.
struct Tested {
  const OutcomeRow* row = nullptr;
  std::size_t model;             // Which of the tested models.
  std::vector<double> quality;   // Of the model's targets; NaN: unknown.
  std::vector<double> dollars;   // NaN: unknown.
  std::vector<double> forecast;  // Quality.
  std::vector<double> forecast_dollars;
  std::vector<double> score;  // What auroc ranks by.
  bool abstained = false;
  double characters = 0, rule_class = 0;

  // Whether every outcome and forecast is known, costs included.
  bool is_whole() const {
    for (const auto* values : {&quality, &dollars, &forecast, &forecast_dollars}) {
      for (const double value : *values) {
        if (std::isnan(value)) return false;
      }
    }
    return !forecast.empty();
  }
};

class Evaluation {
 public:
  Evaluation(const OutcomeData& data, const std::vector<TestedModel>& tested,
             const LearnEvaluation& options)
      : data_(data), tested_(tested), options_(options), model_(tested.front().model) {}

  fare::Expected<LearnReport> run();

 private:
  fare::Errors prepare();
  void read_rows();
  void choose_pair();
  std::vector<double> group_means(std::size_t model, std::uint32_t group, bool dollars) const;
  MenuRow menu_row(const Tested& one, const std::vector<double>& quality,
                   const std::vector<double>& dollars) const;

  void add_pair(const std::string& name, const std::function<double(const Tested&)>& score);
  void add_menu(const std::string& name, std::vector<MenuRow> rows, bool singles);
  void add_baselines();
  void add_tables();
  void add_probabilities();
  void add_classes();
  RouterResult& result(const std::string& name);

  const OutcomeData& data_;
  const std::vector<TestedModel>& tested_;
  const LearnEvaluation& options_;
  const fare::ChoiceModel& model_;
  std::vector<std::size_t> target_;  // Of the data, by the model's targets.
  std::vector<Tested> rows_;
  std::size_t strong_ = 0, weak_ = 0;
  bool has_pair_ = false, has_costs_ = false;
  Weights weights_;
  LearnReport report_;
};

fare::Errors Evaluation::prepare() {
  fare::Errors errors;
  for (const std::string& name : model_.targets()) {
    const auto found = std::find(data_.targets.begin(), data_.targets.end(), name);
    if (found == data_.targets.end()) {
      errors.push_back({ErrorCode::kUnknownName, data_.name,
                        fmt::format("has no outcomes of the model's target \"{}\"", name)});
    }
    target_.push_back(static_cast<std::size_t>(found - data_.targets.begin()));
  }
  const bool classes = !model_.classes().empty();
  if (classes && data_.classes.empty()) {
    errors.push_back(
        {ErrorCode::kMissingKey, data_.name, "has no classes, but the model tells nothing else"});
  }
  for (const std::string& name : {options_.strong, options_.weak}) {
    const auto names = model_.targets();
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
    errors.push_back({ErrorCode::kUnknownName, "--pair",
                      fmt::format("\"{}\" is not a target of the model", name)});
  }
  if (model_.reads_answer()) {
    errors.push_back({ErrorCode::kConflict, "--model",
                      "the model reads answers: it can only score a cascade (--cascade)"});
  }
  return errors;
}

void Evaluation::read_rows() {
  const double unknown = std::nan("");
  const fare::ChoiceModel rules = fare::ChoiceModel::rules();
  fare::ChoiceScratch scratch, rules_scratch;
  fare::TextReader reader({8, 8});
  for (std::size_t m = 0; m < tested_.size(); ++m) {
    for (const std::size_t index : tested_[m].rows) {
      const OutcomeRow& row = data_.rows[index];
      Tested one;
      one.row = &row;
      one.model = m;
      bool any = !model_.classes().empty() && row.prompt_class != fare::kNoIndex;
      for (const std::size_t target : target_) {
        const auto& outcome = row.outcomes[target];
        any = any || outcome.has_value();
        one.quality.push_back(outcome ? static_cast<double>(outcome->quality) : unknown);
        const bool paid = outcome && outcome->cost;
        one.dollars.push_back(paid ? static_cast<double>(outcome->cost->count()) / 1e12 : unknown);
      }
      if (!any) continue;
      const auto forecast = tested_[m].model.forecast(row.prompt, row.embedding, scratch);
      one.abstained = forecast.abstains;
      for (const fare::TargetForecast& target : forecast.targets) {
        one.forecast.push_back(target.quality);
        one.score.push_back(target.quality);
        one.forecast_dollars.push_back(
            target.cost ? static_cast<double>(target.cost->count()) / 1e12 : unknown);
      }
      one.characters = static_cast<double>(reader.read(row.prompt).hand[kLogCharacters]);
      one.rule_class = static_cast<double>(rules.forecast(row.prompt, rules_scratch).likely_class);
      rows_.push_back(std::move(one));
    }
  }
}

void Evaluation::choose_pair() {
  const std::size_t targets = target_.size();
  if (targets < 2) return;
  std::vector<double> quality(targets), dollars(targets);
  for (const Tested& one : rows_) {
    for (std::size_t t = 0; t < targets; ++t) {
      quality[t] += std::isnan(one.quality[t]) ? 0 : one.quality[t];
      if (one.is_whole()) dollars[t] += one.dollars[t];
    }
    report_.priced_rows += one.is_whole() ? 1 : 0;
  }
  has_costs_ = report_.priced_rows > 0;
  const auto index = [&](const std::string& name) {
    const auto names = model_.targets();
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const auto best = std::max_element(quality.begin(), quality.end()) - quality.begin();
  const auto& by = has_costs_ ? dollars : quality;
  const auto least = std::min_element(by.begin(), by.end()) - by.begin();
  strong_ = options_.strong.empty() ? static_cast<std::size_t>(best) : index(options_.strong);
  weak_ = options_.weak.empty() ? static_cast<std::size_t>(least) : index(options_.weak);
  has_pair_ = strong_ != weak_;
}

RouterResult& Evaluation::result(const std::string& name) {
  for (RouterResult& one : report_.routers) {
    if (one.name == name) return one;
  }
  report_.routers.push_back({});
  report_.routers.back().name = name;
  return report_.routers.back();
}

void Evaluation::add_pair(const std::string& name,
                          const std::function<double(const Tested&)>& score) {
  if (!has_pair_) return;
  std::vector<PairOutcome> pairs;
  for (const Tested& one : rows_) {
    if (std::isnan(one.quality[weak_]) || std::isnan(one.quality[strong_])) continue;
    pairs.push_back({one.quality[weak_], one.quality[strong_], score(one)});
  }
  if (pairs.empty()) return;
  std::array<std::vector<double>, 4> values;
  const Weights weights = pairs.size() == rows_.size()
                              ? weights_
                              : draw_weights(pairs.size(), options_.resamples, options_.seed);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Deferral one = deferral(repeated(pairs, weights[i]));
    const std::array<double, 4> all = {one.apgr, one.cpt50, one.cpt80, one.apgr_deciles};
    for (std::size_t k = 0; k < all.size(); ++k) values[k].push_back(all[k]);
    if (i == 0) result(name).curve = std::move(one.curve);
  }
  RouterResult& out = result(name);
  out.apgr = interval_of(values[0]);
  out.cpt50 = interval_of(values[1]);
  out.cpt80 = interval_of(values[2]);
  out.apgr_deciles = interval_of(values[3]);
}

void Evaluation::add_menu(const std::string& name, std::vector<MenuRow> rows, bool singles) {
  const Choices choices = singles ? single_targets(rows) : sweep(rows);
  std::array<std::vector<double>, 3> values;
  const Weights weights = draw_weights(rows.size(), options_.resamples, options_.seed);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CostFront front = cost_front(rows, choices, weights[i]);
    const std::array<double, 3> all = {front.aiq, front.aiq_published, front.cost_at_95};
    for (std::size_t k = 0; k < all.size(); ++k) values[k].push_back(all[k]);
    if (i == 0) result(name).hull = std::move(front.hull);
  }
  RouterResult& out = result(name);
  out.aiq = interval_of(values[0]);
  out.aiq_published = interval_of(values[1]);
  out.cost_at_95 = interval_of(values[2]);
}

MenuRow Evaluation::menu_row(const Tested& one, const std::vector<double>& quality,
                             const std::vector<double>& dollars) const {
  return {one.quality, one.dollars, quality, dollars};
}

// By target, the mean over the rows of a group that the model may have learnt from; over all of
// them if the group has none.
std::vector<double> Evaluation::group_means(std::size_t model, std::uint32_t group,
                                            bool dollars) const {
  std::vector<bool> is_tested(data_.rows.size(), false);
  for (const std::size_t row : tested_[model].rows) is_tested[row] = true;
  std::vector<double> means;
  for (const std::size_t target : target_) {
    double sum = 0, count = 0, all_sum = 0, all_count = 0;
    for (std::size_t i = 0; i < data_.rows.size(); ++i) {
      const OutcomeRow& row = data_.rows[i];
      const auto& outcome = row.outcomes[target];
      if (is_tested[i] || !outcome || (dollars && !outcome->cost)) continue;
      const double value = dollars ? static_cast<double>(outcome->cost->count()) / 1e12
                                   : static_cast<double>(outcome->quality);
      all_sum += value;
      all_count += 1;
      if (row.group != group) continue;
      sum += value;
      count += 1;
    }
    means.push_back(count > 0 ? sum / count : all_count > 0 ? all_sum / all_count : 0.5);
  }
  return means;
}

// What a table of means by group would do: the benchmark's own labels, which no prompt carries.
void Evaluation::add_tables() {
  std::vector<std::vector<std::vector<double>>> quality(tested_.size()), dollars(tested_.size());
  const std::size_t groups = std::max<std::size_t>(1, data_.groups.size());
  for (std::size_t m = 0; m < tested_.size(); ++m) {
    for (std::uint32_t g = 0; g < groups; ++g) {
      quality[m].push_back(group_means(m, g, false));
      dollars[m].push_back(group_means(m, g, true));
    }
  }
  const auto group_of = [](const Tested& one) {
    return one.row->group == fare::kNoIndex ? 0 : one.row->group;
  };
  if (!data_.groups.empty()) {
    add_pair("label table", [&](const Tested& one) {
      const auto& means = quality[one.model][group_of(one)];
      return means[strong_] - means[weak_];
    });
  }
  if (!has_costs_) return;
  std::vector<MenuRow> table, oracle;
  for (const Tested& one : rows_) {
    if (!one.is_whole()) continue;
    const std::uint32_t group = group_of(one);
    table.push_back(menu_row(one, quality[one.model][group], dollars[one.model][group]));
    oracle.push_back(menu_row(one, one.quality, one.dollars));
  }
  add_menu("zero", table, true);
  if (!data_.groups.empty()) add_menu("label table", std::move(table), false);
  add_menu("oracle", std::move(oracle), false);
}

void Evaluation::add_baselines() {
  const fare::RandomKey key(options_.seed, 1, fare::Purpose::kBootstrap);
  add_pair("random",
           [&](const Tested& one) { return fare::RandomStream(key, one.row->line).uniform(); });
  add_pair("prompt length", [](const Tested& one) { return one.characters; });
  add_pair("keyword score", [](const Tested& one) { return one.rule_class; });
  add_pair("best single", [](const Tested&) { return 0.0; });
  if (target_.size() > 1) add_tables();
  add_pair("oracle", [&](const Tested& one) { return one.quality[strong_] - one.quality[weak_]; });
}

void Evaluation::add_probabilities() {
  std::vector<Forecast> all;
  std::vector<std::size_t> all_owner;
  std::vector<ProbabilityResult> by_target;
  for (std::size_t t = 0; t < target_.size(); ++t) {
    std::vector<Forecast> forecasts;
    std::vector<std::size_t> owner;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (t >= rows_[i].forecast.size() || std::isnan(rows_[i].quality[t])) continue;
      forecasts.push_back({rows_[i].forecast[t], rows_[i].quality[t]});
      owner.push_back(i);
    }
    if (forecasts.empty()) continue;
    by_target.push_back(score_probabilities(model_.targets()[t], forecasts, owner, weights_));
    all.insert(all.end(), forecasts.begin(), forecasts.end());
    all_owner.insert(all_owner.end(), owner.begin(), owner.end());
  }
  if (all.empty()) return;
  report_.probabilities.push_back(score_probabilities("", all, all_owner, weights_));
  if (by_target.size() > 1) {
    report_.probabilities.insert(report_.probabilities.end(), by_target.begin(), by_target.end());
  }
}

void Evaluation::add_classes() {
  const fare::ChoiceModel rules = fare::ChoiceModel::rules();
  fare::ChoiceScratch scratch;
  std::vector<Forecast> forecasts;
  std::vector<std::size_t> owner;
  std::vector<double> right, under, by_rules, same;
  std::vector<std::size_t> same_owner;
  // Classes of the model by those of the data, both from the simplest.
  std::vector<std::size_t> index;
  for (const std::string& name : data_.classes) {
    const auto names = model_.classes();
    index.push_back(
        static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin()));
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Tested& one = rows_[i];
    const fare::ChoiceModel& model = tested_[one.model].model;
    const auto forecast = model.forecast(one.row->prompt, one.row->embedding, scratch);
    const std::size_t likely = forecast.likely_class, truth = index[one.row->prompt_class];
    forecasts.push_back({forecast.class_probabilities[likely], likely == truth ? 1.0 : 0.0});
    owner.push_back(i);
    right.push_back(likely == truth ? 1 : 0);
    under.push_back(likely < truth ? 1 : 0);
    by_rules.push_back(one.rule_class == static_cast<double>(one.row->prompt_class) ? 1 : 0);
    if (i >= kPerturbedMax) continue;
    for (const std::string& again : perturbed(one.row->prompt)) {
      same.push_back(model.forecast(again, one.row->embedding, scratch).likely_class == likely);
      same_owner.push_back(i);
    }
  }
  const auto mean = [&](const std::vector<double>& values, const std::vector<std::size_t>& of) {
    std::vector<double> means;
    for (const auto& weight : weights_) {
      double sum = 0, count = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        sum += values[i] * weight[of[i]];
        count += weight[of[i]];
      }
      means.push_back(count > 0 ? sum / count : 0);
    }
    return interval_of(means);
  };
  report_.accuracy = mean(right, owner);
  report_.under_routed = mean(under, owner);
  if (model_.classes().size() == rules.classes().size())
    report_.rules_accuracy = mean(by_rules, owner);
  if (!same.empty()) report_.consistency = mean(same, same_owner);
  report_.probabilities.push_back(score_probabilities("", forecasts, owner, weights_));
}

fare::Expected<LearnReport> Evaluation::run() {
  fare::Errors errors = prepare();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  read_rows();
  if (rows_.empty()) {
    return fare::fail(ErrorCode::kMissingKey, data_.name, "has no rows to test on");
  }
  weights_ = draw_weights(rows_.size(), options_.resamples, options_.seed);
  report_.kind = std::string(fare::to_string(model_.kind()));
  report_.rows = rows_.size();
  for (const Tested& one : rows_) report_.abstained += one.abstained ? 1 : 0;
  if (!model_.classes().empty()) {
    add_classes();
    return std::move(report_);
  }
  choose_pair();
  add_pair("model", [&](const Tested& one) { return one.forecast[strong_] - one.forecast[weak_]; });
  if (has_costs_) {
    std::vector<MenuRow> menu;
    for (const Tested& one : rows_) {
      if (one.is_whole()) menu.push_back(menu_row(one, one.forecast, one.forecast_dollars));
    }
    add_menu("model", std::move(menu), false);
  }
  add_baselines();
  add_probabilities();
  if (has_pair_) {
    report_.strong = model_.targets()[strong_];
    report_.weak = model_.targets()[weak_];
    const double rows = static_cast<double>(rows_.size());
    for (const Tested& one : rows_) {
      report_.strong_quality += std::isnan(one.quality[strong_]) ? 0 : one.quality[strong_] / rows;
      report_.weak_quality += std::isnan(one.quality[weak_]) ? 0 : one.quality[weak_] / rows;
    }
  }
  return std::move(report_);
}

}  // namespace

fare::Expected<LearnReport> evaluate(const OutcomeData& data,
                                     const std::vector<TestedModel>& tested,
                                     const LearnEvaluation& options) {
  FARE_CHECK(!tested.empty());
  return Evaluation(data, tested, options).run();
}

}  // namespace routesim
