#include "routesim/policy_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"

namespace routesim {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTextMax = 128;

// A question and everything that may be changed about it.
struct Question {
  Json policy;
  AskedRequest request;
};

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

// The decision on a question, with the names that it needs.
class Decider {
 public:
  Decider(const fare::Policy& policy, const fare::PriceBook& prices, fare::Instant now)
      : policy_(policy), prices_(prices), now_(now) {}

  // Errors: the router's; those of a changed policy cannot happen where only numbers changed.
  fare::Expected<fare::Decision> decide(const Question& question) {
    const std::string text = question.policy.dump();
    if (!router_ || text != text_) {
      fare::Expected<fare::Policy> policy = fare::Policy::parse(std::string(policy_.file()), text);
      if (!policy) return tl::unexpected<fare::Errors>(policy.error());
      auto router = fare::Router::create({prices_, *policy}, now_);
      if (!router) return tl::unexpected<fare::Errors>(router.error());
      router_ = std::move(*router);
      text_ = text;
    }
    return route(question.request);
  }

  const fare::Router& router() const { return *router_; }

 private:
  fare::Decision route(const AskedRequest& asked) {
    const std::vector<std::string_view> capabilities(asked.capabilities.begin(),
                                                     asked.capabilities.end());
    const std::vector<std::string_view> scopes(asked.scopes.begin(), asked.scopes.end());
    std::vector<fare::Tag> tags;
    for (const auto& [key, value] : asked.tags) tags.push_back({key, value});
    fare::Request request;
    request.id = 1;
    request.request_class = asked.request_class;
    request.tags = tags;
    request.capabilities = capabilities;
    request.input = asked.input;
    request.expected_output = asked.expected_output;
    request.max_output = asked.max_output;
    request.latency_bound = asked.latency_bound;
    request.scopes = scopes;
    request.session = asked.session;
    request.language = asked.language;
    const fare::Decision decision = router_->route(request, now_);
    if (decision.ticket != fare::Ticket{}) router_->settle(decision.ticket, {}, now_);
    return decision;
  }

