#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "router/fixture.h"

namespace fare {
namespace {

// Goal: many threads route and settle on one router, and its books still add up to the picodollar.
// Method: each thread settles its own tickets and, in a race, those of its neighbour: every ticket
// must be settled by exactly one of the two.  The tsan preset runs this as well.
TEST(RouterThreadsTest, BooksAddUpUnderConcurrency) {
  constexpr std::size_t kThreads = 8;
  constexpr std::uint64_t kRequests = 2'000;
  const auto router =
      router_with(R"([{"name": "r", "candidates": ["cheap", "middle"]}])", 1'000'000);
  std::vector<std::vector<Ticket>> tickets(kThreads, std::vector<Ticket>(kRequests));
  std::vector<std::jthread> workers;
  for (std::size_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kRequests; ++i) {
        Request request = request_of("simple", 100);
        request.id = t * kRequests + i;
        tickets[t][i] = router->route(request, kNow).ticket;
      }
    });
  }
  workers.clear();  // Joins.
  EXPECT_EQ(router->stats().open, kThreads * kRequests);
  std::vector<std::uint64_t> settled(kThreads);
  for (std::size_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      const Attempt attempts[] = {
          {.target = TargetId{0}, .started = kNow, .answered = true, .usage = usage_of(100, 10)}};
      for (std::uint64_t i = 0; i < kRequests; ++i) {
        for (const std::size_t owner : {t, (t + 1) % kThreads}) {
          const Settlement done = router->settle(tickets[owner][i], {attempts}, kNow);
          settled[t] += done.status == SettleStatus::kSettled ? 1 : 0;
        }
      }
    });
  }
  workers.clear();
  std::uint64_t sum = 0;
  for (const std::uint64_t count : settled) sum += count;
  const RouterStats stats = router->stats();
  EXPECT_EQ(sum, kThreads * kRequests);
  EXPECT_EQ(stats.settled, kThreads * kRequests);
  EXPECT_EQ(stats.open, 0);
  // 100 input tokens at $1 and 10 output tokens at $2 a million: 120 micro-dollars each.
  EXPECT_EQ(stats.cost, Cost(Int128{120'000'000} * kThreads * kRequests));
}

#ifdef NDEBUG
constexpr std::uint64_t kRequestsEach = 20'000;
constexpr std::uint64_t kOperations = 10'000'000;
#else
constexpr std::uint64_t kRequestsEach = 1'500;  // Sanitizers are slow.
constexpr std::uint64_t kOperations = 60'000;
#endif

// An org with two keys, each with a strict budget that will not do for all.
std::string scopes_of(const std::string& org_usd, const std::string& key_usd) {
  const auto budget = [](const std::string& usd) {
    return R"("budgets": [{"id": "day", "limit_usd": ")" + usd +
           R"(", "window": {"kind": "day", "zone": "UTC"}}]})";
  };
  return R"([{"id": "org", "kind": "org", )" + budget(org_usd) +
         R"(, {"id": "k0", "kind": "key", "parent": "org", )" + budget(key_usd) +
         R"(, {"id": "k1", "kind": "key", "parent": "org", )" + budget(key_usd) + "]";
}

Config shared_config(const std::string& org_usd, const std::string& key_usd,
                     const std::string& cheap = "") {
  return {
      .prices = prices(),
      .policy = policy_with(
          R"([{"name": "r", "candidates": ["cheap", "ending"], "fallback": ["twin", "cheap"]}])",
          {.policy = R"("retry": {"per_1000": 1000, "saved_max": 1000000},
                            "health": {"failures_max": 1000000, "attempts_min": 1e9}, )",
           .cheap = cheap}),
      .open_tickets_max = 1'000'000,
      .budgets = budgets_with(scopes_of(org_usd, key_usd))};
}

// What threads have done together, and so how late it is: a millisecond for each operation.
struct Progress {
  std::atomic<std::uint64_t> operations = 0;

  Instant now() const { return kNow + std::chrono::milliseconds(operations.load()); }
};

// One thread's requests: some are retried, some cut off, some never sent, some silent; all of them
// cost at most what was reserved.  With a progress, time passes, and some are never settled.
class Client {
 public:
  Client(Router& router, std::uint64_t number, Progress* progress = nullptr)
      : router_(router),
        random_(RandomKey(number, 0, Purpose::kTest), 0),
        number_(number),
        progress_(progress) {}

