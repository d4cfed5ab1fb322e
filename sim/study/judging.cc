#include "study/judging.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "study/millionths.h"

namespace routesim {
namespace {

using fare::JsonNode;
using fare::ObjectReader;
namespace json = fare::json;

constexpr double kSecondsMax = 1e9;

using Names = std::optional<std::vector<std::string>>;

std::optional<std::uint32_t> read_name(const JsonNode& node, const Names& judges) {
  if (!judges) return std::nullopt;
  if (judges->empty()) {
    node.problem(fare::ErrorCode::kUnknownName, "needs \"judges\" in the world");
    return std::nullopt;
  }
  const std::vector<std::string_view> names(judges->begin(), judges->end());
  const std::optional<std::size_t> judge = json::one_of(names)(node);
  return judge ? std::optional(static_cast<std::uint32_t>(*judge)) : std::nullopt;
}

std::optional<Evaluation> read_evaluation(const JsonNode& node, const Names& judges) {
  Evaluation evaluation;
  ObjectReader reader(node);
  reader.required("judge", evaluation.judge,
                  [&judges](const JsonNode& name) { return read_name(name, judges); });
  reader.required("share", evaluation.answers_per_million, read_millionths);
  double seconds = 0;
  if (reader.optional("window_s", seconds, json::number(1, kSecondsMax))) {
    evaluation.window = fare::Duration(std::llround(seconds * 1e9));
  }
  reader.finish();
  return reader.ok() ? std::optional(evaluation) : std::nullopt;
}

}  // namespace

Judging read_judging(ObjectReader& reader, const Names& judges) {
  Judging judging;
  if (const auto scorer = reader.member("scorer", false)) {
    judging.scorer = read_name(*scorer, judges);
  }
  if (const auto evaluation = reader.member("evaluation", false)) {
    judging.evaluation = read_evaluation(*evaluation, judges);
  }
  return judging;
}

std::vector<CascadeRule> cascades_of(const fare::Policy& policy) {
  std::vector<CascadeRule> cascades;
  const auto parsed = nlohmann::json::parse(policy.text());
  const nlohmann::json& rules = parsed.at("rules");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].contains("cascade")) continue;
    CascadeRule rule{.index = i, .name = rules[i].at("name"), .targets = {}};
    for (const char* const key : {"candidates", "fallback"}) {
      for (const auto& target : rules[i].value(key, nlohmann::json::array())) {
        rule.targets.push_back(target);
      }
    }
    cascades.push_back(std::move(rule));
  }
  return cascades;
}

}  // namespace routesim
