#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "fare/lease.h"
#include "fare/redis/redis_ledger.h"
#include "redis/lease_call.h"
#include "redis/redis_server.h"

namespace fare {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// Sanitizers are slow; what they look for is there in fewer.
#ifdef NDEBUG
constexpr std::uint64_t kSchedules = 400;
#else
constexpr std::uint64_t kSchedules = 40;
#endif

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();

void replace(std::string& text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what;
  text.replace(at, what.size(), with);
}

// The script as shipped, but for its clock and its run id, which the test sets.
class ScriptedRedis {
 public:
  ScriptedRedis() : script_(kLeaseScript) {
    replace(script_, "redis.call('TIME')", "redis.call('HMGET', 'test', 'seconds', 'micros')");
    replace(script_, "redis.call('INFO', 'server')", "redis.call('HGET', 'test', 'info')");
    begin();
  }

  // An empty Redis that has run for long.
  void begin() {
    server_.text({"FLUSHALL"});
    run_ = 0;
    uptime_ = 1'000'000;
    now = kStart;
    set_run();
  }
  // Under a new run id, as after a restart or with another in its place.
  void restart(int uptime) {
    ++run_;
    uptime_ = uptime;
    now += microseconds(1);
    set_run();
  }

  // The state of this moment, and back to it: what came after is lost.
  void save(const RedisBudget& budget) {
    for (const std::string& key : lease_keys(budget)) copy(key, "saved:" + key);
  }
  void lose(const RedisBudget& budget) {
    for (const std::string& key : lease_keys(budget)) copy("saved:" + key, key);
  }

  RedisAnswer handle(const RedisBudget& budget, const LeaseRequest& request, bool keeps_all) {
    const auto micros = now.time_since_epoch() / microseconds(1);
    server_.text({"HSET", "test", "seconds", std::to_string(micros / 1'000'000), "micros",
                  std::to_string(micros % 1'000'000)});
    RedisAnswer answer =
        lease_answer(server_.run(lease_call(script_, budget, request, keeps_all)), request);
    EXPECT_EQ(answer.status, RedisStatus::kAnswered) << answer.detail;
    return answer;
  }

  Instant now = kStart;

 private:
  void set_run() {
    server_.text({"HSET", "test", "info",
                  "run_id:" + std::to_string(run_) +
                      "\r\nuptime_in_seconds:" + std::to_string(uptime_) + "\r\n"});
  }
  void copy(const std::string& from, const std::string& to) {
    if (server_.text({"COPY", from, to, "REPLACE"}) == "0") server_.text({"DEL", to});
  }

