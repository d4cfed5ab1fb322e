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
constexpr std::size_t kJudgesMax = Judge::kJudgesMax;
constexpr double kMillisecondsMax = 86'400'000;

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

void read_answers(ObjectReader& reader, const HostedNames& names, WorldModel& model) {
  read_model_quality(reader, names.classes, model.quality);
  reader.optional("outcome", model.outcome, json::text(128));
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
    read_answers(reader, names, model);
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
  read_answers(reader, names, model);
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

// Of things that have names, each must have one of its own.
template <class T>
void check_names(const JsonNode& node, const std::vector<T>& things) {
  for (std::size_t i = 1; i < things.size(); ++i) {
    const auto same = [&](const T& other) { return other.name == things[i].name; };
    const auto end = things.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::none_of(things.begin(), end, same)) continue;
    node.item(i).problem(ErrorCode::kDuplicateKey,
                         fmt::format("\"{}\" stands twice", things[i].name));
  }
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

void read_difficulties(ObjectReader& reader, const std::vector<std::string>& classes,
                       World& world) {
  world.difficulty.resize(classes.size());
  const std::optional<JsonNode> node = reader.member("difficulty", false);
  if (!node) return;
  ObjectReader by_class(*node);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    by_class.required(classes[i], world.difficulty[i], read_difficulty);
  }
  by_class.finish();
}

void read_judges(ObjectReader& reader, World& world) {
  if (!reader.optional("judges", world.judges, json::list(read_judge, 1, kJudgesMax))) return;
  check_names(reader.node().member("judges"), world.judges);
}

// With outcomes nothing else may say how good answers are; without them nothing may name one, and
// no skill may change that the model does not have.
void check_quality_keys(const JsonNode& world) {
  const bool has_outcomes = world.has("outcomes");
  const auto check = [](const JsonNode& node, const char* key, const char* why) {
    if (node.has(key)) node.member(key).problem(ErrorCode::kConflict, why);
  };
  constexpr const char* kReplaced = "is what the world's \"outcomes\" say: leave it out";
  if (has_outcomes) {
    for (const char* const key : {"difficulty", "injected_share"}) check(world, key, kReplaced);
  }
  if (!world.has("models") || !world.member("models").is_array()) return;
  const JsonNode models = world.member("models");
  for (std::size_t i = 0; i < models.size(); ++i) {
    const JsonNode model = models.item(i);
    if (!model.is_object()) continue;
    check(model, has_outcomes ? "skill" : "outcome",
          has_outcomes ? kReplaced : "needs \"outcomes\" in the world");
    if (!has_outcomes && model.has("skill")) continue;
    if (!model.has("changes") || !model.member("changes").is_array()) continue;
    const JsonNode changes = model.member("changes");
    for (std::size_t k = 0; k < changes.size(); ++k) {
      if (!changes.item(k).is_object()) continue;
      check(changes.item(k), "skill", has_outcomes ? kReplaced : "needs \"skill\" in its model");
    }
  }
}

template <class T>
std::optional<std::uint32_t> place_of(const std::vector<T>& names, const T& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - names.begin());
}

// Finds the classes of the traffic and the models of the world in the data.
void match_outcomes(const JsonNode& node, const std::vector<std::string>& classes, World& world) {
  WorldOutcomes& outcomes = *world.outcomes;
  const fare::OutcomeData& data = *outcomes.data;
  for (const std::string& name : classes) {
    const auto found = place_of(data.classes, name);
    outcomes.class_of_class.push_back(found);
    if (found || data.classes.empty()) continue;
    node.member("outcomes")
        .problem(ErrorCode::kUnknownName,
                 fmt::format("has no row of the traffic's class \"{}\"", name));
  }
  for (std::size_t i = 0; i < world.models.size(); ++i) {
    const WorldModel& model = world.models[i];
    const auto found = place_of(data.targets, model.outcome.empty() ? model.model : model.outcome);
    outcomes.target_of_model.push_back(found);
    if (found || model.outcome.empty()) continue;
    node.member("models").item(i).member("outcome").problem(
        ErrorCode::kUnknownName, fmt::format("\"{}\" has no outcomes", model.outcome));
  }
}

}  // namespace

bool World::has_quality(std::uint32_t model) const {
  if (outcomes) return outcomes->target_of_model[model].has_value();
  return !models[model].quality.skill.empty();
}

std::optional<std::uint32_t> World::find(fare::ModelId id) const {
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i].id == id) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

std::optional<World> read_world(const JsonNode& node, const WorldNames& names) {
  World world;
  ObjectReader reader(node);
  HostedNames hosted{.start = names.start,
                     .regions = {},
                     .cache_rules = names.cache_rules,
                     .classes = names.classes};
  const auto region = [&](const JsonNode& item) { return read_region(item, names.start); };
  if (reader.optional("regions", world.regions, json::list(region, 1, kRegionsMax))) {
    check_names(node.member("regions"), world.regions);
  }
  for (const Region& one : world.regions) hosted.regions.push_back(one.name);
  const auto model = [&](const JsonNode& item) { return read_model(item, hosted, names.prices); };
  const bool read = reader.required("models", world.models, json::list(model, 1, kModelsMax));
  if (read && node.problems().empty()) check_unique(node.member("models"), world.models);
  read_difficulties(reader, names.classes, world);
  reader.optional("injected_share", world.injected_share, json::number(0, 1));
  read_judges(reader, world);
  fare::OutcomeData outcomes;
  if (reader.optional("outcomes", outcomes, names.read_outcomes)) {
    world.outcomes.emplace().data = std::make_shared<fare::OutcomeData>(std::move(outcomes));
    match_outcomes(node, names.classes, world);
  }
  PromptMix prompts;
  if (reader.optional("prompts", prompts, read_prompt_mix)) world.prompts = prompts;
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  check_quality_keys(node);
  return world;
}

}  // namespace routesim
