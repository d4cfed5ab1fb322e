#include "fare/outcome_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "base/names.h"
#include "base/nearest.h"
#include "fare/text_features.h"

namespace fare {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kTextMax = std::size_t{16} << 20;
constexpr std::size_t kDimensionsMax = 8'192;
constexpr double kLatencyMax = 1e9;

// A row as it stands in the file, before names have become indices.
struct RawRow {
  OutcomeRow row;
  std::map<std::string, TargetOutcome> outcomes;
  std::string group;
  std::string prompt_class;
  std::string split;
};

std::optional<std::string> any_text(const JsonNode& node) {
  if (!node.is_string()) {
    node.must_be(ErrorCode::kWrongType, "a string");
    return std::nullopt;
  }
  return node.value().get_ref<const std::string&>();
}

void check_name(const JsonNode& node, std::string_view what, const std::string& name,
                const std::vector<std::string>& allowed) {
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return;
  const std::vector<std::string_view> names(allowed.begin(), allowed.end());
  node.problem(ErrorCode::kUnknownName, fmt::format("\"{}\" is not a known {}{}", name, what,
                                                    did_you_mean(nearest(name, names))));
}

std::optional<TargetOutcome> read_outcome(const JsonNode& node) {
  TargetOutcome outcome;
  ObjectReader reader(node);
  double quality = 0, latency = 0;
  Cost paid;
  const bool ok = reader.required("quality", quality, json::number(0, 1));
  outcome.quality = static_cast<float>(quality);
  if (reader.optional("cost_usd", paid, json::read_with(parse_usd))) {
    outcome.cost = paid;
    if (paid < Cost()) {
      node.member("cost_usd").must_be(ErrorCode::kOutOfRange, "not negative");
      outcome.cost.reset();
    }
  }
  if (reader.optional("latency_ms", latency, json::number(0, kLatencyMax))) {
    outcome.latency_ms = static_cast<float>(latency);
  }
  reader.optional("answer", outcome.answer, any_text);
  reader.finish();
  if (!ok) return std::nullopt;
  return outcome;
}

void read_outcomes(const JsonNode& node, const OutcomeNames& names, RawRow& raw) {
  if (!node.is_object()) return node.must_be(ErrorCode::kWrongType, "an object");
  for (const std::string& target : node.keys()) {
    check_name(node.member(target), "target", target, names.targets);
    if (const auto outcome = read_outcome(node.member(target))) raw.outcomes[target] = *outcome;
  }
}

RawRow read_row(const JsonNode& node, const OutcomeNames& names) {
  RawRow raw;
  ObjectReader reader(node);
  reader.required("id", raw.row.id, json::text(kNameMax));
  reader.required("prompt", raw.row.prompt, json::text(kTextMax));
  const auto outcomes = reader.member("outcomes", false);
  if (outcomes) read_outcomes(*outcomes, names, raw);
  reader.optional("group", raw.group, json::text(kNameMax));
  std::size_t split = 0;
  if (reader.optional("split", split, json::one_of({"train", "test"}))) {
    raw.split = split == 0 ? "train" : "test";
    raw.row.test = split == 1;
  }
  if (reader.optional("class", raw.prompt_class, json::text(kNameMax))) {
    check_name(node.member("class"), "class", raw.prompt_class, names.classes);
  }
  std::vector<double> embedding;
  if (reader.optional("embedding", embedding,
                      json::list(json::number(-1e6, 1e6), 1, kDimensionsMax))) {
    raw.row.embedding.assign(embedding.begin(), embedding.end());
  }
  if (reader.ok() && !outcomes && raw.prompt_class.empty()) {
    node.problem(ErrorCode::kMissingKey, "needs \"outcomes\" or \"class\" to learn from");
  }
  reader.finish();
  raw.row.hash = prompt_hash(raw.row.prompt);
  return raw;
}

// Keeps the rules that hold between rows.
class RowBook {
 public:
  explicit RowBook(Problems& problems, const std::string& name)
      : problems_(&problems), name_(name) {}

