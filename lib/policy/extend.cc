#include "policy/extend.h"

#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kChainMax = 16;
constexpr std::size_t kFileMax = 4'096;  // Bytes of a name.
const char* const kLists[] = {"classes", "targets", "rules"};

std::vector<ItemPlace> places_of(const Json& value, const std::string& list, Problems& problems) {
  std::vector<ItemPlace> places;
  const auto found = value.find(list);
  if (found == value.end() || !found->is_array()) return places;
  for (std::size_t i = 0; i < found->size(); ++i) {
    places.push_back({fmt::format("/{}/{}", list, i), &problems});
  }
  return places;
}

bool same_name(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return false;
  const auto name = a.find("name");
  const auto other = b.find("name");
  return name != a.end() && other != b.end() && name->is_string() && *name == *other;
}

// Replaces those of the base that have the same name: a rule as a whole, of a class or target the
// keys that stand there.  New rules stand in front, where they are reached; others at the end.
void merge_list(const std::string& list, PolicyDocument& base, PolicyDocument& outer) {
  Json& into = base.value[list];
  std::vector<ItemPlace>& places = base.items[list];
  Json fresh = Json::array();
  std::vector<ItemPlace> fresh_places;
  std::vector<bool> replaced(into.size());
  const Json& items = outer.value[list];
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::size_t at = 0;
    while (at < into.size() && (replaced[at] || !same_name(into[at], items[i]))) ++at;
    if (at == into.size()) {
      fresh.push_back(items[i]);
      fresh_places.push_back(outer.items[list][i]);
      continue;
    }
    replaced[at] = true;
    places[at] = outer.items[list][i];
    if (list == "rules") {
      into[at] = items[i];
    } else {
      into[at].update(items[i]);
    }
  }
  const bool front = list == "rules";
  into.insert(front ? into.begin() : into.end(), fresh.begin(), fresh.end());
  places.insert(front ? places.begin() : places.end(), fresh_places.begin(), fresh_places.end());
}

PolicyDocument merged(PolicyDocument base, PolicyDocument outer) {
  for (const auto& [key, value] : outer.value.items()) {
    const bool is_list = value.is_array() && outer.items.count(key) != 0;
    Json& into = base.value[key];
    if (is_list && (into.is_array() || into.is_null())) {
      if (into.is_null()) into = Json::array();
      merge_list(key, base, outer);
    } else if (value.is_object() && into.is_object()) {
      into.update(value);  // "health", "retry", "forecast".
    } else {
      into = value;
      if (is_list) base.items[key] = outer.items[key];
    }
  }
  base.problems = outer.problems;
  return base;
}

}  // namespace

JsonNode PolicyDocument::item(const std::string& list, std::size_t index) const {
  const ItemPlace& place = items.at(list).at(index);
  return JsonNode(&value.at(list).at(index), place.pointer, place.problems);
}

std::optional<PolicyDocument> PolicyFiles::load(std::string_view file, std::string_view text) {
  Problems& problems = problems_.emplace_back(std::string(file));
  const JsonDocument document(text, problems);
  if (!document.ok()) return std::nullopt;
  PolicyDocument own{document.root().value(), {}, &problems};
  if (!own.value.is_object()) return own;
  for (const char* list : kLists) own.items[list] = places_of(own.value, list, problems);
  if (!document.root().has("extends")) return own;
  own.value.erase("extends");
  chain_.emplace_back(file);
  std::optional<PolicyDocument> base = load_base(document.root().member("extends"));
  chain_.pop_back();
  if (!base) return std::nullopt;
  return merged(std::move(*base), std::move(own));
}

std::optional<PolicyDocument> PolicyFiles::load_base(const JsonNode& extends) {
  const std::optional<PolicyText> text = find_base(extends);
  if (!text) return std::nullopt;
  const std::size_t first = problems_.size();
  std::optional<PolicyDocument> base = load(text->file, text->text);
  if (!base) return std::nullopt;
  PolicyData alone;
  read_policy(*base, alone);
  for (std::size_t i = first; i < problems_.size(); ++i) {
    if (!problems_[i].empty()) return std::nullopt;
  }
  return base;
}

std::optional<PolicyText> PolicyFiles::find_base(const JsonNode& extends) {
  const std::optional<std::string> name = json::text(kFileMax)(extends);
  if (!name) return std::nullopt;
  if (!find_) {
    extends.problem(ErrorCode::kIo,
                    fmt::format("extends \"{}\", but no other policies are at hand here", *name));
    return std::nullopt;
  }
  Expected<PolicyText> found = find_(*name, chain_.back());
  if (!found) {
    for (const Error& error : found.error()) {
      extends.problem(error.code, fmt::format("extends \"{}\", which cannot be read: {}: {}", *name,
                                              error.where, error.message));
    }
    return std::nullopt;
  }
  const auto again = std::find(chain_.begin(), chain_.end(), found->file);
  if (again != chain_.end()) {
    extends.problem(ErrorCode::kConflict,
                    fmt::format("extends itself: {} -> {}", fmt::join(again, chain_.end(), " -> "),
                                found->file));
    return std::nullopt;
  }
  if (chain_.size() >= kChainMax) {
    extends.problem(ErrorCode::kOutOfRange,
                    fmt::format("more than {} policies extend each other", kChainMax));
    return std::nullopt;
  }
  return std::move(*found);
}

Errors PolicyFiles::take() {
  Errors all;
  for (Problems& problems : problems_) {
    if (problems.empty()) continue;
    for (Error& error : problems.take()) all.push_back(std::move(error));
  }
  return all;
}

}  // namespace fare
