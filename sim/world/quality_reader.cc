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
constexpr std::size_t kModelsMax = 1'000;

// One number for all classes, or an object that names them all.
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

std::optional<ModelQuality> read_model(const JsonNode& node,
                                       const std::vector<std::string>& classes) {
  ModelQuality model;
  ObjectReader reader(node);
  reader.required("model", model.model, json::text(128));
  reader.required("skill", model.skill,
                  [&classes](const JsonNode& skill) { return read_skill(skill, classes); });
  reader.optional("hallucination_rate", model.hallucination_rate, json::number(0, 1));
  reader.optional("injection_rate", model.injection_rate, json::number(0, 1));
  if (const auto degrades = reader.member("degrades", false)) {
    model.degradation = read_degradation(*degrades);
  }
  reader.finish();
  return reader.ok() ? std::optional(std::move(model)) : std::nullopt;
}

void read_class(const JsonNode& node, Difficulty& difficulty, double& discrimination) {
  ObjectReader reader(node);
  reader.required("mean", difficulty.mean, json::number(-kLogitMax, kLogitMax));
  reader.required("sd", difficulty.sd, json::number(0, kLogitMax));
  reader.optional("discrimination", discrimination, json::number(0.01, 100));
  reader.finish();
}

}  // namespace

std::optional<QualityModel> read_quality(const JsonNode& node,
                                         const std::vector<std::string>& classes) {
  QualityModel quality;
  quality.difficulty.resize(classes.size());
  quality.discrimination.assign(classes.size(), 1);
  ObjectReader reader(node);
  if (const auto by_class = reader.member("classes", true)) {
    ObjectReader one(*by_class);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (const auto found = one.member(classes[i], true)) {
        read_class(*found, quality.difficulty[i], quality.discrimination[i]);
      }
    }
    one.finish();
  }
  reader.optional("injected_share", quality.injected_share, json::number(0, 1));
  const auto model = [&classes](const JsonNode& item) { return read_model(item, classes); };
  if (reader.required("models", quality.models, json::list(model, 1, kModelsMax))) {
    for (std::size_t i = 1; i < quality.models.size(); ++i) {
      const auto same = [&](const ModelQuality& other) {
        return other.model == quality.models[i].model;
      };
      const auto end = quality.models.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::none_of(quality.models.begin(), end, same)) continue;
      node.member("models").item(i).problem(
          fare::ErrorCode::kDuplicateKey,
          fmt::format("\"{}\" stands twice", quality.models[i].model));
    }
  }
  reader.finish();
  return reader.ok() ? std::optional(std::move(quality)) : std::nullopt;
}

}  // namespace routesim