  void add(const RawRow& raw) {
    const OutcomeRow& row = raw.row;
    const auto [id, fresh] = ids_.try_emplace(row.id, row.line);
    if (!fresh)
      complain(row, ErrorCode::kDuplicateKey,
               fmt::format("id \"{}\" stands in line {} already", row.id, id->second));
    const auto [twin, first] = prompts_.try_emplace(row.hash, &raw);
    if (!first && twin->second->row.test != row.test) {
      complain(row, ErrorCode::kConflict,
               fmt::format("asks the same as line {}, which is of the other split: what is tested "
                           "on must not be learnt from",
                           twin->second->row.line));
    }
    if (first_ == nullptr) first_ = &raw;
    if (raw.split.empty() != first_->split.empty()) {
      complain(row, ErrorCode::kConflict,
               fmt::format("{} split, unlike line {}: all rows have one or none has",
                           raw.split.empty() ? "has no" : "has a", first_->row.line));
    }
    if (row.embedding.size() != first_->row.embedding.size()) {
      complain(row, ErrorCode::kConflict,
               fmt::format("has an embedding of {} numbers, but line {} has {}",
                           row.embedding.size(), first_->row.line, first_->row.embedding.size()));
    }
  }

 private:
  void complain(const OutcomeRow& row, ErrorCode code, std::string message) {
    problems_->add_all({{code, fmt::format("{}:{}", name_, row.line), std::move(message)}});
  }

  Problems* problems_;
  std::string name_;
  const RawRow* first_ = nullptr;
  NameMap<std::uint32_t> ids_;
  NameMap<const RawRow*> prompts_;
};

std::uint32_t index_in(std::vector<std::string>& names, const std::string& name) {
  if (name.empty()) return kNoIndex;
  const auto index =
      static_cast<std::uint32_t>(std::find(names.begin(), names.end(), name) - names.begin());
  if (index == names.size()) names.push_back(name);
  return index;
}

std::vector<std::string> sorted_unique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

OutcomeData assemble(std::vector<RawRow> raws, const OutcomeNames& names) {
  OutcomeData data;
  for (const RawRow& raw : raws) {
    for (const auto& [target, outcome] : raw.outcomes) {
      if (std::find(data.targets.begin(), data.targets.end(), target) == data.targets.end()) {
        data.targets.push_back(target);
      }
    }
    index_in(data.groups, raw.group);
  }
  data.targets = sorted_unique(std::move(data.targets));
  data.groups = sorted_unique(std::move(data.groups));
  data.classes = names.classes;
  data.has_split = !raws.front().split.empty();
  data.dimensions = raws.front().row.embedding.size();
  for (RawRow& raw : raws) {
    raw.row.group = index_in(data.groups, raw.group);
    raw.row.prompt_class = index_in(data.classes, raw.prompt_class);
    for (const std::string& target : data.targets) {
      const auto found = raw.outcomes.find(target);
      raw.row.outcomes.push_back(found == raw.outcomes.end() ? std::nullopt
                                                             : std::optional(found->second));
    }
    data.rows.push_back(std::move(raw.row));
  }
  return data;
}

}  // namespace

Expected<OutcomeData> parse_outcomes(std::string name, std::string_view text,
                                     const OutcomeNames& names) {
  Problems all(name);
  std::vector<RawRow> raws;
  std::uint32_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Problems problems(fmt::format("{}:{}", name, number));
    const JsonDocument document(line, problems);
    RawRow raw;
    if (document.ok()) raw = read_row(document.root(), names);
    raw.row.line = number;
    if (!problems.empty()) {
      all.add_all(problems.take());
      continue;
    }
    raws.push_back(std::move(raw));
  }
  RowBook book(all, name);
  for (const RawRow& raw : raws) book.add(raw);
  if (!all.empty()) return tl::unexpected(all.take());
  if (raws.empty()) return fail(ErrorCode::kMissingKey, name, "has no rows: nothing to learn from");
  OutcomeData data = assemble(std::move(raws), names);
  data.name = std::move(name);
  data.hash = content_hash(text);
  return data;
}

}  // namespace fare