  void request() {
    static constexpr std::string_view kKeys[] = {"k0", "k1"};
    Request request = request_of("simple", static_cast<std::int64_t>(random_.below(2'000)));
    request.id = number_ << 32 | ++requests;
    request.max_output = Tokens(static_cast<std::int64_t>(1 + random_.below(800)));
    request.scopes = std::span(kKeys).subspan(number_ % 2, 1);
    const Decision decision = router_.route(request, tick());
    if (decision.refusal != Refusal::kNone) {
      ++refused;
      return;
    }
    Money reserved = decision.reserved;
    std::vector<Attempt> attempts;
    for (const TargetId target : decision.plan()) {
      if (!attempts.empty()) {
        const TopUp more = router_.top_up(decision.ticket, attempts.back(), target, tick());
        if (more.status != TopUpStatus::kGranted) continue;
        reserved += more.reserved;
      }
      attempts.push_back(attempt(target, request));
      if (attempts.back().answered) break;
    }
    if (random_.below(20) == 0) attempts.clear();  // It was never sent.
    if (progress_ != nullptr && random_.below(50) == 0) {
      charged_expired += reserved;
      ++expired;
      return;
    }
    const Settlement settlement = router_.settle(decision.ticket, {attempts}, tick());
    settled += settlement.status == SettleStatus::kSettled ? 1 : 0;
    charged += settlement.charged;
    total += settlement.total;
    if (settlement.status != SettleStatus::kAlreadySettled) return;
    charged_expired += reserved;  // It was too slow.
    ++expired;
  }

  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  std::uint64_t settled = 0;
  std::uint64_t expired = 0;
  Money charged;
  Money charged_expired;
  Cost total;

 private:
  Instant tick() {
    if (progress_ == nullptr) return kNow;
    ++progress_->operations;
    return progress_->now();
  }

  Attempt attempt(TargetId target, const Request& request) {
    const std::uint64_t dice = random_.below(10);
    if (dice < 3) return failed(target);
    if (dice < 4) return failed(target, AttemptEnd::kCutOff);
    const std::int64_t output = request.max_output->count();
    Attempt attempt = answered(
        target, request.input.count(),
        dice < 7 ? output
                 : static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(output))));
    if (dice == 9) attempt.usage.reset();
    return attempt;
  }

  Router& router_;
  RandomStream random_;
  std::uint64_t number_;
  Progress* progress_;
};

Money settled_of(const Router& router, std::string_view scope) {
  for (const BudgetReport& line : router.budgets(kNow)) {
    if (line.scope == scope) return line.settled;
  }
  ADD_FAILURE();
  return {};
}

// Goal: strict budgets are exceeded by exactly 0, whatever threads, retries and cut streams do, and
// what the ledger holds is to the nanodollar what settle() said.
// Method: threads spend two keys of one org until it is exhausted; another one watches the books.
TEST(RouterThreadsTest, StrictBudgetsAreNeverExceeded) {
  constexpr std::uint64_t kClients = 4;
  const auto router = router_of(shared_config(kRequestsEach > 10'000 ? "40" : "3", "25"));
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < kClients; ++i) clients.emplace_back(*router, i);
  std::atomic<bool> done = false;
  std::jthread watcher([&] {
    while (!done) {
      for (const BudgetReport& line : router->budgets(kNow)) {
        ASSERT_EQ(line.limit, line.settled + line.reserved + line.free);
        ASSERT_GE(line.free, Money()) << line.scope;
      }
    }
  });
  std::vector<std::jthread> workers;
  for (Client& client : clients) {
    workers.emplace_back([&client] {
      for (std::uint64_t i = 0; i < kRequestsEach; ++i) client.request();
    });
  }
  workers.clear();
  done = true;
  watcher.join();
  Money charged;
  Cost total;
  std::uint64_t refused = 0;
  for (const Client& client : clients) {
    charged += client.charged;
    total += client.total;
    refused += client.refused;
  }
  EXPECT_EQ(settled_of(*router, "org"), charged);
  EXPECT_EQ(settled_of(*router, "k0"), clients[0].charged + clients[2].charged);
  EXPECT_EQ(router->stats().cost, total);
  EXPECT_GT(refused, kRequestsEach / 10) << "the budget did not run out: this test shows nothing";
  for (const BudgetReport& line : router->budgets(kNow)) {
    EXPECT_EQ(line.reserved, Money());
    EXPECT_LE(line.settled, line.limit);
  }
}

// Goal: reloading under load loses no ticket, and the books go on.
TEST(RouterThreadsTest, ReloadUnderLoadLosesNoTicket) {
  constexpr std::uint64_t kClients = 3;
  const auto router = router_of(shared_config("1000", "600"));
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < kClients; ++i) clients.emplace_back(*router, i);
  std::vector<std::jthread> workers;
  std::atomic<std::uint64_t> running = kClients;
  std::atomic<std::uint64_t> reloads = 0;
  std::atomic<std::uint64_t> asked = 0;
  for (Client& client : clients) {
    workers.emplace_back([&] {
      // On a busy machine they would be over before the reloads begin.
      for (std::uint64_t i = 0; i < kRequestsEach / 2 || reloads < 4; ++i, ++asked) {
        client.request();
      }
      --running;
    });
  }
  while (running > 0) {
    const char* org = reloads % 2 == 0 ? "999" : "1000";
    const char* cheap = reloads % 3 == 0 ? R"(, "limits": {"requests_per_minute": 900000})" : "";
    const auto report = router->reload(shared_config(org, "600", cheap), kNow);
    ASSERT_TRUE(report) << to_text(report.error());
    ASSERT_EQ(report->generation, ++reloads + 1);
  }
  workers.clear();
  EXPECT_GT(reloads, 3u);
  const RouterStats stats = router->stats();
  Money charged;
  std::uint64_t settled = 0;
  std::uint64_t refused = 0;
  for (const Client& client : clients) {
    charged += client.charged;
    settled += client.settled;
    refused += client.refused;
  }
  EXPECT_EQ(stats.open, 0u);
  EXPECT_EQ(stats.settled, settled);
  EXPECT_EQ(stats.refused, refused);
  EXPECT_EQ(settled + refused, asked);
  EXPECT_EQ(settled_of(*router, "org"), charged);
  for (std::size_t i = 0; i < router->targets(); ++i) {
    EXPECT_EQ(router->state(TargetId(static_cast<std::uint16_t>(i)), kNow).open, 0u);
  }
}

// Configurations to go to and fro: with much and little money, with limits and without.
std::vector<Config> configs_to_turn() {
  const auto config = [](const char* org, const char* cheap) {
    Config made = shared_config(org, "8000", cheap);
    made.ticket_life = std::chrono::seconds(5);
    for (Scope& scope : made.budgets->scopes) scope.budgets[0].window.kind = WindowKind::kMonth;
    return made;
  };
  return {config("9000", ""), config("0.5", ""),
          config("9000", R"(, "limits": {"concurrency": 2})"),
          config("8999", R"(, "limits": {"requests_per_minute": 30000})")};
}

// What clients were told, together.
struct Told {
  explicit Told(const std::vector<Client>& clients) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const Client& client = clients[i];
      requests += client.requests;
      refused += client.refused;
      settled += client.settled;
      expired += client.expired;
      total += client.total;
      by_key[i % 2] += client.charged + client.charged_expired;
    }
  }

  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  std::uint64_t settled = 0;
  std::uint64_t expired = 0;
  Cost total;
  Money by_key[2];
};

