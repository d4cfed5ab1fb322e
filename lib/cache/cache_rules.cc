// Reads cache rules and finds them by name and date.

#include "fare/cache_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/json_reader.h"
#include "base/nearest.h"
#include "fare/check.h"

namespace fare {

struct CacheRuleBook::Tables {
  struct Entry {
    std::vector<std::string> names;   // The name, then its aliases.
    std::vector<CacheRules> periods;  // Ascending by start.
  };
  std::vector<Entry> entries;
};

namespace {

constexpr std::string_view kFormat = "fare-cache-rules/1";
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kTextMax = 1'000;
constexpr std::size_t kRulesMax = 1'000;
constexpr std::int64_t kSecondsMax = 366 * 86'400;
constexpr std::string_view kScopes[] = {"organisation", "workspace", "region", "model",
                                        "cache_key"};

using Entry = CacheRuleBook::Tables::Entry;
using SourceTexts = std::map<std::string, std::string>;

Expected<Instant> parse_day(std::string_view text) {
  Expected<Instant> midnight = parse_instant(std::string(text) + "T00:00:00Z");
  if (midnight) return midnight;
  return fail(
      ErrorCode::kSyntax, "",
      fmt::format("must be a date such as \"2026-11-23\", but is \"{}\"", text.substr(0, 64)));
}

// A multiple of the input price, such as "1.25": a Rate's digits are its millionths.
std::optional<std::int64_t> read_multiple(const JsonNode& node) {
  const auto rate = json::read_with(&parse_usd_per_mtok)(node);
  if (!rate) return std::nullopt;
  if (rate->count() <= 100'000'000) return rate->count();
  node.must_be(ErrorCode::kOutOfRange, "a multiple of at most 100");
  return std::nullopt;
}

std::optional<CacheLifetime> read_lifetime(const JsonNode& node) {
  CacheLifetime lifetime;
  ObjectReader reader(node);
  reader.required("name", lifetime.name, json::text(kNameMax));
  std::int64_t seconds = 0;
  std::int64_t seconds_max = 0;
  const bool ends = reader.optional("seconds", seconds, json::integer(1, kSecondsMax));
  const bool varies = reader.optional("seconds_max", seconds_max, json::integer(1, kSecondsMax));
  reader.required("write", lifetime.write_ppm, read_multiple);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (varies && (!node.has("seconds") || (ends && seconds_max < seconds))) {
    node.problem(ErrorCode::kConflict, "\"seconds_max\" must follow a \"seconds\" not above it");
  }
  lifetime.ttl = ends ? Duration(std::chrono::seconds(seconds)) : kForever;
  lifetime.ttl_max = varies ? Duration(std::chrono::seconds(seconds_max)) : lifetime.ttl;
  return lifetime;
}

void read_unit(const JsonNode& node, CacheRules& rules) {
  ObjectReader reader(node);
  std::size_t kind = 0;
  const bool has_kind =
      reader.required("kind", kind, json::one_of({"any_prefix", "breakpoints", "persisted_units"}));
  rules.unit = static_cast<CacheUnit>(kind);
  const auto tokens = json::integer(1, kTokensMax.count());
  if (has_kind && rules.unit == CacheUnit::kAnyPrefix) {
    std::int64_t step = 1;
    reader.required("step_tokens", step, tokens);
    rules.step = Tokens(step);
  } else if (has_kind && rules.unit == CacheUnit::kBreakpoints) {
    std::int64_t max = 1;
    std::int64_t lookback = 1;
    reader.required("max", max, json::integer(1, 1'000));
    reader.required("lookback", lookback, json::integer(1, 10'000));
    rules.breakpoints_max = static_cast<std::uint32_t>(max);
    rules.lookback = static_cast<std::uint32_t>(lookback);
  } else if (has_kind) {
    std::int64_t interval = 0;
    reader.required("common_prefixes", rules.common_prefixes, json::boolean());
    if (reader.optional("interval_tokens", interval, tokens)) rules.interval = Tokens(interval);
  }
  if (has_kind) reader.finish();
}

void read_minimum(const JsonNode& node, CacheRules& rules) {
  ObjectReader reader(node);
  const auto tokens = json::integer(0, kTokensMax.count());
  std::int64_t minimum = 0;
  if (reader.required("default", minimum, tokens)) rules.minimum = Tokens(minimum);
  if (const auto models = reader.member("models", false)) {
    ObjectReader each(*models);
    for (const std::string& model : models->keys()) {
      if (each.required(model, minimum, tokens)) {
        rules.model_minimum.emplace_back(model, Tokens(minimum));
      }
    }
  }
  reader.finish();
}

// The source a period names, and the day it was read.
void read_origin(ObjectReader& reader, const SourceTexts& sources, CacheRules& rules) {
  std::string key;
  if (reader.required("source", key, json::text(kNameMax))) {
    const auto found = sources.find(key);
    if (found == sources.end()) {
      reader.node().member("source").must_be(ErrorCode::kUnknownName, "a key of \"sources\"");
    } else {
      rules.source = found->second;
    }
  }
  Instant observed{};
  if (reader.required("observed", observed, json::read_with(&parse_day))) {
    rules.observed = to_rfc3339(observed).substr(0, 10);
  }
  reader.optional("note", rules.note, json::text(kTextMax));
}

void read_prices(ObjectReader& reader, CacheRules& rules) {
  reader.required("read", rules.read_ppm, read_multiple);
  reader.required("reads_count_toward_limits", rules.reads_count, json::boolean());
  reader.optional("storage_usd_per_mtok_hour", rules.storage, json::read_with(&parse_usd_per_mtok));
  const auto lifetimes = json::list(read_lifetime, 1, kCacheLifetimesMax);
  if (!reader.required("lifetimes", rules.lifetimes, lifetimes)) return;
  for (std::size_t i = 1; i < rules.lifetimes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (rules.lifetimes[i].name != rules.lifetimes[j].name) continue;
      reader.node()
          .member("lifetimes")
          .item(i)
          .problem(ErrorCode::kDuplicateKey,
                   fmt::format("\"{}\" stands twice", rules.lifetimes[i].name));
    }
  }
}

std::optional<CacheRules> read_period(const JsonNode& node, const SourceTexts& sources) {
  CacheRules rules;
  ObjectReader reader(node);
  reader.required("from", rules.from, json::read_with(&parse_instant));
  read_origin(reader, sources, rules);
  if (const auto unit = reader.member("unit", true)) read_unit(*unit, rules);
  if (const auto minimum = reader.member("minimum_tokens", true)) read_minimum(*minimum, rules);
  read_prices(reader, rules);
  reader.required("refreshed_by_reads", rules.refreshed_by_reads, json::boolean());
  std::size_t choice = 0;
  reader.required("clock", choice, json::one_of({"request_start", "first_token"}));
  rules.clock_from_first_token = choice == 1;
  choice = 0;
  reader.required("readable_from", choice, json::one_of({"first_token", "request_start"}));
  rules.readable_at_once = choice == 1;
  std::vector<std::size_t> parts;
  const std::vector<std::string_view> names(std::begin(kScopes), std::end(kScopes));
  reader.required("scope", parts, json::list(json::one_of(names), 0, names.size()));
  for (const std::size_t part : parts) {
    rules.scope = static_cast<std::uint8_t>(rules.scope | 1u << part);
  }
  std::int64_t overflow = 0;
  reader.optional("overflow_per_minute", overflow, json::integer(1, 1'000'000));
  rules.overflow_per_minute = static_cast<std::uint32_t>(overflow);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  return rules;
}

std::optional<Entry> read_rules(const JsonNode& node, const SourceTexts& sources) {
  Entry entry;
  ObjectReader reader(node);
  std::string name;
  reader.required("name", name, json::text(kNameMax));
  std::vector<std::string> aliases;
  reader.optional("aliases", aliases, json::list(json::text(kNameMax), 1, 100));
  entry.names.push_back(std::move(name));
  entry.names.insert(entry.names.end(), aliases.begin(), aliases.end());
  const auto period = [&sources](const JsonNode& item) { return read_period(item, sources); };
  if (reader.required("periods", entry.periods, json::list(period, 1, kRulesMax))) {
    for (std::size_t i = 1; i < entry.periods.size(); ++i) {
      if (entry.periods[i].from > entry.periods[i - 1].from) continue;
      node.member("periods").item(i).problem(ErrorCode::kConflict,
                                             "must start after the period before it");
    }
  }
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  return entry;
}

SourceTexts read_sources(ObjectReader& file) {
  SourceTexts sources;
  const std::optional<JsonNode> found = file.member("sources", true);
  if (!found) return sources;
  ObjectReader all(*found);
  for (const std::string& key : found->keys()) {
    ObjectReader reader(found->member(key));
    std::string title;
    std::string where;
    Instant observed{};
    reader.required("title", title, json::text(kTextMax));
    reader.required("where", where, json::text(kTextMax));
    reader.required("observed", observed, json::read_with(&parse_day));
    reader.finish();
    sources[key] = fmt::format("{} ({})", title, where);
  }
  return sources;
}

std::vector<Entry> read_file(const JsonNode& node) {
  ObjectReader reader(node);
  std::size_t only = 0;
  std::string vendor;
  reader.required("format", only, json::one_of({kFormat}));
  reader.required("vendor", vendor, json::text(kNameMax));
  const SourceTexts sources = read_sources(reader);
  std::vector<Entry> entries;
  const auto rules = [&sources](const JsonNode& item) { return read_rules(item, sources); };
  reader.required("rules", entries, json::list(rules, 1, kRulesMax));
  reader.finish();
  for (Entry& entry : entries) {
    for (CacheRules& period : entry.periods) {
      period.vendor = vendor;
      period.name = entry.names.front();
    }
  }
  return entries;
}

// Every name that find() takes must mean one thing.
void claim_names(const std::vector<Entry>& entries, std::map<std::string, std::string>& owners,
                 Problems& problems) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string pointer = fmt::format("/rules/{}", i);
    for (const std::string& name : entries[i].names) {
      if (name.empty()) continue;  // It could not be read, and that was said.
      const auto [owner, is_new] =
          owners.try_emplace(name, fmt::format("{}#{}", problems.file(), pointer));
      if (is_new) continue;
      problems.add(ErrorCode::kDuplicateKey, pointer,
                   fmt::format("\"{}\" already names {}", name, owner->second));
    }
  }
}

// Whether `model` is `id`, or `id` and a date such as "-20251101".
bool is_model(std::string_view model, std::string_view id) {
  if (!model.starts_with(id)) return false;
  model.remove_prefix(id.size());
  if (model.empty()) return true;
  return model.size() == 9 && model.front() == '-' &&
         std::all_of(model.begin() + 1, model.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Tokens CacheRules::minimum_for(std::string_view model) const {
  for (const auto& [id, tokens] : model_minimum) {
    if (is_model(model, id)) return tokens;
  }
  return minimum;
}

Expected<CacheRuleBook> CacheRuleBook::parse(std::span<const Source> sources) {
  Errors errors;
  auto tables = std::make_unique<Tables>();
  std::map<std::string, std::string> owners;
  for (const Source& source : sources) {
    Problems problems{std::string(source.name)};
    const JsonDocument document(source.text, problems);
    if (document.ok()) {
      std::vector<Entry> entries = read_file(document.root());
      claim_names(entries, owners, problems);
      std::move(entries.begin(), entries.end(), std::back_inserter(tables->entries));
    }
    Errors found = problems.take();
    errors.insert(errors.end(), found.begin(), found.end());
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return CacheRuleBook(std::shared_ptr<const Tables>(std::move(tables)));
}

Expected<CacheChoice> CacheRuleBook::find(std::string_view name, Instant at) const {
  for (const Tables::Entry& entry : tables_->entries) {
    const CacheRules* rules = nullptr;
    for (const CacheRules& period : entry.periods) {
      if (period.from <= at) rules = &period;
    }
    const CacheRules& known = rules != nullptr ? *rules : entry.periods.front();
    for (const std::string& alias : entry.names) {
      for (std::size_t i = 0; i < known.lifetimes.size(); ++i) {
        const bool bare = i == 0 && name == alias;
        if (!bare && name != alias + "-" + known.lifetimes[i].name) continue;
        if (rules != nullptr) return CacheChoice{rules, static_cast<std::uint8_t>(i)};
        return fail(ErrorCode::kOutOfRange, "",
                    fmt::format("\"{}\" is not known at {}: its first period starts at {}", name,
                                to_rfc3339(at), to_rfc3339(known.from)));
      }
    }
  }
  const std::vector<std::string> all = names();
  const std::vector<std::string_view> views(all.begin(), all.end());
  return fail(ErrorCode::kUnknownName, "",
              fmt::format("must be one of \"{}\", but is \"{}\"{}", fmt::join(all, "\", \""),
                          name.substr(0, 64), did_you_mean(nearest(name, views))));
}

std::vector<std::string> CacheRuleBook::names() const {
  std::vector<std::string> names;
  for (const Tables::Entry& entry : tables_->entries) {
    for (const CacheLifetime& lifetime : entry.periods.back().lifetimes) {
      names.push_back(fmt::format("{}-{}", entry.names.front(), lifetime.name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace fare
