#include "study/spending.h"

#include <set>
#include <string_view>

namespace routesim {
namespace {

using fare::JsonNode;
using fare::ObjectReader;
namespace json = fare::json;

constexpr std::size_t kNameMax = 255;
constexpr std::size_t kPathMax = 4'096;
constexpr std::size_t kScopesMax = 8;
constexpr std::size_t kSpentMax = 10'000;
constexpr std::string_view kTenant = "{tenant}";

std::optional<fare::SpentBefore> read_spent(const JsonNode& node) {
  fare::SpentBefore spent;
  fare::Cost usd;
  ObjectReader reader(node);
  reader.required("scope", spent.scope, json::text(kNameMax));
  reader.required("budget", spent.budget, json::text(kNameMax));
  const bool has_usd = reader.required("usd", usd, json::read_with(&fare::parse_usd));
  reader.finish();
  if (!has_usd) return std::nullopt;
  const std::optional<fare::Money> money = fare::money_half_even(usd);
  if (!money || *money < fare::Money() || *money > fare::kLimitMax) {
    node.member("usd").must_be(fare::ErrorCode::kOutOfRange, "from \"0\" to a billion dollars");
    return std::nullopt;
  }
  spent.spent = *money;
  return spent;
}

std::optional<fare::BudgetConfig> read_budgets(
    const JsonNode& node,
    const std::function<std::optional<std::string>(const std::string&)>& load) {
  std::string file = node.problems().file() + "#" + node.pointer();
  std::optional<std::string> text = node.dump();
  if (node.is_string()) {
    const std::optional<std::string> path = json::text(kPathMax)(node);
    if (!path) return std::nullopt;
    file = *path;
    text = load(*path);
    if (!text) return std::nullopt;
  }
  fare::Expected<fare::BudgetConfig> budgets = fare::parse_budgets(file, *text);
  if (budgets) return std::move(*budgets);
  node.problems().add_all(std::move(budgets.error()));
  return std::nullopt;
}

}  // namespace

std::optional<Spending> read_spending(
    const JsonNode& node,
    const std::function<std::optional<std::string>(const std::string&)>& load) {
  Spending spending;
  ObjectReader reader(node);
  reader.required("budgets", spending.budgets,
                  [&load](const JsonNode& budgets) { return read_budgets(budgets, load); });
  reader.required("scopes", spending.scopes, json::list(json::text(kNameMax), 1, kScopesMax));
  std::int64_t max_output = 0;
  if (reader.optional("max_output_tokens", max_output,
                      json::integer(1, fare::kTokensMax.count()))) {
    spending.max_output = fare::Tokens(max_output);
  }
  reader.optional("spent", spending.before, json::list(read_spent, 0, kSpentMax));
  reader.finish();
  return reader.ok() ? std::optional<Spending>(std::move(spending)) : std::nullopt;
}

std::vector<std::string> scopes_of(const Spending& spending, const std::string& tenant) {
  std::vector<std::string> scopes = spending.scopes;
  for (std::string& scope : scopes) {
    for (std::size_t at = scope.find(kTenant); at != std::string::npos;
         at = scope.find(kTenant, at + tenant.size())) {
      scope.replace(at, kTenant.size(), tenant);
    }
  }
  return scopes;
}

fare::BudgetConfig budgets_for(const Spending& spending, const std::vector<std::string>& tenants) {
  fare::BudgetConfig config = spending.budgets;
  std::set<std::string> known;
  std::vector<fare::Scope> templates;
  for (const fare::Scope& scope : config.scopes) {
    known.insert(scope.id);
    if (scope.id.ends_with('*')) templates.push_back(scope);
  }
  for (const std::string& tenant : tenants) {
    for (const std::string& id : scopes_of(spending, tenant)) {
      if (known.contains(id)) continue;
      const fare::Scope* longest = nullptr;
      for (const fare::Scope& one : templates) {
        const bool fits = id.starts_with(std::string_view(one.id).substr(0, one.id.size() - 1));
        if (fits && (longest == nullptr || one.id.size() > longest->id.size())) longest = &one;
      }
      if (longest == nullptr) continue;
      known.insert(id);
      config.scopes.push_back(*longest);
      config.scopes.back().id = id;
    }
  }
  return config;
}

}  // namespace routesim
