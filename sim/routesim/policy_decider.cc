#include "routesim/policy_decider.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

namespace routesim {

fare::Expected<fare::Decision> Decider::decide(const Question& question) {
  fare::Expected<fare::Policy> policy =
      fare::Policy::parse(std::string(policy_.file()), question.policy.dump());
  if (!policy) return tl::unexpected<fare::Errors>(policy.error());
  fare::Config config{prices_, std::move(*policy)};
  config.budgets = state_.budgets;
  config.spent_before = state_.spent;
  auto router = fare::Router::create(std::move(config), state_.counted_at);
  if (!router) return tl::unexpected<fare::Errors>(router.error());
  router_ = std::move(*router);
  fare::Errors errors = hold();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return route(question);
}

fare::Errors Decider::hold() {
  fare::Errors errors;
  for (const auto& [name, until] : state_.holds) {
    bool is_target = false;
    for (std::size_t i = 0; i < router_->targets() && !is_target; ++i) {
      const auto target = static_cast<fare::TargetId>(i);
      if (router_->target(target).name != name) continue;
      is_target = true;
      if (router_->hold(target, until, state_.counted_at)) continue;
      errors.push_back(
          {fare::ErrorCode::kOutOfRange, "--hold",
           fmt::format("\"{}\" must be held until at most a day from {}, but {} is asked", name,
                       fare::to_rfc3339(state_.counted_at), fare::to_rfc3339(until))});
    }
    if (is_target) continue;
    errors.push_back({fare::ErrorCode::kUnknownName, "--hold",
                      fmt::format("\"{}\" is not a target of the policy", name)});
  }
  return errors;
}

fare::Decision Decider::route(const Question& question) {
  const AskedRequest& asked = question.request;
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
  return router_->route(request, question.at);
}

}  // namespace routesim
