#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {

std::optional<Cascade> read_cascade(const JsonNode& node, const PolicyRule& rule) {
  Cascade cascade;
  ObjectReader reader(node);
  const bool has_true = reader.required("true_accept", cascade.true_accept, json::number(0, 1));
  const bool has_false = reader.required("false_accept", cascade.false_accept, json::number(0, 1));
  reader.optional("accept_min", cascade.accept_min, json::number(0, 1));
  reader.optional("scorer_usd", cascade.scorer_cost, read_usd);
  reader.optional("scorer_ms", cascade.scorer_time, read_milliseconds);
  std::int64_t stages = static_cast<std::int64_t>(cascade.stages_max);
  reader.optional("stages_max", stages, json::integer(2, kAttemptsMax));
  cascade.stages_max = static_cast<std::size_t>(stages);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (has_true && has_false && cascade.false_accept >= cascade.true_accept) {
    node.problem(ErrorCode::kConflict,
                 fmt::format("a scorer must accept good answers more often than bad ones, but "
                             "true_accept is {} and false_accept {}",
                             cascade.true_accept, cascade.false_accept));
  }
  if (!rule.quality_floor) {
    node.problem(ErrorCode::kConflict,
                 "needs the rule's \"quality_floor\": without one the cheapest target alone will "
                 "always do");
  }
  if (rule.objective.kind != ObjectiveKind::kMinCost) {
    node.problem(ErrorCode::kConflict,
                 "is planned for the least cost: its rule's objective must "
                 "be \"min_cost\"");
  }
  if (rule.candidates.size() == 1) {
    node.problem(ErrorCode::kConflict, "needs two candidates at least");
  }
  return cascade;
}

}  // namespace fare