  const fare::Policy& policy_;
  const fare::PriceBook& prices_;
  fare::Instant now_;
  std::unique_ptr<fare::Router> router_;
  std::string text_;
};

const fare::Candidate* find(const fare::Decision& decision, fare::TargetId target) {
  for (const fare::Candidate& one : decision.considered()) {
    if (one.target == target) return &one;
  }
  return nullptr;
}

double milliseconds(fare::Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

// Asks about one candidate at a time.
class WhatIfs {
 public:
  WhatIfs(Decider& decider, const Question& question, const fare::Decision& decision)
      : decider_(decider), question_(question), decision_(decision), rule_(decision.rule) {}

  std::optional<WhatIf> ask(const fare::Candidate& one) {
    switch (one.verdict) {
      case fare::Verdict::kBelowFloor:
        return lower_floor(one);
      case fare::Verdict::kTooSlow:
        return raise_bound(one);
      case fare::Verdict::kContextTooShort:
        return shorten_input(one);
      case fare::Verdict::kOutputTooLong:
        return shorten_output(one);
      case fare::Verdict::kLacksCapability:
        return drop_capabilities(one);
      case fare::Verdict::kCostsMore:
        return lower_cost(one);
      default:
        return std::nullopt;  // Nothing that one number would change.
    }
  }

 private:
  std::string verdict_of(const Question& question, fare::TargetId target) {
    const fare::Expected<fare::Decision> decision = decider_.decide(question);
    const fare::Candidate* one = decision ? find(*decision, target) : nullptr;
    return one != nullptr ? std::string(to_string(one->verdict)) : "not_considered";
  }

  // The sentence says what is so, `then` what the change would be.
  WhatIf changed(const Question& question, const fare::Candidate& one, std::string change,
                 std::string to, const std::string& is, const std::string& then) {
    const std::string verdict = verdict_of(question, one.target);
    return {std::move(change), std::move(to), fmt::format("{}; {}: {}", is, then, verdict),
            verdict};
  }

  Json& rule_of(Question& question) const {
    for (Json& rule : question.policy["rules"]) {
      if (rule["name"] == rule_) return rule;
    }
    return question.policy["rules"].front();  // A decision names a rule of its policy.
  }

  std::optional<WhatIf> lower_floor(const fare::Candidate& one) {
    if (!one.quality || !decision_.quality_floor) return std::nullopt;
    Question question = question_;
    Json& rule = rule_of(question);
    if (rule["quality_floor"].is_object()) return std::nullopt;  // What holds is less than stated.
    rule["quality_floor"] = *one.quality;
    return changed(question, one, "quality_floor", Json(*one.quality).dump(),
                   fmt::format("floor {} > {}", *decision_.quality_floor, *one.quality),
                   fmt::format("with a floor of {}", *one.quality));
  }

  std::optional<WhatIf> raise_bound(const fare::Candidate& one) {
    if (!one.latency) return std::nullopt;
    Question question = question_;
    Json& rule = rule_of(question);
    const double needed = milliseconds(*one.latency);
    std::optional<double> bound;
    if (rule.contains("latency_bound_ms")) {
      bound = rule["latency_bound_ms"].get<double>();
      rule["latency_bound_ms"] = std::max(*bound, needed);
    }
    if (question.request.latency_bound) {
      const double asked = milliseconds(*question.request.latency_bound);
      bound = std::min(bound.value_or(asked), asked);
      question.request.latency_bound = std::max(*question.request.latency_bound, *one.latency);
    }
    if (!bound) return std::nullopt;
    return changed(question, one, "latency_bound_ms", Json(needed).dump(),
                   fmt::format("{} ms > bound {} ms", needed, *bound),
                   fmt::format("with a bound of {} ms", needed));
  }

  // The longest input that is not too long: halving, each time deciding again.
  std::optional<WhatIf> shorten_input(const fare::Candidate& one) {
    const std::string_view too_long = to_string(fare::Verdict::kContextTooShort);
    Question question = question_;
    std::int64_t fits = 0;
    std::int64_t above = question_.request.input.count();
    question.request.input = fare::Tokens(0);
    if (verdict_of(question, one.target) == too_long) return std::nullopt;
    while (above - fits > 1) {
      const std::int64_t middle = fits + (above - fits) / 2;
      question.request.input = fare::Tokens(middle);
      (verdict_of(question, one.target) == too_long ? above : fits) = middle;
    }
    question.request.input = fare::Tokens(fits);
    return changed(question, one, "input_tokens", fmt::format("{}", fits),
                   fmt::format("needs {} tokens less", question_.request.input.count() - fits),
                   fmt::format("with an input of {}", fits));
  }

  std::optional<WhatIf> shorten_output(const fare::Candidate& one) {
    const fare::Tokens most = decider_.router().target(one.target).model.max_output;
    Question question = question_;
    question.request.max_output = most;
    return changed(question, one, "max_output_tokens", fmt::format("{}", most.count()),
                   fmt::format("gives at most {} tokens", most.count()), "with that cap");
  }

  std::optional<WhatIf> drop_capabilities(const fare::Candidate& one) {
    const std::string_view lacks = to_string(fare::Verdict::kLacksCapability);
    std::vector<std::string> has;
    std::vector<std::string> missing;
    for (const std::string& capability : question_.request.capabilities) {
      Question question = question_;
      question.request.capabilities = {capability};
      (verdict_of(question, one.target) == lacks ? missing : has).push_back(capability);
    }
    Question question = question_;
    question.request.capabilities = has;
    return changed(question, one, "capabilities", Json(has).dump(),
                   fmt::format("lacks {}", fmt::join(missing, ", ")), "without");
  }

  // Of equals the one named first wins; candidates stand in the rule's order.
  std::optional<WhatIf> lower_cost(const fare::Candidate& one) const {
    const fare::Candidate* winner = nullptr;
    for (const fare::Candidate& other : decision_.considered()) {
      if (other.verdict == fare::Verdict::kChosen) winner = &other;
    }
    const Json& policy = question_.policy;
    const auto rule = std::find_if(policy["rules"].begin(), policy["rules"].end(),
                                   [this](const Json& any) { return any["name"] == rule_; });
    if (winner == nullptr || rule == policy["rules"].end()) return std::nullopt;
    const Json names = rule->at("candidates");
    const std::string name(decider_.router().target(one.target).name);
    const bool competes = std::find(names.begin(), names.end(), name) != names.end();
    const bool least_cost = !rule->contains("objective") || rule->at("objective") == "min_cost";
    if (!competes || !least_cost || rule->contains("cascade")) return std::nullopt;
    const bool first = &one < winner;
    const std::string cost = to_usd(*winner->expected_cost);
    return WhatIf{first ? "cost_usd_at_most" : "cost_usd_below", fmt::format("\"{}\"", cost),
                  first ? fmt::format("would win at ${} or less", cost)
                        : fmt::format("would win below ${}", cost),
                  "chosen"};
  }

  Decider& decider_;
  const Question& question_;
  const fare::Decision& decision_;
  std::string rule_;
};

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
    reader.optional("scopes", asked.scopes, json::list(json::text(255), 0, 16));
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
                                  const AskedRequest& request, fare::Instant now) {
  const Question question{Json::parse(policy.text()), request};
  Decider decider(policy, prices, now);
  const fare::Expected<fare::Decision> decision = decider.decide(question);
  if (!decision) return tl::unexpected<fare::Errors>(decision.error());
  Explained explained;
  explained.refusal = decision->refusal;
  explained.rule = decision->rule;
  for (const fare::TargetId target : decision->plan()) {
    explained.plan.emplace_back(decider.router().target(target).name);
  }
  for (const fare::Candidate& one : decision->considered()) {
    explained.candidates.push_back(
        {std::string(decider.router().target(one.target).name), one, std::nullopt});
  }
  WhatIfs what_ifs(decider, question, *decision);
  for (std::size_t i = 0; i < explained.candidates.size(); ++i) {
    explained.candidates[i].what_if = what_ifs.ask(decision->candidate[i]);
  }
  return explained;
}

}  // namespace routesim
