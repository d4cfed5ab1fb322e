#include "study/ope_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/json_reader.h"
#include "traffic/line_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;

constexpr std::size_t kNameMax = 256;
constexpr std::size_t kPromptMax = std::size_t{4} << 20;
constexpr std::size_t kCandidatesMax = 64;
constexpr std::size_t kArmsMax = 1'000;
constexpr std::size_t kFeaturesMax = 192;
constexpr double kRewardMax = 1e12;
constexpr double kSumTolerance = 1e-6;
constexpr std::int64_t kBoundMax = 86'400'000;

// A row as it stands: targets by name.
struct NamedRow {
  DecisionRow row;
  std::vector<std::string> candidates;
  std::string chosen;
  std::optional<std::map<std::string, double>> probabilities;
};

template <class T, class Parser>
void read_optional(fare::ObjectReader& reader, std::string_view key, std::optional<T>& out,
                   const Parser& parse) {
  T value{};
  if (reader.optional(key, value, parse)) out = value;
}

void read_tokens(fare::ObjectReader& reader, std::string_view key,
                 std::optional<fare::Tokens>& out) {
  std::int64_t count = 0;
  const auto parse = fare::json::integer(0, fare::kTokensMax.count());
  if (reader.optional(key, count, parse)) out = fare::Tokens(count);
}

void read_request(fare::ObjectReader& reader, DecisionRow& row) {
  read_optional(reader, "at", row.at, fare::json::read_with(&fare::parse_instant));
  reader.optional("class", row.request_class, fare::json::text(kNameMax));
  reader.optional("prompt", row.prompt, fare::json::text(kPromptMax));
  std::vector<double> features;
  reader.optional("features", features,
                  fare::json::list(fare::json::number(-1e6, 1e6), 1, kFeaturesMax));
  row.features.assign(features.begin(), features.end());
  if (const auto tags = reader.member("tags", false)) {
    fare::ObjectReader object(*tags);
    for (const std::string& key : tags->is_object() ? tags->keys() : std::vector<std::string>()) {
      std::string value;
      if (object.required(key, value, fare::json::text(kNameMax))) {
        row.tags.emplace_back(key, value);
      }
    }
  }
  reader.optional("capabilities", row.capabilities,
                  fare::json::list(fare::json::text(kNameMax), 0, kCandidatesMax));
  read_tokens(reader, "input_tokens", row.input);
  read_tokens(reader, "expected_output_tokens", row.expected_output);
  read_tokens(reader, "max_output_tokens", row.max_output);
  std::int64_t milliseconds = 0;
  if (reader.optional("latency_bound_ms", milliseconds, fare::json::integer(1, kBoundMax))) {
    row.latency_bound = std::chrono::milliseconds(milliseconds);
  }
}

void read_outcome(fare::ObjectReader& reader, DecisionRow& row) {
  read_optional(reader, "reward", row.reward, fare::json::number(-kRewardMax, kRewardMax));
  read_optional(reader, "quality", row.quality, fare::json::number(0, 1));
  read_optional(reader, "cost_usd", row.cost, fare::json::read_with(&fare::parse_usd));
  if (!reader.ok()) return;
  if (row.cost && *row.cost < fare::Cost()) {
    reader.node().problem(ErrorCode::kOutOfRange, "\"cost_usd\" must not be negative");
  }
  const bool either = reader.node().has("reward") != reader.node().has("quality");
  if (!either) {
    reader.node().problem(ErrorCode::kConflict, "must have either \"reward\" or \"quality\"");
  }
}

void check_choice(const JsonNode& node, const NamedRow& named) {
  std::set<std::string> known;
  for (const std::string& one : named.candidates) {
    if (known.insert(one).second) continue;
    node.problem(ErrorCode::kDuplicateKey, fmt::format("names the candidate \"{}\" twice", one));
  }
  if (named.candidates.empty()) return;
  if (!named.chosen.empty() && !known.contains(named.chosen)) {
    node.problem(ErrorCode::kUnknownName,
                 fmt::format("chose \"{}\", which is not among the candidates", named.chosen));
  }
  if (!named.probabilities) return;
  double sum = 0;
  for (const auto& [name, probability] : *named.probabilities) {
    sum += probability;
    if (known.contains(name)) continue;
    node.problem(
        ErrorCode::kUnknownName,
        fmt::format("has a probability of \"{}\", which is not among the candidates", name));
  }
  if (std::abs(sum - 1) > kSumTolerance) {
    node.problem(ErrorCode::kOutOfRange,
                 fmt::format("\"probabilities\" must have the sum 1, but it is {}", sum));
  }
  const auto chosen = named.probabilities->find(named.chosen);
  const double own = chosen == named.probabilities->end() ? 0 : chosen->second;
  if (std::abs(own - named.row.propensity) > kSumTolerance) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("the probability of what was chosen is {}, but \"propensity\" is {}",
                             own, named.row.propensity));
  }
}

