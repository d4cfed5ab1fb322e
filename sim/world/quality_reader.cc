#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "world/quality.h"

namespace routesim {
namespace {

using fare::JsonNode;
using fare::ObjectReader;
namespace json = fare::json;

constexpr double kLogitMax = 20;
constexpr double kSecondsMax = 1e9;

std::optional<Degradation> read_degradation(const JsonNode& node) {
  Degradation degradation;
  ObjectReader reader(node);
  double seconds = 0;
  reader.required("after_s", seconds, json::number(0, kSecondsMax));
  degradation.from = fare::Duration(std::llround(seconds * 1e9));
  reader.optional("skill_loss", degradation.skill_loss, json::number(0, kLogitMax));
  double rate = 0;
  if (reader.optional("hallucination_rate", rate, json::number(0, 1))) {
    degradation.hallucination_rate = rate;
  }
  reader.finish();
  return reader.ok() ? std::optional(degradation) : std::nullopt;
}

}  // namespace

std::optional<std::vector<double>> read_skill(const JsonNode& node,
                                              const std::vector<std::string>& classes) {
  const auto logit = json::number(-kLogitMax, kLogitMax);
  std::vector<double> values(classes.size());
  if (!node.is_object()) {
    const std::optional<double> value = logit(node);
    if (!value) return std::nullopt;
    std::fill(values.begin(), values.end(), *value);
    return values;
  }
  ObjectReader reader(node);
  for (std::size_t i = 0; i < classes.size(); ++i) reader.required(classes[i], values[i], logit);
  reader.finish();
  return values;
}

std::optional<Difficulty> read_difficulty(const JsonNode& node) {
  Difficulty difficulty;
  ObjectReader reader(node);
  reader.required("mean", difficulty.mean, json::number(-kLogitMax, kLogitMax));
  reader.required("sd", difficulty.sd, json::number(0, kLogitMax));
  reader.optional("discrimination", difficulty.discrimination, json::number(0.01, 100));
  reader.finish();
  return reader.ok() ? std::optional(difficulty) : std::nullopt;
}

void read_model_quality(ObjectReader& reader, const std::vector<std::string>& classes,
                        ModelQuality& quality) {
  reader.optional("skill", quality.skill,
                  [&classes](const JsonNode& node) { return read_skill(node, classes); });
  reader.optional("hallucination_rate", quality.hallucination_rate, json::number(0, 1));
  reader.optional("injection_rate", quality.injection_rate, json::number(0, 1));
  if (const auto degrades = reader.member("degrades", false)) {
    quality.degradation = read_degradation(*degrades);
  }
  if (reader.node().has("skill")) return;
  for (const char* const key : {"hallucination_rate", "injection_rate", "degrades"}) {
    if (!reader.node().has(key)) continue;
    reader.node().problem(fare::ErrorCode::kMissingKey, fmt::format("\"{}\" needs \"skill\"", key));
  }
}

}  // namespace routesim
