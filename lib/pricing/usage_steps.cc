#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_node.h"
#include "pricing/usage_reading.h"

namespace fare {
namespace {

// A model that advised, or that stood in: its tokens are billed at its own rates.
bool is_other(const UsageStep& step, std::string_view model) {
  return step.type == "advisor_message" || (!step.model.empty() && step.model != model);
}

void add_tokens(Usage& sum, const Usage& usage) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Meter::kRequest); ++i) {
    sum[static_cast<Meter>(i)] += usage[static_cast<Meter>(i)];
  }
}

Usage nothing() {
  Usage usage;
  usage[Meter::kRequest] = Tokens(0);
  return usage;
}

void add_other(const UsageStep& step, UsageReport& report, Findings& findings) {
  auto other = std::find_if(report.others.begin(), report.others.end(),
                            [&](const OtherUsage& known) { return known.model == step.model; });
  if (other == report.others.end()) {
    report.others.push_back({std::string(step.model), nothing()});
    other = report.others.end() - 1;
    findings.note("{} used tokens of its own, which are billed at its own rates", step.model);
  }
  add_tokens(other->usage, step.usage);
}

// "The top-level input_tokens and output_tokens do not include compaction iteration usage.  [...]
// To calculate total tokens consumed and billed for a request, sum across all entries in the
// usage.iterations array." (platform.claude.com, Compaction.)  Steps do not tell thinking apart,
// so only output as a whole is compared.
void add_steps(const Usage& sum, Usage& usage, Findings& findings) {
  constexpr Meter kCompared[] = {Meter::kInput, Meter::kCacheRead, Meter::kCacheWrite5m,
                                 Meter::kCacheWrite1h};
  const Tokens more_output = sum.total_output() - usage.total_output();
  bool less = more_output < Tokens(0);
  bool more = more_output > Tokens(0);
  for (const Meter meter : kCompared) {
    less |= sum[meter] < usage[meter];
    more |= sum[meter] > usage[meter];
  }
  if (less) {
    findings.note("the iterations add up to less than the totals in some count: the totals stand");
    return;
  }
  if (!more) return;
  findings.note(
      "the iterations add up to {} input and {} output tokens, the totals to {} and {}, "
      "which leave out compaction: the former are billed",
      sum.total_input().count(), sum.total_output().count(), usage.total_input().count(),
      usage.total_output().count());
  for (const Meter meter : kCompared) usage[meter] = sum[meter];
  usage[Meter::kOutput] += more_output;
}

}  // namespace

void settle_steps(const std::vector<UsageStep>& steps, std::string_view model, UsageReport& report,
                  Findings& findings) {
  Usage sum = nothing();
  Tokens largest;
  bool any = false;
  for (const UsageStep& step : steps) {
    if (is_other(step, model)) {
      add_other(step, report, findings);
      continue;
    }
    any = true;
    add_tokens(sum, step.usage);
    largest = std::max(largest, step.usage.total_input());
  }
  if (!any) return;
  add_steps(sum, report.usage, findings);
  if (largest != report.usage.total_input()) report.terms.band_input = largest;
}

namespace {

// Whole numbers too large for 64 bits are the one valid JSON that simdjson refuses.
void find_large(const JsonNode& node, Findings& findings) {
  if (node.value().is_number_float() &&
      !(node.value().get<double>() < 1.8e19 && node.value().get<double>() > -9.2e18)) {
    findings.problem(ErrorCode::kOutOfRange, node.pointer(),
                     fmt::format("must be a whole number from 0 to {}, but is {}",
                                 kTokensMax.count(), node.dump()));
  }
  for (std::size_t i = 0; node.is_array() && i < node.size(); ++i) {
    find_large(node.item(i), findings);
  }
  if (!node.is_object()) return;
  for (const std::string& key : node.keys()) find_large(node.member(key), findings);
}

}  // namespace

void explain_refusal(std::string_view json, std::string_view reason, Findings& findings) {
  Problems problems("");
  const JsonDocument document(json, problems);
  for (Error& error : problems.take()) {
    if (error.where.starts_with('#')) error.where.erase(0, 1);
    findings.problem(error.code, std::move(error.where), std::move(error.message));
  }
  if (document.ok()) find_large(document.root(), findings);
  if (!findings.malformed()) {
    findings.problem(ErrorCode::kSyntax, "", fmt::format("is not valid JSON: {}", reason));
  }
}

}  // namespace fare
