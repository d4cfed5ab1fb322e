#include <fare/router.h>

#include <fstream>
#include <iostream>
#include <iterator>

constexpr std::string_view kPolicy = R"({
  "format": "fare-policy/1", "name": "quickstart",
  "classes": [{"name": "chat", "expected_output_tokens": 200}],
  "targets": [{"name": "haiku", "model": "claude-haiku-4-5", "quality": 0.86},
              {"name": "sonnet", "model": "claude-sonnet-5-5", "quality": 0.93}],
  "rules": [{"name": "all", "candidates": ["haiku", "sonnet"], "quality_floor": 0.9}]})";

// Usage: quickstart pricing/anthropic.json
int main(int, char** argv) {
  std::ifstream file(argv[1]);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const fare::PriceBook::Source table{argv[1], text};
  const auto prices = fare::PriceBook::parse({&table, 1});
  const auto policy = fare::Policy::parse("policy", kPolicy);
  if (!prices || !policy) {
    std::cerr << fare::to_text(prices ? policy.error() : prices.error());
    return 2;
  }
  const auto now = fare::Instant(std::chrono::system_clock::now());
  const auto router = fare::Router::create({*prices, *policy}, now);
  if (!router) {
    std::cerr << fare::to_text(router.error());
    return 2;
  }

  fare::Request request;
  request.request_class = "chat";
  request.input = fare::Tokens(1'200);
  const fare::Decision decision = (*router)->route(request, now);
  std::cout << (*router)->explain(decision);
  if (decision.refusal != fare::Refusal::kNone) return 1;

  // Here the gateway calls the targets of decision.plan() in order, until one answers.
  fare::Attempt attempt{.target = decision.plan().front(), .started = now, .answered = true};
  attempt.usage.emplace();
  (*attempt.usage)[fare::Meter::kInput] = fare::Tokens(1'200);
  (*attempt.usage)[fare::Meter::kOutput] = fare::Tokens(187);
  const auto settled = (*router)->settle(decision.ticket, {{&attempt, 1}}, now);
  std::cout << "cost: $" << fare::to_usd(settled.total) << "\n";
}