// Goal: after ten million operations, tickets that were lost and settlements that came too late
// among them, every nanodollar is where the callers were told.
// Method: threads route, top up and settle while another one expires, reloads and reads the books;
// time passes as they get on, and reloads come as they do, so nothing depends on how fast any is.
TEST(RouterThreadsTest, TenMillionOperationsLoseNoNanodollar) {
  constexpr std::uint64_t kClients = 4;
  constexpr std::uint64_t kReloads = 200;
  const std::vector<Config> configs = configs_to_turn();
  const auto router = router_of(configs[0]);
  Progress progress;
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < kClients; ++i) clients.emplace_back(*router, i, &progress);
  std::atomic<std::uint64_t> running = kClients;
  std::atomic<std::uint64_t> reloads = 0;
  std::uint64_t expired = 0;
  std::vector<std::jthread> workers;
  for (Client& client : clients) {
    workers.emplace_back([&] {
      while (progress.operations < kOperations || reloads < kReloads) client.request();
      --running;
    });
  }
  while (running > 0) {
    expired += router->expire(progress.now());
    if (progress.operations * kReloads >= reloads * kOperations) {
      const auto report = router->reload(configs[(reloads + 1) % 4], progress.now());
      EXPECT_TRUE(report) << to_text(report.error());
      ++reloads;
      for (const BudgetReport& line : router->budgets(progress.now())) {
        EXPECT_EQ(line.limit, line.settled + line.reserved + line.leased + line.free);
      }
    }
    std::this_thread::yield();
  }
  workers.clear();
  expired += router->expire(progress.now() + std::chrono::seconds(6));
  const Told told(clients);
  const RouterStats stats = router->stats();
  EXPECT_GE(progress.operations, kOperations);
  EXPECT_EQ(stats.open, 0u);
  EXPECT_EQ(stats.settled, told.settled);
  EXPECT_EQ(stats.expired, told.expired);
  EXPECT_EQ(expired, told.expired);
  EXPECT_EQ(stats.refused, told.refused);
  EXPECT_EQ(told.settled + told.refused + told.expired, told.requests);
  EXPECT_EQ(stats.cost, told.total);
  EXPECT_EQ(settled_of(*router, "org"), told.by_key[0] + told.by_key[1]);
  EXPECT_EQ(settled_of(*router, "k0"), told.by_key[0]);
  EXPECT_EQ(settled_of(*router, "k1"), told.by_key[1]);
  // How many depends on who comes first; without any this test shows little.
  EXPECT_GT(told.expired, 100u);
  EXPECT_GT(told.refused, 100u);
  for (const BudgetReport& line : router->budgets(progress.now())) {
    EXPECT_EQ(line.reserved, Money());
    EXPECT_EQ(line.limit, line.settled + line.free);
  }
  for (std::size_t i = 0; i < router->targets(); ++i) {
    EXPECT_EQ(router->state(TargetId(static_cast<std::uint16_t>(i)), kNow).open, 0u);
  }
}

