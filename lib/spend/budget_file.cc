#include <fmt/format.h>

#include "base/json_reader.h"
#include "fare/budget.h"
#include "spend/budget_names.h"

namespace fare {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kScopesMax = 1'000'000;
constexpr std::size_t kRaisesMax = 16;
constexpr std::int64_t kPicoPerNano = 1'000;

// Dollars as text, of at most nine decimals, from 0 to a billion.
Expected<Money> parse_money(std::string_view text) {
  const Expected<Cost> cost = parse_usd(text);
  if (!cost) return tl::unexpected<Errors>(cost.error());
  const Int128 pico = cost->count();
  const bool in_range = pico >= 0 && pico <= Int128{kLimitMax.count()} * kPicoPerNano;
  if (!in_range || pico % kPicoPerNano != 0) {
    return fail(ErrorCode::kOutOfRange, "",
                fmt::format("must be from 0 to a billion dollars with at most nine decimals, but "
                            "is \"{}\"",
                            text));
  }
  return Money(static_cast<std::int64_t>(pico / kPicoPerNano));
}

// "06:30" or "06:30:15".
std::optional<Duration> read_time_of_day(const JsonNode& node) {
  const std::optional<std::string> text = json::text(8)(node);
  if (!text) return std::nullopt;
  std::int64_t seconds = 0;
  const bool shaped = (text->size() == 5 || text->size() == 8) && (*text)[2] == ':' &&
                      (text->size() == 5 || (*text)[5] == ':');
  bool good = shaped;
  for (std::size_t i = 0; good && i < text->size(); i += 3) {
    const int tens = (*text)[i] - '0';
    const int ones = (*text)[i + 1] - '0';
    good =
        tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && tens * 10 + ones < (i == 0 ? 24 : 60);
    seconds = seconds * 60 + tens * 10 + ones;
  }
  if (text->size() == 5) seconds *= 60;
  if (good) return std::chrono::seconds(seconds);
  node.must_be(ErrorCode::kOutOfRange, "a time of day such as \"06:30\" or \"06:30:00\"");
  return std::nullopt;
}

std::optional<Duration> read_seconds(const JsonNode& node) {
  const auto seconds = json::integer(1, 315'619'200)(node);
  return seconds ? std::optional<Duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

template <class Enum, std::size_t n>
JsonParser<Enum> name_of(const std::array<std::string_view, n>& names) {
  return [&names](const JsonNode& node) -> std::optional<Enum> {
    const auto index = json::one_of({names.begin(), names.end()})(node);
    return index ? std::optional<Enum>(static_cast<Enum>(*index)) : std::nullopt;
  };
}

JsonParser<int> small(int min, int max) {
  return [min, max](const JsonNode& node) -> std::optional<int> {
    const auto number = json::integer(min, max)(node);
    return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
  };
}

// Only the keys that mean something to the window's kind are known.
std::optional<WindowSpec> read_window(const JsonNode& node) {
  static constexpr std::array<std::string_view, kWindowKindCount> kKinds = {
      "day", "week", "month", "quarter", "year", "rolling", "session", "absolute"};
  WindowSpec spec;
  ObjectReader reader(node);
  if (!reader.required("kind", spec.kind, name_of<WindowKind>(kKinds))) return std::nullopt;
  using Kind = WindowKind;
  const Kind kind = spec.kind;
  if (kind <= Kind::kYear) {
    reader.required("zone", spec.zone, json::text(64));
    reader.optional("time_of_day", spec.time_of_day, read_time_of_day);
  }
  if (kind == Kind::kWeek) reader.optional("first_weekday", spec.first_weekday, small(1, 7));
  if (kind == Kind::kMonth || kind == Kind::kQuarter || kind == Kind::kYear) {
    reader.optional("first_day", spec.first_day, small(1, 28));
  }
  if (kind == Kind::kQuarter || kind == Kind::kYear) {
    reader.optional("first_month", spec.first_month, small(1, 12));
  }
  if (kind == Kind::kRolling || kind == Kind::kSession) {
    spec.length = std::chrono::seconds(1);
    reader.required("length_s", spec.length, read_seconds);
  }
  if (kind == Kind::kAbsolute) {
    reader.required("from", spec.from, json::read_with(parse_instant));
    reader.optional("until", spec.until, json::read_with(parse_instant));
  }
  reader.finish();
  return spec;
}

std::optional<Raise> read_raise(const JsonNode& node) {
  Raise raise;
  ObjectReader reader(node);
  bool whole = reader.required("usd", raise.amount, json::read_with(parse_money));
  whole &= reader.required("from", raise.from, json::read_with(parse_instant));
  whole &= reader.required("until", raise.until, json::read_with(parse_instant));
  reader.finish();
  return whole ? std::optional<Raise>(raise) : std::nullopt;
}

std::optional<Share> read_share(const JsonNode& node) {
  Share share;
  std::int64_t weight = 1;
  ObjectReader reader(node);
  reader.required("of", share.of, json::text(kNameMax));
  reader.optional("weight", weight, json::integer(1, kShareWeightMax));
  reader.optional("guarantee_usd", share.guarantee, json::read_with(parse_money));
  reader.optional("borrow", share.borrow, json::boolean());
  reader.finish();
  share.weight = static_cast<std::uint32_t>(weight);
  return share;
}

// Always gives a budget, so that the places of later problems stay right.
std::optional<Budget> read_budget(const JsonNode& node) {
  Budget budget;
  ObjectReader reader(node);
  reader.required("id", budget.id, json::text(kNameMax));
  reader.required("limit_usd", budget.limit, json::read_with(parse_money));
  reader.required("window", budget.window, read_window);
  reader.optional("mode", budget.mode, name_of<BudgetMode>(kModeNames));
  reader.optional("soft_percent", budget.soft_percent, json::list(small(1, 99), 0, kSoftMax));
  reader.optional("carry_over_usd_max", budget.carry_over_max, json::read_with(parse_money));
  reader.optional("keep_debt", budget.keep_debt, json::boolean());
  reader.optional("raises", budget.raises, json::list(read_raise, 0, kRaisesMax));
  Share share;
  if (reader.optional("share", share, read_share)) budget.share = std::move(share);
  reader.finish();
  return budget;
}

std::optional<Scope> read_scope(const JsonNode& node) {
  Scope scope;
  ObjectReader reader(node);
  reader.required("id", scope.id, json::text(kScopeIdMax));
  reader.required("kind", scope.kind, name_of<ScopeKind>(kScopeKindNames));
  reader.optional("parent", scope.parent, json::text(kScopeIdMax));
  reader.optional("budgets", scope.budgets, json::list(read_budget, 0, kBudgetsMax));
  reader.finish();
  return scope;
}

}  // namespace

Expected<BudgetConfig> parse_budgets(std::string_view file, std::string_view text) {
  BudgetConfig config;
  Problems problems{std::string(file)};
  const JsonDocument document(text, problems);
  if (document.ok()) {
    ObjectReader reader(document.root());
    std::size_t only = 0;
    reader.required("format", only, json::one_of({"fare-budgets/1"}));
    reader.required("name", config.name, json::text(kNameMax));
    reader.optional("on_expiry", config.on_expiry, name_of<ExpiryPolicy>(kExpiryNames));
    reader.optional("on_abort", config.on_abort, name_of<AbortPolicy>(kAbortNames));
    Money attempt_max;
    if (reader.optional("attempt_usd_max", attempt_max, json::read_with(parse_money))) {
      config.attempt_max = attempt_max;
    }
    reader.optional("attempts_max", config.attempts_max, small(1, 64));
    reader.required("scopes", config.scopes, json::list(read_scope, 1, kScopesMax));
    reader.finish();
    problems.add_all(validate(config, file));
  }
  if (!problems.empty()) return tl::unexpected<Errors>(problems.take());
  return config;
}

}  // namespace fare
