#pragma once

#include <algorithm>    // std::find.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "base/json_reader.h"    // JsonNode, ObjectReader.
#include "policy/extend.h"       // PolicyDocument.
#include "policy/policy_data.h"  // PolicyData.

namespace fare {

// What the readers of a policy's parts share.  Each records what is wrong and then reads on.

inline constexpr std::size_t kNameMax = 128;  // Bytes.
inline constexpr double kMillisecondsMax = 86'400'000;

std::optional<Duration> read_milliseconds(const JsonNode& node);           // 0 to a day.
std::optional<Duration> read_positive_milliseconds(const JsonNode& node);  // At least 1 ns.
std::optional<Tokens> read_tokens(const JsonNode& node);                   // 1 to kTokensMax.
std::optional<Cost> read_usd(const JsonNode& node);                        // 0 to a million.

// A share of a hundred, as a number or as text: "2.5".  In millionths, so at most four decimals; 0
// to `percent_max`.
JsonParser<std::uint32_t> read_ppm(int percent_max);

template <class Named>
std::vector<std::string_view> names_of(const std::vector<Named>& all) {
  std::vector<std::string_view> names;
  for (const Named& one : all) names.push_back(one.name);
  return names;
}

// Records that the "name" of `node` stands twice, if it does.
void check_new(const JsonNode& node, const std::string& name,
               const std::vector<std::string_view>& known);

// The index of `name`, or a problem: "... is not a <what> of this policy".
std::optional<std::size_t> find_name(const JsonNode& node, const std::string& name,
                                     const std::vector<std::string_view>& known,
                                     std::string_view what);

// A target by its name.
std::optional<std::uint16_t> read_target_name(const JsonNode& node, const PolicyData& data);

// Between `min` and kCandidatesMax targets, none of them twice; those that are wrong are left out.
std::vector<std::uint16_t> read_target_list(const JsonNode& node, std::size_t min,
                                            const PolicyData& data);

// A list of 1 to 64 names, none of them twice.
std::vector<std::string> read_names(const JsonNode& node);

inline bool contains(const std::vector<std::uint16_t>& all, std::uint16_t one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The parts.  read_rule() needs all targets, read_target() all classes.
void read_policy(const PolicyDocument& document, PolicyData& data);
void read_target(const JsonNode& node, PolicyData& data);
void read_rule(const JsonNode& node, PolicyData& data);
When read_when(const JsonNode& node, const PolicyData& data);
std::optional<Objective> read_objective(const JsonNode& node, const PolicyRule& rule,
                                        const PolicyData& data);
std::optional<Canary> read_canary(const JsonNode& node, const PolicyRule& rule,
                                  const PolicyData& data);
std::optional<Cascade> read_cascade(const JsonNode& node, const PolicyRule& rule);
void read_ladder(const JsonNode& node, const PolicyData& data, PolicyRule& rule);

void read_health(const JsonNode& node, Breaker::Options& health);
void read_retry(const JsonNode& node, PolicyData& data);
void read_forecast(const JsonNode& node, ForecastTrigger& forecast);

// Records that `rule` can never be reached behind the rules of `data`, if that is so.
void check_reachable(const JsonNode& node, const PolicyRule& rule, const PolicyData& data);

}  // namespace fare