  RedisServer server_{RedisServer::forgetful()};
  std::string script_;
  int run_ = 0;
  int uptime_ = 0;
};

RedisBudget budget_of(Money limit) {
  return {.name = "team", .window = {kStart, kNever}, .limit = limit};
}

LeaseHolder holder_of(std::size_t replica, std::uint64_t incarnation = 1) {
  return LeaseHolder({.replica = static_cast<std::uint32_t>(replica),
                      .incarnation = incarnation,
                      .safe = Money()});
}

class Randomness {
 public:
  Randomness(std::uint64_t seed, std::uint64_t entity)
      : stream_(RandomKey(seed, 0, Purpose::kTest), entity) {}
  std::int64_t some(std::int64_t bound) {
    return static_cast<std::int64_t>(stream_.below(static_cast<std::uint64_t>(bound)));
  }
  std::size_t index(std::size_t bound) { return stream_.below(bound); }
  bool by_chance(std::int64_t in_1000) { return some(1'000) < in_1000; }

 private:
  RandomStream stream_;
};

// Replicas, and the messages between them and whoever answers.
struct Replicas {
  struct Replica {
    LeaseHolder holder;
    std::vector<Money> open;
  };

  explicit Replicas(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back({holder_of(i), {}});
    }
  }

  void reserve(std::size_t i, Money amount, Instant now) {
    if (!all[i].holder.reserve(amount, now)) return;
    all[i].open.push_back(amount);
    spent += amount;
  }
  void settle(std::size_t i, Money cost) {
    const Money reserved = all[i].open.back();
    all[i].open.pop_back();
    all[i].holder.settle(reserved, cost);
    spent += cost - reserved;
  }
  void poll(std::size_t i, Instant now) {
    if (const auto request = all[i].holder.poll(now)) requests.push_back(*request);
  }
  // What it had open was sent, and may be billed in full.
  void crash(std::size_t i) {
    ++incarnations;
    all[i] = {holder_of(i, incarnations), {}};
  }
  Money held() const {
    Money sum;
    for (const Replica& replica : all) sum += replica.holder.headroom();
    return sum;
  }

  std::vector<Replica> all;
  std::deque<LeaseRequest> requests;
  std::deque<LeaseReply> replies;
  Money spent;
  std::uint64_t incarnations = 1;
};

// Goal: the script says what LeaseServer says, to the nanodollar, whatever the messages.
// Method: seeded schedules of four replicas whose messages are lost, repeated, delayed and
// reordered; time passes beyond leases, limits change, costs exceed what was reserved, and the
// ledger is restarted; both servers get every message, and every answer and book is compared.
// Amounts have scales up to where the limit is just within Money.
class Twins {
 public:
  Twins(ScriptedRedis& redis, std::uint64_t seed)
      : redis_(redis),
        random_(seed, 0),
        restarts_(random_.by_chance(500)),
        scale_(kScales[random_.index(std::size(kScales))]),
        budget_(budget_of(amount(1 + random_.some(2'000)))),
        // Without a word of what was stored, Redis presumes what this one would have stored.
        server_({.limit = budget_.limit, .chunk = budget_.limit}, {}, kStart) {
    redis_.begin();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
  }

  int granted = 0;

 private:
  static constexpr std::int64_t kScales[] = {1, 1'000, 999'999'999, 1'000'000'000,
                                             1'125'899'906'842'597};

  // Uneven below the scale, so that every digit counts.
  Money amount(std::int64_t number) {
    return Money(number * scale_ + (scale_ > 1 && number > 0 ? random_.some(scale_) : 0));
  }

  void step() {
    const std::size_t i = random_.index(replicas_.all.size());
    Replicas::Replica& replica = replicas_.all[i];
    switch (random_.some(9)) {
      case 0:
      case 1:
        return replicas_.reserve(i, amount(1 + random_.some(60)), redis_.now);
      case 2:
        if (replica.open.empty()) return;
        return replicas_.settle(i, cost_of(replica.open.back()));
      case 3:
      case 4:
        return replicas_.poll(i, redis_.now);
      case 5:
      case 6:
        if (!replicas_.requests.empty()) deliver_request();
        return;
      case 7:
        if (!replicas_.replies.empty()) deliver_reply();
        return;
      default:
        pass_time(i);
    }
  }

  Money cost_of(Money reserved) {
    if (random_.by_chance(200)) return Money();
    if (!restarts_ && random_.by_chance(100)) return reserved + amount(random_.some(5));
    return Money(reserved.count() / (1 + random_.some(3)));
  }

  void deliver_request() {
    const std::size_t which = random_.index(replicas_.requests.size());
    const LeaseRequest request = replicas_.requests[which];
    if (!random_.by_chance(150)) {
      replicas_.requests.erase(replicas_.requests.begin() + static_cast<std::ptrdiff_t>(which));
    }
    const RedisAnswer answer = redis_.handle(budget_, request, false);
    LeaseRequest twin = request;
    twin.generation = request.generation == 0 ? 0 : generations_.at(request.generation);
    const LeaseReply expected = server_.handle(twin, redis_.now).reply;
    generations_.emplace(answer.reply.generation, expected.generation);
    EXPECT_EQ(generations_.at(answer.reply.generation), expected.generation);
    EXPECT_EQ(answer.reply.replica, expected.replica);
    EXPECT_EQ(answer.reply.incarnation, expected.incarnation);
    EXPECT_EQ(answer.reply.sequence, expected.sequence);
    EXPECT_EQ(answer.reply.granted, expected.granted);
    EXPECT_EQ(answer.reply.hold_max, expected.hold_max);
    EXPECT_EQ(answer.reply.valid_for, expected.valid_for);
    EXPECT_EQ(answer.book.limit, server_.limit());
    EXPECT_EQ(answer.book.settled, server_.settled());
    EXPECT_EQ(answer.book.leased, server_.leased());
    EXPECT_EQ(answer.book.free, server_.free());
    EXPECT_EQ(answer.book.is_learning, server_.is_learning(redis_.now));
    granted += answer.reply.granted > Money() ? 1 : 0;
    used_ = answer.book.settled + answer.book.leased;
    if (!random_.by_chance(150)) replicas_.replies.push_back(answer.reply);
  }

  void deliver_reply() {
    const std::size_t which = random_.index(replicas_.replies.size());
    const LeaseReply reply = replicas_.replies[which];
    if (!random_.by_chance(150)) {
      replicas_.replies.erase(replicas_.replies.begin() + static_cast<std::ptrdiff_t>(which));
    }
    replicas_.all[reply.replica].holder.receive(reply, redis_.now);
  }

  // Now and then beyond a lease, or to its very end.
  Duration step_of_time() {
    if (!random_.by_chance(80)) return microseconds(random_.some(400'000));
    if (random_.by_chance(300)) return budget_.lease;
    return microseconds(5'000'000 + random_.some(8'000'000));
  }

  void pass_time(std::size_t i) {
    redis_.now += step_of_time();
    if (random_.by_chance(30)) replicas_.crash(i);
    if (restarts_ && used_ > Money() && random_.by_chance(30)) {
      redis_.restart(0);
      server_ = LeaseServer({.limit = budget_.limit, .chunk = budget_.limit},
                            {.generation = ++restarted_, .committed = budget_.limit}, redis_.now);
      // The script notices with the next message; whose, does not matter.
      LeaseRequest nobody;
      nobody.generation = generations_.begin()->first;
      const RedisAnswer answer = redis_.handle(budget_, nobody, false);
      generations_.emplace(answer.reply.generation, restarted_ + 1);
    } else if (!restarts_ && random_.by_chance(30)) {
      budget_.limit = amount(random_.some(2'000));
      ++budget_.version;
      server_.set_limit(budget_.limit);
    }
  }

  ScriptedRedis& redis_;
  Randomness random_;
  bool restarts_;  // Else limits change, and there are debts.
  std::int64_t scale_;
  RedisBudget budget_;
  LeaseServer server_;
  Replicas replicas_{4};
  std::map<std::uint64_t, std::uint64_t> generations_;  // Redis's, the other's.
  std::uint64_t restarted_ = 0;
  Money used_;
};

TEST(LeaseScriptTest, SaysWhatLeaseServerSays) {
  SKIP_WITHOUT_REDIS();
  ScriptedRedis redis;
  int granted = 0;
  for (std::uint64_t seed = 0; seed < kSchedules && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Twins twins(redis, seed);
    twins.run(300);
    granted += twins.granted;
  }
  EXPECT_GT(granted, static_cast<int>(kSchedules) * 5);
}

// Goal: a Redis that may lose the end of its story overspends nothing either.
// Method: as above, without the twin; at any step Redis goes back to a state that it had before,
// under a new run id, several times over; replicas crash.
class Losses {
 public:
  Losses(ScriptedRedis& redis, std::uint64_t seed)
      : redis_(redis), random_(seed, 1), budget_(budget_of(Money(1 + random_.some(1'500)))) {
    redis_.begin();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      ASSERT_LE(replicas_.spent + replicas_.held(), budget_.limit) << "step " << i;
    }
  }

  Money spent() const { return replicas_.spent; }
  Money limit() const { return budget_.limit; }

 private:
  void step() {
    const std::size_t i = random_.index(replicas_.all.size());
    Replicas::Replica& replica = replicas_.all[i];
    switch (random_.some(8)) {
      case 0:
      case 1:
        return replicas_.reserve(i, Money(1 + random_.some(60)), redis_.now);
      case 2:
        if (replica.open.empty()) return;
        return replicas_.settle(i, Money(random_.some(replica.open.back().count() + 1)));
      case 3:
        return replicas_.poll(i, redis_.now);
      case 4:
      case 5:
        if (!replicas_.requests.empty()) deliver_request();
        return;
      case 6:
        if (!replicas_.replies.empty()) deliver_reply();
        return;
      default:
        pass_time(i);
    }
  }

  void deliver_request() {
    const std::size_t which = random_.index(replicas_.requests.size());
    const LeaseRequest request = replicas_.requests[which];
    if (!random_.by_chance(100)) {
      replicas_.requests.erase(replicas_.requests.begin() + static_cast<std::ptrdiff_t>(which));
    }
    const RedisAnswer answer = redis_.handle(budget_, request, false);
    if (!is_saved_ || random_.by_chance(200)) redis_.save(budget_);
    is_saved_ = true;
    if (!random_.by_chance(100)) replicas_.replies.push_back(answer.reply);
  }

  void deliver_reply() {
    const std::size_t which = random_.index(replicas_.replies.size());
    const LeaseReply reply = replicas_.replies[which];
    replicas_.replies.erase(replicas_.replies.begin() + static_cast<std::ptrdiff_t>(which));
    replicas_.all[reply.replica].holder.receive(reply, redis_.now);
  }

  void pass_time(std::size_t i) {
    redis_.now += microseconds(random_.by_chance(150) ? 5'000'000 + random_.some(8'000'000)
                                                      : random_.some(800'000));
    if (random_.by_chance(40)) replicas_.crash(i);
    if (!is_saved_ || !random_.by_chance(40)) return;
    redis_.lose(budget_);
    redis_.restart(0);
  }

  ScriptedRedis& redis_;
  Randomness random_;
  RedisBudget budget_;
  Replicas replicas_{6};
  bool is_saved_ = false;
};

TEST(LeaseScriptTest, ALostTailOverspendsNothing) {
  SKIP_WITHOUT_REDIS();
  ScriptedRedis redis;
  int exhausted = 0;
  for (std::uint64_t seed = 0; seed < kSchedules && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Losses losses(redis, seed);
    losses.run(400);
    if (losses.spent() + losses.spent() > losses.limit()) ++exhausted;
  }
  EXPECT_GT(exhausted, static_cast<int>(kSchedules) / 10);
}

// Carries one request of a replica that wants money, and the answer.
RedisAnswer refill(ScriptedRedis& redis, const RedisBudget& budget, LeaseHolder& holder,
                   Money amount, bool keeps_all) {
  redis.now += seconds(1);
  (void)holder.reserve(amount, redis.now);
  RedisAnswer answer;
  for (int round = 0; round < 3; ++round) {
    const auto request = holder.poll(redis.now);
    if (!request) break;
    answer = redis.handle(budget, *request, keeps_all);
    holder.receive(answer.reply, redis.now);
  }
  return answer;
}

TEST(LeaseScriptTest, ABookThatIsGoneIsMissedByWhoeverKnewIt) {
  SKIP_WITHOUT_REDIS();
  for (const bool fresh_one_comes_first : {false, true}) {
    ScriptedRedis redis;
    const RedisBudget budget = budget_of(Money(1'000));
    redis.save(budget);  // Nothing yet.
    LeaseHolder old = holder_of(1);
    LeaseHolder fresh = holder_of(2);
    refill(redis, budget, old, Money(600), false);
    ASSERT_EQ(old.headroom(), Money(600));
    redis.lose(budget);
    redis.restart(0);
    if (fresh_one_comes_first) {
      const RedisAnswer answer = refill(redis, budget, fresh, Money(500), false);
      EXPECT_TRUE(answer.book.is_learning);
      EXPECT_EQ(fresh.headroom(), Money());
    }
    refill(redis, budget, old, Money(601), false);
    redis.now += seconds(11);
    const RedisAnswer answer = refill(redis, budget, fresh, Money(500), false);
    EXPECT_FALSE(answer.book.is_learning);
    EXPECT_EQ(fresh.headroom(), Money());
    EXPECT_EQ(answer.book.settled + answer.book.leased, Money(1'000));
  }
}

TEST(LeaseScriptTest, ARestartOfOneThatKeepsEveryWriteChangesNothing) {
  SKIP_WITHOUT_REDIS();
  ScriptedRedis redis;
  const RedisBudget budget = budget_of(Money(1'000));
  LeaseHolder one = holder_of(1);
  LeaseHolder other = holder_of(2);
  refill(redis, budget, one, Money(600), true);
  const std::uint64_t generation = one.generation();
  redis.restart(0);
  refill(redis, budget, other, Money(400), true);
  EXPECT_EQ(other.headroom(), Money(400));
  EXPECT_EQ(other.generation(), generation);
}

TEST(LeaseScriptTest, ARaiseThatWasLostIsPresumedSpentToo) {
  SKIP_WITHOUT_REDIS();
  ScriptedRedis redis;
  RedisBudget before = budget_of(Money(100));
  RedisBudget after = budget_of(Money(200));
  after.version = 1;
  LeaseHolder lost = holder_of(1);
  LeaseHolder fresh = holder_of(2);
  refill(redis, before, lost, Money(10), false);
  redis.save(before);
  refill(redis, after, lost, Money(190), false);
  ASSERT_EQ(lost.headroom(), Money(190));
  redis.lose(before);
  redis.restart(0);
  for (const RedisBudget& budget : {before, after}) refill(redis, budget, fresh, Money(50), false);
  redis.now += seconds(11);
  const RedisAnswer answer = refill(redis, after, fresh, Money(50), false);
  EXPECT_EQ(fresh.headroom(), Money());
  EXPECT_EQ(answer.book.free, Money());
}

}  // namespace
}  // namespace fare