// How many requests of so many input tokens a router admits at this instant; none of them ends.
std::uint64_t admitted_of(Router& router, std::int64_t input) {
  std::uint64_t admitted = 0;
  while (router.route(request_of("simple", input), kNow).refusal == Refusal::kNone) ++admitted;
  return admitted;
}

// Goal: a place under a rate limit that is given back after a reload is given back to that limit,
// once, whatever the limit has become: no slot is lost or found, no token of the flow either.
// Method: threads hold more tickets than there are slots; one in sixteen is not settled before a
// reload has come.  In the end the slots that are there are counted, and the tokens.
void hold_across_reloads(const std::vector<std::string>& limits, std::uint32_t slots,
                         std::optional<std::int64_t> flow) {
  constexpr std::uint64_t kThreads = 6;
  constexpr std::int64_t kEach = 100;
  const auto config = [&limits](std::uint64_t i) {
    return Config{.prices = prices(),
                  .policy = policy_with(R"([{"name": "r", "candidates": ["cheap"]}])",
                                        {.policy = {}, .cheap = limits[i % limits.size()]})};
  };
  const auto router = router_of(config(0));
  std::atomic<std::uint64_t> reloads = 0;
  std::atomic<std::uint64_t> running = kThreads;
  std::atomic<std::int64_t> held = 0;
  std::atomic<std::int64_t> used = 0;
  std::atomic<std::uint64_t> crossed = 0;
  std::vector<std::jthread> workers;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      RandomStream random(RandomKey(t, 0, Purpose::kTest), 0);
      for (std::uint64_t i = 0; i < kRequestsEach / 2 || reloads < 4; ++i) {
        const std::uint64_t before = reloads;
        const Decision one = router->route(request_of("simple", kEach), kNow);
        const Decision two = router->route(request_of("simple", kEach), kNow);
        for (const Decision& decision : {one, two}) {
          if (decision.refusal == Refusal::kNone && flow) {
            EXPECT_LE(++held, slots);
          }
        }
        if (random.below(16) == 0) {
          while (reloads == before) std::this_thread::yield();
          ++crossed;
        }
        for (const Decision& decision : {one, two}) {
          if (decision.refusal != Refusal::kNone) continue;
          const auto input = static_cast<std::int64_t>(random.below(kEach + 1));
          const Attempt attempts[] = {answered(TargetId{0}, input, 1)};
          if (flow) --held;
          used += input;
          EXPECT_EQ(router->settle(decision.ticket, {attempts}, kNow).status,
                    SettleStatus::kSettled);
        }
      }
      --running;
    });
  }
  while (running > 0) {
    EXPECT_TRUE(router->reload(config(++reloads), kNow));
    std::this_thread::yield();
  }
  workers.clear();
  ASSERT_TRUE(router->reload(config(0), kNow));
  EXPECT_GT(crossed, 10u);
  EXPECT_EQ(router->state(TargetId{0}, kNow).open, 0u);
  if (!flow) {
    EXPECT_EQ(admitted_of(*router, 1), slots);
    return;
  }
  // Of what flows, all that was not used is there, to the token: a last request leaves 500 of it.
  const Decision last = router->route(request_of("simple", kEach), kNow);
  ASSERT_GT(*flow - used, 500);
  const Attempt attempts[] = {answered(TargetId{0}, *flow - used - 500, 1)};
  EXPECT_EQ(router->settle(last.ticket, {attempts}, kNow).status, SettleStatus::kSettled);
  EXPECT_EQ(router->route(request_of("simple", 501), kNow).refusal, Refusal::kRateLimited);
  EXPECT_EQ(router->route(request_of("simple", 500), kNow).refusal, Refusal::kNone);
  EXPECT_EQ(admitted_of(*router, 0), slots - 1);
}

