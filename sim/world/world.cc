#include "world/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;
namespace json = fare::json;

constexpr std::size_t kModelsMax = 1'000;
constexpr std::size_t kRegionsMax = 100;
constexpr std::size_t kOutagesMax = 1'000;
constexpr double kMillisecondsMax = 86'400'000;
constexpr double kLogitMax = 20;

// Reads a number for each class: one number for all of them, or an object that names them all.
std::optional<std::vector<double>> read_by_class(const JsonNode& node,
                                                 const std::vector<std::string>& classes) {
  const auto logit = json::number(-kLogitMax, kLogitMax);
  std::vector<double> values(classes.size());
  if (!node.is_object()) {
    const std::optional<double> value = logit(node);
    std::fill(values.begin(), values.end(), value.value_or(0));
    return values;
  }
  ObjectReader reader(node);
  for (std::size_t i = 0; i < classes.size(); ++i) reader.required(classes[i], values[i], logit);
  reader.finish();
  return values;
}

void resolve(const JsonNode& node, const fare::PriceBook& prices, fare::Instant start,
             WorldModel& model) {
  const fare::ModelMatch match = prices.find(model.provider, model.model, start);
  model.id = match.model;
  if (match.status == fare::LookUp::kFound) return;
  if (match.status == fare::LookUp::kAmbiguous) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("\"{}\" is sold by several providers: name one with the key "
                             "\"provider\"",
                             model.model));
    return;
  }
  const std::string hint = fare::did_you_mean(prices.nearest_model(model.model));
  node.problem(ErrorCode::kUnknownName,
               fmt::format("\"{}\" is not in the price tables{}", model.model, hint));
}

std::optional<WorldModel> read_model(const JsonNode& node, const HostedNames& names,
                                     const fare::PriceBook& prices) {
  WorldModel model;
  ObjectReader reader(node);
  reader.optional("provider", model.provider, json::text(128));
  if (reader.required("model", model.model, json::text(128))) {
    resolve(node, prices, names.start, model);
  }
  PoolModel pool;
  if (node.has("pool")) {
    if (reader.required("pool", pool, read_pool)) model.pool = pool;
    model.origin = pool.origin;
    reader.optional("skill", model.skill, names.read_skill);
    reader.finish();
    return reader.ok() ? std::optional<WorldModel>(std::move(model)) : std::nullopt;
  }
  reader.required("origin", model.origin, json::text(1'000));
  reader.required("first_token_ms", model.first_token_ms, read_distribution);
  reader.optional("first_token_ms_per_1k_input", model.first_token_ms_per_1k_input,
                  json::number(0, kMillisecondsMax));
  reader.required("ms_per_output_token", model.ms_per_output_token, read_distribution);
  reader.optional("failure_share", model.failure_share, json::number(0, 1));
  std::uint32_t places = 0;
  if (reader.optional("concurrency", places, read_places)) model.concurrency = places;
  reader.optional("skill", model.skill, names.read_skill);
  read_hosted(reader, names, model.hosted);
  reader.finish();
  return reader.ok() ? std::optional<WorldModel>(std::move(model)) : std::nullopt;
}

std::optional<Region> read_region(const JsonNode& node, fare::Instant start) {
  Region region;
  ObjectReader reader(node);
  const auto outage = [start](const JsonNode& item) { return read_outage(item, start); };
  reader.required("name", region.name, json::text(128));
  reader.optional("outages", region.outages, json::list(outage, 1, kOutagesMax));
  reader.finish();
  return reader.ok() ? std::optional<Region>(std::move(region)) : std::nullopt;
}

std::optional<Difficulty> read_difficulty(const JsonNode& node) {
  Difficulty difficulty;
  ObjectReader reader(node);
  reader.required("mean", difficulty.mean, json::number(-kLogitMax, kLogitMax));
  reader.required("sd", difficulty.sd, json::number(0, kLogitMax));
  reader.finish();
  return reader.ok() ? std::optional<Difficulty>(difficulty) : std::nullopt;
}

void check_unique(const JsonNode& node, const std::vector<WorldModel>& models) {
  for (std::size_t i = 1; i < models.size(); ++i) {
    const auto same = [&](const WorldModel& other) { return other.id == models[i].id; };
    if (std::none_of(models.begin(), models.begin() + static_cast<std::ptrdiff_t>(i), same)) {
      continue;
    }
    node.item(i).problem(ErrorCode::kDuplicateKey,
                         fmt::format("\"{}\" stands twice", models[i].model));
  }
}

}  // namespace

std::optional<std::uint32_t> World::find(fare::ModelId id) const {
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i].id == id) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

std::optional<World> read_world(const JsonNode& node, const std::vector<std::string>& classes,
                                const fare::PriceBook& prices,
                                const fare::CacheRuleBook* cache_rules, fare::Instant start) {
  World world;
  world.difficulty.resize(classes.size());
  ObjectReader reader(node);
  HostedNames names{.start = start, .regions = {}, .cache_rules = cache_rules, .read_skill = {}};
  names.read_skill = [&](const JsonNode& skill) { return read_by_class(skill, classes); };
  const auto region = [&](const JsonNode& item) { return read_region(item, start); };
  reader.optional("regions", world.regions, json::list(region, 1, kRegionsMax));
  for (const Region& one : world.regions) names.regions.push_back(one.name);
  const auto model = [&](const JsonNode& item) { return read_model(item, names, prices); };
  const bool read = reader.required("models", world.models, json::list(model, 1, kModelsMax));
  if (read && node.problems().empty()) check_unique(node.member("models"), world.models);
  if (const auto difficulty = reader.member("difficulty", false)) {
    ObjectReader by_class(*difficulty);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      by_class.required(classes[i], world.difficulty[i], read_difficulty);
    }
    by_class.finish();
  }
  PromptMix prompts;
  if (reader.optional("prompts", prompts, read_prompt_mix)) world.prompts = prompts;
  reader.finish();
  return reader.ok() ? std::optional<World>(std::move(world)) : std::nullopt;
}

}  // namespace routesim
