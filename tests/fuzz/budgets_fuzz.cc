#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fare/budget.h"
#include "fare/check.h"
#include "fare/ledger.h"

// Goal: no bytes make a budget file crash, or give one whose ledger does not balance.
// Method: the bytes are read as one file; every scope of what comes out reserves, more and more,
// and settles, over a reload and into later windows; the books are checked after each.

namespace {

using fare::BudgetConfig;
using fare::Ledger;
using fare::Money;

constexpr fare::Instant kNow{std::chrono::seconds(1'795'521'600)};  // 2026-11-24T12:00:00Z.

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

void check_books(const Ledger& ledger, fare::Instant now) {
  for (const fare::BudgetReport& line : ledger.report(now)) {
    FARE_CHECK(line.limit == line.settled + line.reserved + line.leased + line.free);
    FARE_CHECK(line.reserved >= Money());
  }
  FARE_CHECK(ledger.audit().empty());
}

void spend(Ledger& ledger, const BudgetConfig& config, fare::Instant now) {
  std::int64_t amount = 1;
  for (const fare::Scope& scope : config.scopes) {
    std::string id = scope.id;
    if (id.ends_with('*')) id.back() = '1';
    const fare::ScopeId scopes[] = {ledger.find_or_create(id, now)};
    amount = amount > fare::kReserveMax.count() / 1'000 ? 1 : amount * 997;
    const fare::Reservation one = ledger.reserve({scopes, Money(amount), Money(amount / 2)}, now);
    (void)ledger.top_up(one.ticket, Money(amount), Money(amount), fare::kNever, now);
    if (amount % 2 == 0) ledger.settle(one.ticket, Money(amount / 3), now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const fare::Expected<BudgetConfig> config = fare::parse_budgets("fuzz", text);
  if (!config) {
    check_errors(config.error());
    return 0;
  }
  FARE_CHECK(fare::validate(*config, "fuzz").empty());
  for (const fare::BudgetFinding& finding : fare::check(*config)) {
    FARE_CHECK(!finding.code.empty());
    FARE_CHECK(finding.where.starts_with("/scopes/"));
    static_cast<void>(nlohmann::json(finding.message).dump());
  }
  const auto ledger = Ledger::create(*config, kNow, {.tickets_max = 1'024, .scopes_max = 1'024});
  if (!ledger) return 0;
  fare::Instant now = kNow;
  for (int round = 0; round < 3; ++round) {
    spend(**ledger, *config, now);
    check_books(**ledger, now);
    FARE_CHECK((*ledger)->reload(*config, now));
    check_books(**ledger, now);
    now += std::chrono::hours(24 * 20);
  }
  return 0;
}
