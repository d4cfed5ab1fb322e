#pragma once

// Start here.
//
//   auto prices = fare::PriceBook::parse(sources);                  // pricing/*.json, read by you.
//   auto policy = fare::Policy::parse("policy.json", text);
//   auto router = fare::Router::create({*prices, *policy}, now);    // Or every reason why not.
//
//   fare::Decision decision = (*router)->route(request, now);       // About a microsecond.
//   // Try decision.plan() in order until a target answers, then report all attempts:
//   fare::Settlement settlement = (*router)->settle(decision.ticket, {attempts}, now);
//
// The router reads no clock, draws no random number, performs no I/O and starts no thread.  The
// simulator calls this very class, so what was simulated is what runs.

#include <cstdint>      // std::uint64_t.
#include <memory>       // std::unique_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/decision.h"    // Decision.
#include "fare/expected.h"    // Expected.
#include "fare/outcome.h"     // Outcome, Settlement.
#include "fare/policy.h"      // Policy.
#include "fare/price_book.h"  // PriceBook.
#include "fare/request.h"     // Request.

namespace fare {

struct Config {
  PriceBook prices;
  Policy policy;
  // The most tickets that may be open at a time, to bound memory (32 bytes each) if settlements
  // never come; one more request is refused.  At least 16.
  std::uint32_t open_tickets_max = 16'000'000;
};

// What the policy calls a target, and what it stands for.
struct TargetFacts {
  std::string_view name;
  ModelFacts model;
};

// Counts since creation.  Sums are exact; together they are one moment's only if nobody else is
// routing or settling.
struct RouterStats {
  std::uint64_t routed = 0;  // Requests asked for, refused ones included.
  std::uint64_t refused = 0;
  std::uint64_t open = 0;  // Tickets not yet settled; routed == refused + open + settled.
  std::uint64_t settled = 0;
  std::uint64_t not_priced = 0;  // Settlements whose cost is not whole (not CostStatus::kPriced).
  Cost cost;                     // The sum of all settlements' totals.
};

// Decides which target serves a request.  Thread-safe: any number of threads may call any function
// at the same time.
class Router {
 public:
  // Errors: a target whose model the price book does not know, knows from several providers, or has
  // no price for at `now`; all of them at once, with their place in the policy.
  [[nodiscard]] static Expected<std::unique_ptr<Router>> create(Config config, Instant now);

  // Decides.  About a microsecond for 20 candidates.  Allocates nothing, except that the ticket
  // table grows, by doubling, when more tickets are open than ever before.
  // REQUIRES: 0 <= request.input <= kTokensMax, and likewise for the other token counts.
  [[nodiscard]] Decision route(const Request& request, Instant now);

  // Closes a ticket with what the attempts used, and prices each of them exactly.  Idempotent: only
  // the first call counts.  A failed attempt without usage is taken as not billed; an answer
  // without usage is `kUsageMissing`, not free.  Allocates nothing. REQUIRES: at most kAttemptsMax
  // attempts, all of them on targets of this router.
  Settlement settle(Ticket ticket, const Outcome& outcome, Instant now);

  [[nodiscard]] RouterStats stats() const;
  [[nodiscard]] TargetFacts target(TargetId target) const;
  [[nodiscard]] std::size_t targets() const;  // TargetIds are 0 ... targets() - 1.
  [[nodiscard]] const Config& config() const;

  // A decision in words, one line a candidate, for logs and people.
  [[nodiscard]] std::string explain(const Decision& decision) const;

  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

 private:
  struct State;
  explicit Router(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fare
