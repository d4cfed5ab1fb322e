#include <fmt/format.h>

#include "policy/policy_reading.h"

namespace fare {
namespace {

// Whether nothing but the class decides.
bool asks_only_for_class(const When& when) {
  When without = when;
  without.any_class = true;
  without.classes = 0;
  return !when.any_class && without.holds_always();
}

}  // namespace

void check_reachable(const JsonNode& node, const PolicyRule& rule, const PolicyData& data) {
  if (!rule.when.any_class && rule.when.classes == 0) return;  // It could not be read.
  std::uint64_t taken = 0;  // By rules that ask for nothing but the class.
  std::string takers;
  for (const PolicyRule& before : data.rules) {
    if (before.when.covers(rule.when)) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("can never be reached: rule \"{}\" before it holds {}", before.name,
                               before.when.holds_always() ? "always" : "wherever this one does"));
      return;
    }
    if (!asks_only_for_class(before.when) || (before.when.classes & rule.when.classes) == 0) {
      continue;
    }
    taken |= before.when.classes;
    takers += fmt::format("{}\"{}\"", takers.empty() ? "" : ", ", before.name);
  }
  if (rule.when.any_class || (rule.when.classes & ~taken) != 0) return;
  node.problem(
      ErrorCode::kConflict,
      fmt::format("can never be reached: the rules {} before it take all of its classes", takers));
}

}  // namespace fare
