#pragma once

#include <simdjson.h>
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "pricing/usage_findings.h"  // Findings.
#include "pricing/usage_parts.h"     // Parts.

namespace fare {

// One step of a response that took several (Anthropic's iterations).
struct UsageStep {
  std::string_view model;  // Empty: the one that was asked.
  std::string_view type;
  Usage usage;
};

// What is kept from body to body.
struct UsageBuffers {
  simdjson::dom::parser parser;
  simdjson::ondemand::parser raw_parser;  // For numbers by their digits.
  std::string text;                       // The body, padded as simdjson wants it.
  std::string usage_at;                   // The JSON pointer of the usage.
  std::string step_at;                    // The JSON pointer of one of its steps.
  std::string cost_at;                    // The JSON pointer of the reported cost, or empty.
  std::vector<UsageStep> steps;
  std::vector<std::string_view> names;
};

// Reads `json` into `report`, whatever is wrong into `findings`.
void read_usage_body(const Dialect& dialect, std::string_view json, std::string_view model,
                     UsageBuffers& buffers, UsageReport& report, Findings& findings);

// Adds to the usage what its steps say more: what is billed is their sum.  Sets what bands are
// measured on, and what other models used.
void settle_steps(const std::vector<UsageStep>& steps, std::string_view model, UsageReport& report,
                  Findings& findings);

// Why a text that simdjson refused is no body.
void explain_refusal(std::string_view json, std::string_view reason, Findings& findings);

}  // namespace fare
