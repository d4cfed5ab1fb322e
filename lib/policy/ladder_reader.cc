#include <fmt/format.h>

#include <array>

#include "policy/policy_reading.h"

namespace fare {
namespace {

// By DegradeKind.
constexpr std::array<std::string_view, 5> kKinds = {"shorten_input_tokens", "cap_output_tokens",
                                                    "candidates", "cached_answer", "defer_to"};

// What holds above the step that is read.
struct Rung {
  std::vector<std::uint16_t> candidates;
  std::optional<Tokens> input;
  std::optional<Tokens> output;
  bool cached_answer = false;
};

class LadderReader {
 public:
  LadderReader(const PolicyData& data, PolicyRule& rule)
      : data_(data), rule_(rule), rung_{rule.candidates, {}, {}, false} {}

  void read(const JsonNode& node) {
    DegradeStep step;
    ObjectReader reader(node);
    if (reader.required("name", step.name, json::text(kNameMax))) {
      check_new(node, step.name, names_of(rule_.degrade));
    }
    if (const auto on = reader.member("on", false)) read_triggers(*on, step);
    const bool has_kind = read_kind(reader, node, step);
    const bool shortens =
        step.kind == DegradeKind::kShortenInput || step.kind == DegradeKind::kCapOutput;
    if (reader.optional("quality_cost", step.quality_loss, json::number(0, 1)) && has_kind &&
        !shortens) {
      node.member("quality_cost")
          .problem(ErrorCode::kConflict,
                   "means nothing here: other targets have qualities of their own");
    }
    reader.finish();
    rule_.degrade.push_back(std::move(step));
  }

 private:
  static void read_triggers(const JsonNode& node, DegradeStep& step) {
    step.on_refusal = false;
    const auto names = json::list(json::one_of({"refusal", "forecast"}), 1, 2)(node);
    if (!names) return;
    step.on_refusal = std::find(names->begin(), names->end(), 0u) != names->end();
    step.on_forecast = std::find(names->begin(), names->end(), 1u) != names->end();
  }

  bool read_kind(ObjectReader& reader, const JsonNode& node, DegradeStep& step) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      const auto value = reader.member(kKinds[i], false);
      if (!value) continue;
      step.kind = static_cast<DegradeKind>(i);
      if (++count == 1) read_value(*value, step);
    }
    if (count != 1 && reader.ok()) {
      node.problem(count == 0 ? ErrorCode::kMissingKey : ErrorCode::kConflict,
                   fmt::format("must hold one of \"{}\"", fmt::join(kKinds, "\", \"")));
    }
    return count == 1;
  }

  void read_value(const JsonNode& node, DegradeStep& step) {
    switch (step.kind) {
      case DegradeKind::kShortenInput:
        read_lower(node, step, rung_.input);
        break;
      case DegradeKind::kCapOutput:
        read_lower(node, step, rung_.output);
        break;
      case DegradeKind::kCandidates:
      case DegradeKind::kDefer:
        read_candidates(node, step);
        break;
      case DegradeKind::kCachedAnswer:
        if (json::boolean()(node) == false || rung_.cached_answer) changes_nothing(node);
        rung_.cached_answer = true;
        break;
    }
  }

  // A bound that must be below the one above.
  static void read_lower(const JsonNode& node, DegradeStep& step, std::optional<Tokens>& above) {
    const std::optional<Tokens> tokens = read_tokens(node);
    if (!tokens) return;
    step.tokens = *tokens;
    if (above && *tokens >= *above) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("changes nothing: a step above leaves at most {}", above->count()));
    }
    above = tokens;
  }

  void read_candidates(const JsonNode& node, DegradeStep& step) {
    step.candidates = read_target_list(node, 1, data_);
    for (const std::uint16_t target : step.candidates) {
      const PolicyTarget& named = data_.targets[target];
      if (contains(rule_.denied, target)) {
        node.problem(ErrorCode::kConflict, fmt::format("\"{}\" is denied by the rule", named.name));
      }
      if (step.kind == DegradeKind::kDefer && named.tier != ServiceTier::kBatch) {
        node.problem(ErrorCode::kConflict,
                     fmt::format("\"{}\" is of the tier \"{}\": what is deferred goes to targets "
                                 "of the tier \"batch\"",
                                 named.name, to_string(named.tier)));
      }
    }
    std::vector<std::uint16_t> sorted = step.candidates;
    std::vector<std::uint16_t> above = rung_.candidates;
    std::sort(sorted.begin(), sorted.end());
    std::sort(above.begin(), above.end());
    if (!sorted.empty() && sorted == above) changes_nothing(node);
    rung_.candidates = step.candidates;
  }

  static void changes_nothing(const JsonNode& node) {
    node.problem(ErrorCode::kConflict, "changes nothing: it is so already above this step");
  }

  const PolicyData& data_;
  PolicyRule& rule_;
  Rung rung_;
};

}  // namespace

void read_ladder(const JsonNode& node, const PolicyData& data, PolicyRule& rule) {
  if (!json::is_list(node, 1, kDegradeStepsMax)) return;
  LadderReader reader(data, rule);
  for (std::size_t i = 0; i < node.size(); ++i) reader.read(node.item(i));
}

}  // namespace fare
