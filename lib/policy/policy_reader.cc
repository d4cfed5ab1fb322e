#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {
namespace {

constexpr std::size_t kRulesMax = 1'000;

template <class Read>
void for_each(const PolicyDocument& document, ObjectReader& reader, const std::string& list,
              std::size_t min, std::size_t max, const Read& read) {
  const std::optional<JsonNode> found = reader.member(list, min > 0);
  if (!found || !json::is_list(*found, min, max)) return;
  for (std::size_t i = 0; i < found->size(); ++i) read(document.item(list, i));
}

// `has_default`: the policy says what is expected of a request without class, be it unreadable.
void read_class(const JsonNode& node, bool has_default, PolicyData& data) {
  PolicyClass found;
  found.expected_output = data.expected_output.value_or(Tokens(0));
  ObjectReader reader(node);
  if (reader.required("name", found.name, json::text(kNameMax))) {
    check_new(node, found.name, names_of(data.classes));
  }
  reader.optional("expected_output_tokens", found.expected_output, read_tokens);
  if (!node.has("expected_output_tokens") && !has_default && reader.ok()) {
    node.problem(ErrorCode::kMissingKey,
                 "needs the key \"expected_output_tokens\", here or for the whole policy");
  }
  reader.finish();
  data.classes.push_back(std::move(found));
}

}  // namespace

// The parts refer to each other by name, so they are read in order.
void read_policy(const PolicyDocument& document, PolicyData& data) {
  const JsonNode root = document.root();
  ObjectReader reader(root);
  std::size_t only = 0;
  reader.required("format", only, json::one_of({"fare-policy/1"}));
  reader.required("name", data.name, json::text(kNameMax));
  Tokens output;
  if (reader.optional("expected_output_tokens", output, read_tokens)) data.expected_output = output;
  const bool has_default = root.has("expected_output_tokens");
  for_each(document, reader, "classes", 0, kClassesMax,
           [&](const JsonNode& node) { read_class(node, has_default, data); });
  if (data.classes.empty() && !has_default && reader.ok()) {
    root.problem(ErrorCode::kMissingKey, "needs the key \"expected_output_tokens\" or classes");
  }
  for_each(document, reader, "targets", 1, kTargetsMax,
           [&](const JsonNode& node) { read_target(node, data); });
  if (const auto health = reader.member("health", false)) read_health(*health, data.health);
  if (const auto retry = reader.member("retry", false)) read_retry(*retry, data);
  if (const auto trigger = reader.member("forecast", false)) {
    read_forecast(*trigger, data.forecast);
  }
  for_each(document, reader, "rules", 1, kRulesMax,
           [&](const JsonNode& node) { read_rule(node, data); });
  reader.finish();
}

}  // namespace fare
