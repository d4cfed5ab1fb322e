#include "fare/choice_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "choice/choice_tables.h"
#include "choice/rules.h"
#include "choice/score_text.h"
#include "fare/check.h"

namespace fare {
namespace {

constexpr std::array<std::string_view, 7> kKindNames = {"rules", "linear", "ridge", "knn",
                                                        "tier",  "irt",    "mf"};
constexpr double kPicodollarsPerDollar = 1e12;
constexpr double kDollarsMax = 1e6;  // A trend that says more is wrong.

}  // namespace

std::string_view to_string(ModelKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

std::optional<ModelKind> model_kind(std::string_view name) {
  const auto found = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<ModelKind>(found - kKindNames.begin());
}

struct ChoiceScratch::State {
  std::optional<TextReader> reader;
  TextScore text;
  std::vector<TargetForecast> targets;
  std::vector<double> classes;
  std::vector<SparseRows::Entry> query;
  std::vector<float> unit;  // The embedding, scaled to length 1.
  std::array<float, kHandFeatures> hand;
  Neighbours::Scratch neighbours;

  TextReader& reader_for(GramBits bits) {
    if (!reader || !(reader->bits() == bits)) reader.emplace(bits);
    return *reader;
  }
};

ChoiceScratch::ChoiceScratch() : state_(std::make_unique<State>()) {}
ChoiceScratch::~ChoiceScratch() = default;
ChoiceScratch::ChoiceScratch(ChoiceScratch&&) noexcept = default;
ChoiceScratch& ChoiceScratch::operator=(ChoiceScratch&&) noexcept = default;

std::uint64_t short_hash(std::string_view hash) {
  std::uint64_t value = 0;
  std::from_chars(hash.data(), hash.data() + std::min<std::size_t>(16, hash.size()), value, 16);
  return value;
}

void trend_input(const TextTransform& transform, const TextFeatures& features,
                 std::size_t prompt_bytes, std::span<double> out) {
  for (std::size_t i = 0; i < kHandFeatures; ++i) {
    out[i] = static_cast<double>(transform.hand_value(features, i));
  }
  out[kHandFeatures] = std::log1p(static_cast<double>(prompt_bytes)) / 10;
}

namespace {

void score_embedding(const ChoiceTables& tables, std::span<const float> unit,
                     std::vector<double>& scores) {
  scores.assign(tables.bias.begin(), tables.bias.end());
  for (std::size_t i = 0; i < unit.size(); ++i) {
    for (std::size_t k = 0; k < tables.outputs; ++k) {
      scores[k] += static_cast<double>(unit[i] * tables.weights[i * tables.outputs + k]);
    }
  }
}

void scale_to_one(std::span<const float> from, std::vector<float>& to) {
  double square = 0;
  for (const float value : from) square += static_cast<double>(value * value);
  const auto factor = static_cast<float>(square > 0 ? 1 / std::sqrt(square) : 0);
  to.assign(from.begin(), from.end());
  for (float& value : to) value *= factor;
}

std::optional<double> trend_value(const Trend& trend, std::span<const double> input) {
  if (trend.weights.empty()) return std::nullopt;
  double value = trend.bias;
  for (std::size_t i = 0; i < Trend::kInputs; ++i) value += trend.weights[i] * input[i];
  return std::exp(value) * trend.smear;
}

// Soft-max of the sharpened scores; of the base rates if it abstains.
void fill_classes(const ChoiceTables& tables, const std::vector<double>& scores, bool abstains,
                  std::vector<double>& classes) {
  classes.assign(tables.base_rate.begin(), tables.base_rate.end());
  if (abstains) return;
  const double slope = tables.calibration.front().slope;
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    classes[i] = std::exp(slope * (scores[i] - top));
    sum += classes[i];
  }
  for (double& one : classes) one /= sum;
}

}  // namespace

void ChoiceTables::pack() {
  packed.clear();
  if (dimensions > 0 || outputs == 0) return;
  packed.reserve(transform.idf.size() * (outputs + 1));
  for (std::size_t bucket = 0; bucket < transform.idf.size(); ++bucket) {
    packed.push_back(transform.idf[bucket]);
    const float* row = weights.data() + (kHandFeatures + bucket) * outputs;
    packed.insert(packed.end(), row, row + outputs);
  }
}

ChoiceModel::ChoiceModel(std::shared_ptr<const ChoiceTables> tables) : tables_(std::move(tables)) {
  FARE_CHECK(tables_ != nullptr);
}

Expected<ChoiceModel> ChoiceModel::parse(std::string name, std::string_view bytes) {
  Expected<ChoiceTables> tables = read_model(std::move(name), bytes);
  if (!tables) return tl::unexpected(tables.error());
  return ChoiceModel(std::make_shared<const ChoiceTables>(std::move(*tables)));
}

ChoiceModel ChoiceModel::rules() {
  ChoiceTables tables;
  for (const std::string_view name : kRuleClasses) tables.classes.emplace_back(name);
  tables.transform.bits = {8, 8};
  return ChoiceModel(std::make_shared<const ChoiceTables>(std::move(tables)));
}

std::string ChoiceModel::serialise() const { return write_model(*tables_); }
ModelKind ChoiceModel::kind() const { return tables_->kind; }
std::span<const std::string> ChoiceModel::targets() const { return tables_->targets; }
std::span<const std::string> ChoiceModel::classes() const { return tables_->classes; }
std::span<const HeldOut> ChoiceModel::held_out() const { return tables_->held_out; }
std::string_view ChoiceModel::data_hash() const { return tables_->data_hash; }
std::size_t ChoiceModel::dimensions() const { return tables_->dimensions; }
bool ChoiceModel::reads_answer() const { return tables_->reads_answer; }
bool ChoiceModel::learnt_from(std::string_view prompt) const {
  return std::binary_search(tables_->learnt.begin(), tables_->learnt.end(),
                            short_hash(prompt_hash(prompt)));
}
double ChoiceModel::familiarity_min() const { return tables_->familiarity_min; }

namespace {

// The most similar prompts learnt from.
std::span<const Neighbours::Near> find_near(const ChoiceTables& tables,
                                            const TextFeatures& features,
                                            std::span<const float> unit, double word_square,
                                            std::vector<SparseRows::Entry>& query,
                                            Neighbours::Scratch& scratch) {
  if (tables.neighbours.size() == 0) return {};
  const std::size_t count =
      tables.kind == ModelKind::kNeighbours ? ChoiceTables::kNeighbours : ChoiceTables::kOpinion;
  if (tables.dimensions > 0) {
    return tables.neighbours.find_dense(unit, count, scratch);
  }
  query.clear();
  // Where the words were scored, their length is known.
  const double factor = tables.outputs == 0 ? tables.transform.block_factor(features.words, 0, 1)
                        : word_square > 0   ? 1 / std::sqrt(word_square)
                                            : 0;
  tables.transform.append_words(features, factor, query);
  return tables.neighbours.find(query, count, scratch);
}

TargetForecast forecast_target(const ChoiceTables& tables, std::size_t target,
                               const std::vector<double>& scores,
                               std::span<const Neighbours::Near> near,
                               std::span<const double> trend) {
  TargetForecast one;
  const std::size_t rows = tables.neighbours.size();
  const double base = tables.base_rate[target];
  one.second_opinion = neighbour_mean(
      near, std::span<const float>(tables.neighbour_quality).subspan(target * rows, rows), base);
  one.score = tables.kind == ModelKind::kNeighbours ? one.second_opinion : scores[target];
  one.quality = tables.calibration[target](one.score);
  if (trend.empty()) return one;
  one.milliseconds = trend_value(tables.time_trend[target], trend);
  if (const auto dollars = trend_value(tables.cost_trend[target], trend)) {
    const double bounded = std::min(*dollars, kDollarsMax) * kPicodollarsPerDollar;
    one.cost = Cost(static_cast<Int128>(std::llround(bounded)));
  }
  return one;
}

}  // namespace

ChoiceForecast ChoiceModel::forecast(std::string_view prompt, std::span<const float> embedding,
                                     ChoiceScratch& scratch) const {
  const ChoiceTables& tables = *tables_;
  FARE_CHECK(tables.dimensions == 0 || embedding.size() == tables.dimensions);
  ChoiceScratch::State& state = *scratch.state_;
  const TextFeatures features = state.reader_for(tables.transform.bits).read(prompt);
  ChoiceForecast forecast;
  if (tables.kind == ModelKind::kRules) {
    forecast.likely_class = rule_class(features);
    state.classes.assign(tables.classes.size(), 0.0);
    state.classes[forecast.likely_class] = 1;
    forecast.class_probabilities = state.classes;
    return forecast;
  }
  if (!tables.transform.idf.empty()) {
    for (std::size_t i = 0; i < kHandFeatures; ++i) {
      state.hand[i] = tables.transform.standard_hand(features, i);
    }
    forecast.hand = state.hand;
  }
  if (tables.dimensions > 0) {
    scale_to_one(embedding, state.unit);
    score_embedding(tables, state.unit, state.text.scores);
  } else if (tables.outputs > 0) {
    score_text(tables, features, state.hand, state.text);
  }
  const auto near = find_near(tables, features, state.unit, state.text.word_square, state.query,
                              state.neighbours);
  if (tables.neighbours.size() > 0) {
    forecast.familiarity = near.empty() ? 0 : static_cast<double>(near.front().similarity);
    forecast.abstains = forecast.familiarity < tables.familiarity_min;
  }
  if (tables.knows_classes()) {
    fill_classes(tables, state.text.scores, forecast.abstains, state.classes);
    forecast.class_probabilities = state.classes;
    forecast.likely_class = static_cast<std::size_t>(
        std::max_element(state.classes.begin(), state.classes.end()) - state.classes.begin());
    return forecast;
  }
  std::array<double, Trend::kInputs> trend;
  trend_input(tables.transform, features, prompt.size(), trend);
  const bool has_trend = !tables.transform.idf.empty();  // Without text there is none.
  state.targets.resize(tables.targets.size());
  for (std::size_t i = 0; i < tables.targets.size(); ++i) {
    state.targets[i] =
        forecast_target(tables, i, state.text.scores, near,
                        has_trend ? std::span<const double>(trend) : std::span<const double>());
    if (forecast.abstains) state.targets[i].quality = tables.base_rate[i];
  }
  forecast.targets = state.targets;
  return forecast;
}

std::optional<Explanation> ChoiceModel::explain(std::string_view prompt, std::size_t output,
                                                std::size_t count) const {
  const ChoiceTables& tables = *tables_;
  if (tables.outputs == 0) return std::nullopt;
  FARE_CHECK(output < tables.outputs);
  FARE_CHECK(tables.dimensions == 0);
  TextReader reader(tables.transform.bits);
  std::vector<SparseRows::Entry> row;
  tables.transform.append(reader.read(prompt), row);
  std::map<std::size_t, std::string> names;
  for (const NamedGram& gram : reader.grams()) {
    const std::size_t offset = gram.is_word ? 0 : tables.transform.word_buckets();
    std::string& name = names[kHandFeatures + offset + gram.bucket];
    name += name.empty() ? (gram.is_word ? "word: " : "characters: ") : " | ";
    name += gram.text;
  }
  Explanation explanation;
  explanation.bias = explanation.score = tables.bias[output];
  for (const SparseRows::Entry& entry : row) {
    Contribution one;
    one.value = static_cast<double>(entry.value);
    one.weight = static_cast<double>(tables.weights[entry.column * tables.outputs + output]);
    one.amount = one.value * one.weight;
    one.feature = entry.column < kHandFeatures ? std::string(hand_feature_name(entry.column))
                                               : names[entry.column];
    explanation.score += one.amount;
    explanation.top.push_back(std::move(one));
  }
  std::sort(explanation.top.begin(), explanation.top.end(),
            [](const Contribution& a, const Contribution& b) {
              const double x = std::abs(a.amount), y = std::abs(b.amount);
              return x != y ? x > y : a.feature < b.feature;
            });
  for (std::size_t i = count; i < explanation.top.size(); ++i) {
    explanation.rest += explanation.top[i].amount;
  }
  explanation.top.resize(std::min(count, explanation.top.size()));
  return explanation;
}

}  // namespace fare
