#include "study/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/json_reader.h"
#include "fare/router.h"
#include "study/files.h"
#include "study/millionths.h"
#include "study/outcome_layouts.h"
#include "study/policy_files.h"
#include "study/recording.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
namespace json = fare::json;
using fare::ErrorCode;
using fare::Errors;
using fare::JsonNode;
using fare::ObjectReader;

constexpr std::size_t kPathMax = 4'096;
constexpr std::size_t kTextMax = 4'000;
constexpr std::size_t kVariantsMax = 100;
constexpr std::int64_t kReplicationsMax = 1'000;

// A text with the name that stands for it in messages.
struct Source {
  std::string name;
  std::string text;
};

std::string beside(const std::string& scenario, const std::string& path) {
  return (fs::path(scenario).parent_path() / path).lexically_normal().string();
}

std::optional<SimilarAnswers> read_similar(const JsonNode& node) {
  SimilarAnswers similar;
  ObjectReader reader(node);
  reader.required("share", similar.requests_per_million, read_millionths);
  reader.required("quality", similar.quality, json::number(0, 1));
  reader.finish();
  return reader.ok() ? std::optional(similar) : std::nullopt;
}

std::optional<AnswerCache> read_answer_cache(const JsonNode& node) {
  AnswerCache cache;
  ObjectReader reader(node);
  reader.required("hit_share", cache.hits_per_million, read_millionths);
  std::size_t mix = 0;
  if (reader.optional("mix", mix, json::one_of({"random", "exact"}))) cache.exact = mix == 1;
  double latency_ms = 0;
  reader.required("latency_ms", latency_ms, json::number(0, 60'000));
  cache.latency = fare::Duration(static_cast<std::int64_t>(latency_ms * 1e6));
  if (const auto similar = reader.member("similar", false)) cache.similar = read_similar(*similar);
  reader.finish();
  return reader.ok() ? std::optional<AnswerCache>(cache) : std::nullopt;
}

fare::Expected<fare::PriceBook> parse_prices(const std::vector<Source>& sources) {
  std::vector<fare::PriceBook::Source> views;
  for (const Source& source : sources) views.push_back({source.name, source.text});
  return fare::PriceBook::parse(views);
}

// Reads files and folders of price tables into `sources`, their problems into `errors`.
// The calendars that stand beside a table.
void add_calendars(const fs::path& folder, std::vector<std::string>& files) {
  if (!fs::is_directory(folder)) return;
  const fare::Expected<std::vector<std::string>> listed = list_folder(folder.string(), ".json");
  if (listed) files.insert(files.end(), listed->begin(), listed->end());
}

void read_price_files(const std::vector<std::string>& paths, std::vector<Source>& sources,
                      Errors& errors) {
  const auto keep = [&errors](auto& expected) {
    errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  };
  for (const std::string& path : paths) {
    std::vector<std::string> files{path};
    const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
    if (fs::is_directory(path)) {
      fare::Expected<std::vector<std::string>> listed = list_folder(path, ".json");
      if (!listed) {
        keep(listed);
        continue;
      }
      files = std::move(*listed);
      std::erase_if(files, [](const std::string& file) { return file.ends_with("schema.json"); });
      if (files.empty()) {
        errors.push_back({ErrorCode::kIo, path, "holds no price tables (*.json)"});
      }
    }
    add_calendars(folder / "calendars", files);
    for (const std::string& file : files) {
      fare::Expected<std::string> text = read_file(file);
      if (text) {
        sources.push_back({file, std::move(*text)});
      } else {
        keep(text);
      }
    }
  }
}

// Reads one scenario; keeps what must outlive a single key.
class ScenarioReader {
 public:
  ScenarioReader(const std::string& path, const ScenarioOverrides& overrides,
                 fare::Problems& problems)
      : path_(path), overrides_(overrides), problems_(problems) {}

  std::optional<Scenario> read(const JsonNode& root) {
    ObjectReader reader(root);
    std::size_t only = 0;
    reader.required("format", only, json::one_of({"fare-scenario/1"}));
    std::string name;
    std::string question;
    reader.required("name", name, json::text(128));
    reader.required("question", question, json::text(kTextMax));
    std::vector<std::string> assumptions;
    reader.optional("assumptions", assumptions, json::list(json::text(kTextMax), 0, 100));
    fare::Instant start{};
    reader.required("start", start, json::read_with(&fare::parse_instant));
    std::int64_t seed = 1;
    std::int64_t replications = 10;
    reader.optional("seed", seed, json::integer(0, INT64_MAX));
    reader.optional("replications", replications, json::integer(1, kReplicationsMax));
    const std::optional<fare::PriceBook> prices = read_prices(reader);
    TrafficModel traffic;
    const bool has_traffic = reader.required("traffic", traffic, read_traffic);
    apply_recording(reader, has_traffic, traffic);
    const std::optional<World> world = read_world_with(reader, has_traffic, traffic, prices, start);
    std::vector<Variant> variants = read_variants(reader);
    reader.finish();
    if (!problems_.empty()) return std::nullopt;
    Scenario scenario{
        .name = std::move(name),
        .question = std::move(question),
        .assumptions = std::move(assumptions),
        .start = start,
        .seed = overrides_.seed.value_or(static_cast<std::uint64_t>(seed)),
        .replications = overrides_.replications.value_or(static_cast<std::uint32_t>(replications)),
        .traffic = std::move(traffic),
        .world = *world,
        .prices = *prices,
        .cache_rules = cache_rules_,
        .variants = std::move(variants)};
    check_policies(scenario);
    return scenario;
  }

 private:
  std::optional<fare::PriceBook> read_prices(ObjectReader& reader) {
    std::vector<Source> sources;
    Errors errors;
    std::vector<std::string> paths;
    reader.optional("prices", paths, json::list(json::text(kPathMax), 1, 100));
    for (std::string& path : paths) path = beside(path_, path);
    if (overrides_.prices) paths = {*overrides_.prices};
    read_price_files(paths, sources, errors);
    price_paths_ = paths;
    if (const auto extra = reader.member("extra_prices", false)) {
      if (json::is_list(*extra, 1, 100)) {
        for (std::size_t i = 0; i < extra->size(); ++i) {
          const JsonNode item = extra->item(i);
          sources.push_back({path_ + "#" + item.pointer(), item.dump()});
        }
      }
    }
    if (sources.empty() && errors.empty()) {
      problems_.add(ErrorCode::kMissingKey, "", "needs \"prices\" or \"extra_prices\"");
      return std::nullopt;
    }
    fare::Expected<fare::PriceBook> prices = parse_prices(sources);
    if (!prices) errors.insert(errors.end(), prices.error().begin(), prices.error().end());
    if (errors.empty()) return *prices;
    problems_.add_all(std::move(errors));
    return std::nullopt;
  }

  // The command line's recording goes before the scenario's.
  void apply_recording(ObjectReader& reader, bool has_traffic, TrafficModel& traffic) {
    Recording recording;
    const bool written = reader.optional("recording", recording, read_recording);
    if (overrides_.trace) {
      recording = {.path = *overrides_.trace,
                   .format = overrides_.trace_format,
                   .open_loop = overrides_.open_loop};
    } else if (written) {
      recording.path = beside(path_, recording.path);
    }
    if (!has_traffic || recording.path.empty()) return;
    fare::Expected<TrafficModel> model = with_recording(std::move(traffic), recording);
    if (!model) return problems_.add_all(std::move(model.error()));
    traffic = std::move(*model);
  }

  std::optional<World> read_world_with(ObjectReader& reader, bool has_traffic,
                                       const TrafficModel& traffic,
                                       const std::optional<fare::PriceBook>& prices,
                                       fare::Instant start) {
    const std::optional<JsonNode> node = reader.member("world", true);
    // Without its classes or prices every name in it would look unknown.
    if (!node || !has_traffic || !prices) return std::nullopt;
    std::vector<std::string> classes;
    for (const ClassMix& mix : traffic.classes) classes.push_back(mix.name);
    cache_rules_ = read_cache_rules();
    std::optional<World> world = read_world(
        *node, {.classes = classes,
                .prices = *prices,
                .cache_rules = cache_rules_ ? &*cache_rules_ : nullptr,
                .start = start,
                .read_outcomes = [this](const JsonNode& part) { return read_outcomes(part); }});
    if (world) {
      judges_.emplace();
      for (const JudgeModel& judge : world->judges) judges_->push_back(judge.name);
    }
    return world;
  }

  std::optional<fare::OutcomeData> read_outcomes(const JsonNode& node) {
    std::string file;
    std::size_t format = 0;
    std::size_t split = 0;
    ObjectReader reader(node);
    const bool has_file = reader.required("file", file, json::text(kPathMax));
    reader.optional("format", format, json::one_of({"lines", "routellm", "routerbench", "tiers"}));
    const bool has_split = reader.optional("split", split, json::one_of({"train", "test"}));
    reader.finish();
    if (!has_file) return std::nullopt;
    const std::string path = beside(path_, file);
    std::optional<std::string> lines;
    if (format == 0) {
      lines = keep(read_file(path));
    } else {
      const auto layout = static_cast<OutcomeLayout>(format - 1);
      std::optional<Converted> converted = keep(convert_outcomes(path, {.layout = layout}));
      if (converted) lines = std::move(converted->lines);
    }
    if (!lines) return std::nullopt;
    std::optional<fare::OutcomeData> data = keep(fare::parse_outcomes(path, *lines, {}));
    if (!data || !has_split) return data;
    std::erase_if(data->rows,
                  [&](const fare::OutcomeRow& row) { return row.test != (split == 1); });
    if (data->has_split && !data->rows.empty()) return data;
    node.member("split").problem(ErrorCode::kUnknownName, "has no rows in this file");
    return std::nullopt;
  }

  // The cache rules that stand in folders "cache" beside price tables; nothing if there are none.
  std::optional<fare::CacheRuleBook> read_cache_rules() {
    std::vector<Source> sources;
    Errors errors;
    for (const std::string& path : price_paths_) {
      const fs::path folder =
          fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
      if (fs::is_directory(folder / "cache")) {
        read_price_files({(folder / "cache").string()}, sources, errors);
      }
    }
    problems_.add_all(std::move(errors));
    if (sources.empty()) return std::nullopt;
    std::vector<fare::CacheRuleBook::Source> views;
    for (const Source& source : sources) views.push_back({source.name, source.text});
    return keep(fare::CacheRuleBook::parse(views));
  }

  std::vector<Variant> read_variants(ObjectReader& reader) {
    std::vector<Variant> variants;
    const std::optional<JsonNode> list = reader.member("policies", true);
    if (!list || !json::is_list(*list, 1, kVariantsMax)) return variants;
    for (std::size_t i = 0; i < list->size(); ++i) {
      std::optional<Variant> variant = read_variant(list->item(i));
      if (!variant) continue;
      const auto same = [&](const Variant& other) { return other.name == variant->name; };
      if (std::any_of(variants.begin(), variants.end(), same)) {
        list->item(i).problem(ErrorCode::kDuplicateKey,
                              fmt::format("policy \"{}\" stands twice", variant->name));
      }
      variants.push_back(std::move(*variant));
    }
    read_policy_files(variants);
    return variants;
  }

  // The policies that a command line names.
  void read_policy_files(std::vector<Variant>& variants) {
    const std::optional<std::uint32_t> scorer = scorer_of_files(variants);
    bool is_needed = false;
    for (const std::string& path : overrides_.policies) {
      const std::optional<fare::Policy> policy = keep(load_policy(path));
      is_needed = is_needed || !policy || !cascades_of(*policy).empty();
      if (!policy) continue;
      variants.push_back({path, *policy, std::nullopt});
      if (cascades_of(*policy).empty()) continue;
      variants.back().judging.scorer = scorer;
      if (overrides_.scorer) continue;  // Whoever that is, it is said already.
      check_scorer(variants.back(), fmt::format("with --scorer name one of the judges of {}{}",
                                                path_, judges_text()));
    }
    if (is_needed || !overrides_.scorer) return;
    problems_.add_all({{ErrorCode::kConflict, "--scorer",
                        "says who scores the cascades of a policy that is given as a file, but "
                        "there is none with a cascade"}});
  }

  // ", which has "a" and "b"", for messages.
  std::string judges_text() const {
    if (!judges_) return "";
    if (judges_->empty()) return ", which has none yet: give its world \"judges\"";
    return fmt::format(", which has \"{}\"", fmt::join(*judges_, "\", \""));
  }

  // Who scores them: whom the command line names, else the only one that the scenario's policies
  // name.
  std::optional<std::uint32_t> scorer_of_files(const std::vector<Variant>& variants) {
    if (overrides_.scorer) return find_judge(*overrides_.scorer);
    std::set<std::uint32_t> named;
    for (const Variant& variant : variants) {
      if (variant.judging.scorer) named.insert(*variant.judging.scorer);
    }
    return named.size() == 1 ? std::optional(*named.begin()) : std::nullopt;
  }

  std::optional<std::uint32_t> find_judge(const std::string& name) {
    if (!judges_) return std::nullopt;  // What is wrong with them is said already.
    const auto found = std::find(judges_->begin(), judges_->end(), name);
    if (found != judges_->end()) return static_cast<std::uint32_t>(found - judges_->begin());
    problems_.add_all({{ErrorCode::kUnknownName, "--scorer",
                        fmt::format("\"{}\" is not a judge of {}{}", name, path_, judges_text())}});
    return std::nullopt;
  }

  std::optional<Variant> read_variant(const JsonNode& node) {
    ObjectReader reader(node);
    const std::optional<JsonNode> policy = reader.member("policy", true);
    AnswerCache cache;
    const bool has_cache = reader.optional("answer_cache", cache, read_answer_cache);
    Spending spending;
    const bool spends = reader.optional("spending", spending, [this](const JsonNode& part) {
      return read_spending(
          part, [this](const std::string& path) { return keep(read_file(beside(path_, path))); });
    });
    const Judging judging = read_judging(reader, judges_);
    reader.finish();
    if (!policy) return std::nullopt;
    std::optional<fare::Policy> parsed;
    if (policy->is_string()) {
      const std::optional<std::string> path = json::text(kPathMax)(*policy);
      if (path) parsed = keep(load_policy(beside(path_, *path)));
    } else {
      const std::string name = path_ + "#" + policy->pointer();
      parsed = keep(fare::Policy::parse(name, policy->dump(), find_policy));
    }
    if (!parsed) return std::nullopt;
    Variant variant{std::string(parsed->name()), *parsed,
                    has_cache ? std::optional<AnswerCache>(cache) : std::nullopt,
                    spends ? std::optional<Spending>(std::move(spending)) : std::nullopt, judging};
    if (!node.has("scorer")) {
      check_scorer(variant,
                   "name one of the world's judges by \"scorer\" beside \"policy\" in " + path_);
    }
    return variant;
  }

  // Somebody must score the answers of a cascade; else `advice` says what to do.
  void check_scorer(const Variant& variant, std::string_view advice) {
    if (variant.judging.scorer) return;
    for (const CascadeRule& rule : cascades_of(variant.policy)) {
      problems_.add_all({{ErrorCode::kMissingKey,
                          fmt::format("{}#/rules/{}/cascade", variant.policy.file(), rule.index),
                          fmt::format("needs somebody who scores the answers of rule \"{}\": {}",
                                      rule.name, advice)}});
    }
  }

  // The value; or nothing, and its errors are kept.
  template <class T>
  std::optional<T> keep(fare::Expected<T> expected) {
    if (expected) return std::move(*expected);
    problems_.add_all(std::move(expected.error()));
    return std::nullopt;
  }

  // Tries every policy on these prices; the world must know its targets, and it the classes.
  void check_policies(const Scenario& scenario) {
    for (const Variant& variant : scenario.variants) {
      check_classes(scenario, variant);
      auto router = fare::Router::create(config_of(scenario, variant), scenario.start);
      if (!router) {
        problems_.add_all(std::move(router.error()));
        continue;
      }
      for (std::size_t i = 0; i < (*router)->targets(); ++i) {
        const fare::ModelFacts model = (*router)->target(static_cast<fare::TargetId>(i)).model;
        if (scenario.world.find(model.id)) continue;
        problems_.add_all({{ErrorCode::kUnknownName,
                            fmt::format("{}#/targets/{}/model", variant.policy.file(), i),
                            fmt::format("\"{}\" is not a model of the scenario's world: add it to "
                                        "\"world\" in {}",
                                        model.model, path_)}});
      }
      check_cascades(scenario, variant, **router);
    }
  }

  // What is scored must be as good or bad as something says.
  void check_cascades(const Scenario& scenario, const Variant& variant,
                      const fare::Router& router) {
    for (const CascadeRule& rule : cascades_of(variant.policy)) {
      for (std::size_t i = 0; i < router.targets(); ++i) {
        const fare::TargetFacts target = router.target(static_cast<fare::TargetId>(i));
        const auto named = std::find(rule.targets.begin(), rule.targets.end(), target.name);
        const std::optional<std::uint32_t> model = scenario.world.find(target.model.id);
        if (named == rule.targets.end() || !model || scenario.world.has_quality(*model)) continue;
        problems_.add_all(
            {{ErrorCode::kMissingKey,
              fmt::format("{}#/rules/{}/cascade", variant.policy.file(), rule.index),
              fmt::format("nothing says how good the answers of \"{}\" are, which rule \"{}\" has "
                          "scored: give the model a \"skill\" in the world of {}",
                          target.name, rule.name, path_)}});
      }
    }
  }

  void check_classes(const Scenario& scenario, const Variant& variant) {
    const std::vector<std::string_view> known = variant.policy.class_names();
    for (const ClassMix& mix : scenario.traffic.classes) {
      if (std::find(known.begin(), known.end(), mix.name) != known.end()) continue;
      problems_.add_all(
          {{ErrorCode::kUnknownName, fmt::format("{}#/classes", variant.policy.file()),
            fmt::format("must have the class \"{}\" of the traffic, or all of its "
                        "requests would be refused",
                        mix.name)}});
    }
  }

  const std::string& path_;
  const ScenarioOverrides& overrides_;
  fare::Problems& problems_;
  std::vector<std::string> price_paths_;
  std::optional<fare::CacheRuleBook> cache_rules_;
  std::optional<std::vector<std::string>> judges_;  // Of the world, once it is read.
};

}  // namespace

fare::Config config_of(const Scenario& scenario, const Variant& variant) {
  fare::Config config{scenario.prices, variant.policy};
  config.cache_rules = scenario.cache_rules;
  if (!variant.spending) return config;
  std::vector<std::string> tenants;
  for (const TenantMix& tenant : scenario.traffic.tenants) tenants.push_back(tenant.name);
  config.budgets = budgets_for(*variant.spending, tenants);
  config.spent_before = variant.spending->before;
  return config;
}

fare::Expected<Scenario> load_scenario(const std::string& path,
                                       const ScenarioOverrides& overrides) {
  const fare::Expected<std::string> text = read_file(path);
  if (!text) return tl::unexpected<Errors>(text.error());
  fare::Problems problems(path);
  const fare::JsonDocument document(*text, problems);
  std::optional<Scenario> scenario;
  if (document.ok()) scenario = ScenarioReader(path, overrides, problems).read(document.root());
  if (!problems.empty()) return tl::unexpected<Errors>(problems.take());
  return std::move(*scenario);
}

fare::Expected<fare::PriceBook> load_prices(const std::vector<std::string>& paths) {
  std::vector<Source> sources;
  Errors errors;
  read_price_files(paths, sources, errors);
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return parse_prices(sources);
}

}  // namespace routesim
