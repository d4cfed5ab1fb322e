#include "routesim/policy_explain.h"

#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "routesim/policy_decider.h"
#include "routesim/policy_what_if.h"

namespace routesim {
namespace {

constexpr std::size_t kTextMax = 128;

std::optional<fare::Tokens> read_tokens(const fare::JsonNode& node) {
  const auto count = fare::json::integer(0, fare::kTokensMax.count())(node);
  return count ? std::optional<fare::Tokens>(*count) : std::nullopt;
}

template <class T>
void read_optional(fare::ObjectReader& reader, std::string_view key, std::optional<T>& out,
                   const fare::JsonParser<T>& parse) {
  T value{};
  if (reader.optional(key, value, parse)) out = value;
}

}  // namespace

fare::Expected<AskedRequest> parse_request(const std::string& text) {
  AskedRequest asked;
  fare::Problems problems("--request");
  const fare::JsonDocument document(text, problems);
  if (document.ok()) {
    using fare::JsonNode;
    namespace json = fare::json;
    fare::ObjectReader reader(document.root());
    reader.required("input_tokens", asked.input, read_tokens);
    reader.optional("class", asked.request_class, json::text(kTextMax));
    read_optional<fare::Tokens>(reader, "expected_output_tokens", asked.expected_output,
                                read_tokens);
    read_optional<fare::Tokens>(reader, "max_output_tokens", asked.max_output, read_tokens);
    reader.optional("capabilities", asked.capabilities, json::list(json::text(kTextMax), 0, 64));
    reader.optional("scopes", asked.scopes, json::list(json::text(255), 0, fare::kScopesMax));
    reader.optional("language", asked.language, json::text(kTextMax));
    if (const auto tags = reader.member("tags", false)) {
      fare::ObjectReader tag_reader(*tags);
      for (const std::string& key : tags->keys()) {
        std::string value;
        tag_reader.required(key, value, json::text(kTextMax));
        asked.tags.emplace_back(key, value);
      }
    }
    double bound = 0;
    if (reader.optional("latency_bound_ms", bound, json::number(0, 86'400'000))) {
      asked.latency_bound = fare::Duration(static_cast<std::int64_t>(bound * 1e6 + 0.5));
    }
    std::int64_t session = 0;
    reader.optional("session", session, json::integer(0, INT64_MAX));
    asked.session = static_cast<std::uint64_t>(session);
    reader.finish();
  }
  if (!problems.empty()) return tl::unexpected<fare::Errors>(problems.take());
  return asked;
}

fare::Expected<Explained> explain(const fare::Policy& policy, const fare::PriceBook& prices,
                                  const AskedRequest& request, const AskedState& state) {
  const Question question{nlohmann::json::parse(policy.text()), request, state.now};
  Decider decider(policy, prices, state);
  const fare::Expected<fare::Decision> decision = decider.decide(question);
  if (!decision) return tl::unexpected<fare::Errors>(decision.error());
  Explained explained;
  explained.refusal = decision->refusal;
  explained.retry_at = decision->retry_at;
  explained.soft_percent = decision->soft_percent;
  explained.rule = decision->rule;
  for (const fare::Degradation& one : decision->degradations) {
    explained.degradations.emplace_back(one.step);
  }
  for (const fare::TargetId target : decision->plan()) {
    explained.plan.emplace_back(decider.router().target(target).name);
  }
  for (const fare::Candidate& one : decision->considered()) {
    explained.candidates.push_back(
        {std::string(decider.router().target(one.target).name), one, {}});
  }
  WhatIfs what_ifs(decider, question, *decision);
  for (std::size_t i = 0; i < explained.candidates.size(); ++i) {
    explained.candidates[i].what_ifs = what_ifs.ask(i);
  }
  return explained;
}

}  // namespace routesim