// Goal: of all holds, the latest one counts, whoever gave it and whatever was reloaded meanwhile.
// Method: threads hold one target without limits, each until instants of its own, and are refused
// at once just before them; in the end the router says the latest of all.
TEST(RouterThreadsTest, NoHoldIsEverShortened) {
  constexpr std::size_t kThreads = 4;
  const std::string rules = R"([{"name": "r", "candidates": ["cheap"]}])";
  const auto router = router_with(rules, 1'000);
  std::vector<Instant> latest(kThreads, kNow);
  std::atomic<std::size_t> running = kThreads;
  std::vector<std::jthread> workers;
  for (std::size_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&, t] {
      RandomStream random(RandomKey(t, 0, Purpose::kTest), 0);
      for (std::uint64_t i = 0; i < kRequestsEach; ++i) {
        // The longest spans grow, so that threads overtake each other all the time.
        const auto ns = static_cast<std::int64_t>(random.below(1'000 * (i + 1)));
        const Instant until = kNow + Duration(1 + ns);
        EXPECT_TRUE(router->hold(TargetId{0}, until, kNow));
        latest[t] = std::max(latest[t], until);
        Request request = request_of("simple", 1);
        request.id = i;
        const Decision decision = router->route(request, latest[t] - Duration(1));
        EXPECT_EQ(decision.refusal, Refusal::kRateLimited);
        EXPECT_GE(decision.retry_at, latest[t]);
      }
      --running;
    });
  }
  while (running > 0) {
    EXPECT_TRUE(router->reload({prices(), policy_with(rules), 1'000}, kNow));
    std::this_thread::yield();
  }
  workers.clear();
  const Instant end = *std::max_element(latest.begin(), latest.end());
  EXPECT_EQ(router->route(request_of("simple", 1), kNow).retry_at, end);
  EXPECT_EQ(router->route(request_of("simple", 1), end).refusal, Refusal::kNone);
}

TEST(RouterThreadsTest, PlacesGivenBackAfterAReloadAreNeitherLostNorFound) {
  const auto with = [](const std::string& slots) {
    return R"(, "limits": {"concurrency": )" + slots +
           R"(, "input_tokens_per_minute": 1000000000})";
  };
  hold_across_reloads({with("8"), with("7"), with("5")}, 8, 1'000'000'000);
}

TEST(RouterThreadsTest, ALimitThatComesAndGoesKeepsItsPlaces) {
  hold_across_reloads(
      {R"(, "limits": {"concurrency": 8})", "", R"(, "limits": {"concurrency": 3})"}, 8, {});
}

}  // namespace
}  // namespace fare