NamedRow read_row(const JsonNode& node) {
  NamedRow named;
  fare::ObjectReader reader(node);
  reader.required("id", named.row.id, fare::json::text(kNameMax));
  reader.required("candidates", named.candidates,
                  fare::json::list(fare::json::text(kNameMax), 1, kCandidatesMax));
  reader.required("chosen", named.chosen, fare::json::text(kNameMax));
  double propensity = 0;
  const bool known = reader.required("propensity", propensity, fare::json::number(0, 1));
  if (known && propensity == 0) {
    node.problem(ErrorCode::kOutOfRange,
                 "\"propensity\" must be above 0: what was chosen had a "
                 "chance");
  }
  named.row.propensity = propensity;
  if (const auto all = reader.member("probabilities", false)) {
    fare::ObjectReader object(*all);
    named.probabilities.emplace();
    for (const std::string& key : all->is_object() ? all->keys() : std::vector<std::string>()) {
      double value = 0;
      if (object.required(key, value, fare::json::number(0, 1)))
        (*named.probabilities)[key] = value;
    }
  }
  read_outcome(reader, named.row);
  read_request(reader, named.row);
  reader.finish();
  if (known) check_choice(node, named);
  return named;
}

// What every row must have if the first one has it.
struct Shape {
  bool reward, cost, prompt;
  std::size_t features;

  explicit Shape(const DecisionRow& row)
      : reward(row.reward.has_value()),
        cost(row.cost.has_value()),
        prompt(!row.prompt.empty()),
        features(row.features.size()) {}
};

void check_shape(const Shape& first, const Shape& own, fare::Problems& problems) {
  const auto same = [&problems](bool holds, std::string_view key) {
    if (holds) return;
    problems.add(ErrorCode::kConflict, "",
                 fmt::format("\"{}\" must stand on every row or on none, but this row and the "
                             "first differ",
                             key));
  };
  same(first.reward == own.reward, "reward");
  same(first.cost == own.cost, "cost_usd");
  same(first.prompt == own.prompt, "prompt");
  if (first.features == own.features) return;
  problems.add(
      ErrorCode::kConflict, "",
      fmt::format("has {} features, but the first row has {}", own.features, first.features));
}

// Names become numbers.
void add_rows(std::vector<NamedRow>& named, DecisionLog& log) {
  std::set<std::string> names;
  for (const NamedRow& one : named) names.insert(one.candidates.begin(), one.candidates.end());
  log.arms.assign(names.begin(), names.end());
  const auto arm_of = [&log](const std::string& name) {
    const auto found = std::lower_bound(log.arms.begin(), log.arms.end(), name);
    return static_cast<std::uint32_t>(found - log.arms.begin());
  };
  for (NamedRow& one : named) {
    one.row.chosen = arm_of(one.chosen);
    for (const std::string& name : one.candidates) {
      one.row.candidates.push_back(arm_of(name));
      if (!one.probabilities) continue;
      const auto found = one.probabilities->find(name);
      one.row.probabilities.push_back(found == one.probabilities->end() ? 0 : found->second);
    }
    log.rows.push_back(std::move(one.row));
  }
  const Shape shape(log.rows.front());
  log.has_reward = shape.reward;
  log.has_cost = shape.cost;
  log.dimensions = shape.features;
}

}  // namespace

fare::Expected<DecisionLog> read_decision_log(std::string name, ByteSource source) {
  LineReader reader(std::move(source));
  LineReader::Line line;
  fare::Errors errors;
  std::vector<NamedRow> rows;
  std::map<std::string, std::uint64_t> ids;
  std::set<std::string> targets;
  while (reader.next(line) && errors.size() < fare::Problems::kProblemsMax) {
    fare::Problems problems(fmt::format("{}:{}", name, line.number));
    if (line.too_long) problems.add(ErrorCode::kOutOfRange, "", "is longer than 16 MiB");
    const fare::JsonDocument document(line.text, problems);
    NamedRow row = document.ok() ? read_row(document.root()) : NamedRow{};
    row.row.line = line.number;
    targets.insert(row.candidates.begin(), row.candidates.end());
    if (targets.size() > kArmsMax) {
      problems.add(ErrorCode::kOutOfRange, "", "is where the log has more than 1,000 targets");
    }
    const auto [first, fresh] = ids.emplace(row.row.id, line.number);
    if (!fresh && !row.row.id.empty()) {
      problems.add(ErrorCode::kDuplicateKey, "",
                   fmt::format("has the id \"{}\" of line {}", row.row.id, first->second));
    }
    if (problems.empty() && !rows.empty()) {
      check_shape(Shape(rows.front().row), Shape(row.row), problems);
    }
    if (problems.empty()) {
      rows.push_back(std::move(row));
      continue;
    }
    const fare::Errors found = problems.take();
    errors.insert(errors.end(), found.begin(), found.end());
  }
  if (reader.error()) errors.push_back({reader.error()->code, name, reader.error()->message});
  if (errors.empty() && rows.empty()) {
    return fare::fail(ErrorCode::kMissingKey, name, "must have a decision, but has none");
  }
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  DecisionLog log;
  log.name = std::move(name);
  add_rows(rows, log);
  return log;
}

}  // namespace routesim
