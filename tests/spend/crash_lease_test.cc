// Goal: whatever is lost, repeated, reordered or crashes at whatever step of the lease protocol, in
// small configurations: strict overspend is 0, and the books balance after every step.
// Method: exhaustive.  From several beginnings, every sequence of so many steps is taken; a state
// is all of both sides, their storage and the network, compared in full, and entered once.

#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "fare/lease.h"

namespace fare {
namespace {

using std::chrono::seconds;

// Sanitizers are slow; what they look for is there in fewer.
#ifdef NDEBUG
constexpr int kDepth = 6;
#else
constexpr int kDepth = 4;
#endif

const Instant kStart = parse_instant("2026-11-23T00:00:00Z").value();
constexpr std::size_t kInFlightMax = 3;  // Messages of either kind.

LeaseHolder holder_of(std::uint32_t replica, std::uint64_t incarnation) {
  return LeaseHolder({.replica = replica, .incarnation = incarnation, .safe = Money(1)});
}

LeaseServer server_of(Money limit, LeaseServer::Durable stored, Instant now) {
  return LeaseServer({.limit = limit, .lease = seconds(10), .chunk = Money(1)}, stored, now);
}

// Two replicas, one server and its storage, and what is under way between them.
struct World {
  struct Replica {
    LeaseHolder holder;
    int open = 0;  // Reservations of one each.
    friend auto operator<=>(const Replica&, const Replica&) = default;
  };

  explicit World(Money most) : limit(most), server(server_of(most, {}, kStart)) {}

  Money limit;
  Instant now = kStart;
  std::uint64_t incarnations = 1;
  Money spent;  // In truth: what was admitted counts until it is settled for less.
  std::vector<Replica> replicas = {{holder_of(0, 1)}, {holder_of(1, 1)}};
  LeaseServer::Durable stored;
  LeaseServer server;
  std::vector<LeaseRequest> requests;  // Sorted: a network has no order.
  std::vector<LeaseReply> replies;

  friend auto operator<=>(const World&, const World&) = default;

  bool reserve(std::size_t i) {
    if (!replicas[i].holder.reserve(Money(1), now)) return false;
    replicas[i].open += 1;
    spent += Money(1);
    return true;
  }
  void settle(std::size_t i, Money cost) {
    replicas[i].holder.settle(Money(1), cost);
    replicas[i].open -= 1;
    spent += cost - Money(1);
  }
  bool poll(std::size_t i) {
    const auto request = replicas[i].holder.poll(now);
    if (!request || requests.size() == kInFlightMax) return false;
    requests.insert(std::upper_bound(requests.begin(), requests.end(), *request), *request);
    return true;
  }
  void crash_replica(std::size_t i) {
    incarnations += 1;
    replicas[i] = {holder_of(static_cast<std::uint32_t>(i), incarnations)};
  }
  void crash_server() { server = server_of(limit, stored, now); }

  enum class Server { kLives, kCrashesBeforeStoring, kCrashesBeforeSending };
  bool deliver_request(std::size_t which, bool keep, Server fate) {
    const LeaseRequest request = requests[which];
    if (!keep) requests.erase(requests.begin() + static_cast<std::ptrdiff_t>(which));
    const LeaseServer::Answer answer = server.handle(request, now);
    if (fate == Server::kCrashesBeforeStoring) return crash_server(), true;
    if (answer.store_first) stored = *answer.store_first;
    if (fate == Server::kCrashesBeforeSending) return crash_server(), true;
    if (replies.size() == kInFlightMax) return false;
    replies.insert(std::upper_bound(replies.begin(), replies.end(), answer.reply), answer.reply);
    return true;
  }
  void deliver_reply(std::size_t which, bool keep) {
    const LeaseReply reply = replies[which];
    if (!keep) replies.erase(replies.begin() + static_cast<std::ptrdiff_t>(which));
    replicas[reply.replica].holder.receive(reply, now);
  }

  // Empty, or what does not hold.
  std::string broken() const {
    if (spent > limit) return "overspent";
    if (server.settled() + server.leased() + server.free() != limit) return "the server's books";
    if (server.free() < Money() || server.leased() < Money()) return "a negative sum";
    Money held;
    for (const Replica& replica : replicas) {
      const LeaseHolder& holder = replica.holder;
      if (holder.reserved() != Money(replica.open)) return "a replica's books";
      if (holder.headroom() < Money()) return "a negative headroom";
      held += holder.headroom();
    }
    // What is not spent yet, but could be without another word, fits as well.
    if (spent + held > limit) return "can be overspent";
    return "";
  }
};

// All steps that are possible in a world, each as the world after it.
std::vector<World> next_of(const World& world) {
  std::vector<World> all;
  const auto step = [&](auto&& change) {
    World next = world;
    if (change(next)) all.push_back(std::move(next));
  };
  const auto always = [&](auto&& change) { step([&](World& w) { return change(w), true; }); };
  for (std::size_t i = 0; i < world.replicas.size(); ++i) {
    always([&](World& w) { (void)w.reserve(i); });  // A refusal changes what it asks for.
    if (world.replicas[i].open > 0) {
      always([&](World& w) { w.settle(i, Money(0)); });
      always([&](World& w) { w.settle(i, Money(1)); });
    }
    step([&](World& w) { return w.poll(i); });
    always([&](World& w) { w.replicas[i].holder.give_back(); });
    always([&](World& w) { w.crash_replica(i); });
  }
  for (std::size_t m = 0; m < world.requests.size(); ++m) {
    using Server = World::Server;
    step([&](World& w) { return w.deliver_request(m, false, Server::kLives); });
    step([&](World& w) { return w.deliver_request(m, true, Server::kLives); });  // Repeated.
    step([&](World& w) { return w.deliver_request(m, false, Server::kCrashesBeforeStoring); });
    step([&](World& w) { return w.deliver_request(m, false, Server::kCrashesBeforeSending); });
    always([&](World& w) { w.requests.erase(w.requests.begin() + static_cast<long>(m)); });
  }
  for (std::size_t m = 0; m < world.replies.size(); ++m) {
    always([&](World& w) { w.deliver_reply(m, false); });
    always([&](World& w) { w.deliver_reply(m, true); });
    always([&](World& w) { w.replies.erase(w.replies.begin() + static_cast<long>(m)); });
  }
  always([&](World& w) { w.crash_server(); });
  always([&](World& w) { w.now += seconds(1); });
  always([&](World& w) {  // Beyond a lease: it is written off, a restarted server has learned.
    w.now += seconds(11);
    w.server.expire(w.now);
  });
  return all;
}

// Every world that `depth` steps can lead to; how many there are.
std::size_t explore(const World& begin, int depth) {
  std::set<World> seen = {begin};
  std::vector<std::set<World>::const_iterator> level = {seen.begin()};
  for (int step = 0; step < depth && !testing::Test::HasFailure(); ++step) {
    std::vector<std::set<World>::const_iterator> next_level;
    for (const auto& world : level) {
      for (World& next : next_of(*world)) {
        EXPECT_EQ(next.broken(), "") << "at step " << step + 1;
        if (testing::Test::HasFailure()) return seen.size();
        const auto [at, is_new] = seen.insert(std::move(next));
        if (is_new) next_level.push_back(at);
      }
    }
    level = std::move(next_level);
  }
  return seen.size();
}

// A poll and its answer, undisturbed, of a replica that wants money.
void exchange(World& world, std::size_t i) {
  world.now += seconds(1);
  (void)world.reserve(i);
  ASSERT_TRUE(world.poll(i));
  ASSERT_TRUE(world.deliver_request(0, false, World::Server::kLives));
  world.deliver_reply(0, false);
}

struct Beginning {
  const char* name;
  std::int64_t limit;
  std::function<void(World&)> prepare;
  std::size_t states;  // At least so many are there to be entered.
};

class CrashLeaseTest : public testing::TestWithParam<Beginning> {};

TEST_P(CrashLeaseTest, NoSequenceOfStepsOverspends) {
  World world(Money(GetParam().limit));
  GetParam().prepare(world);
  ASSERT_EQ(world.broken(), "");
  const std::size_t states = explore(world, kDepth);
  RecordProperty("states", static_cast<int>(states));
#ifdef NDEBUG
  EXPECT_GE(states, GetParam().states);
#endif
}

// What a replica gave back another one has spent, and is gone; the server restarted and has
// learned.  Under way is still a report from before all that, by which the money is not given back.
void leave_a_stale_report(World& world) {
  exchange(world, 0);
  world.now += seconds(1);
  (void)world.replicas[0].holder.reserve(Money(2), world.now);
  ASSERT_TRUE(world.poll(0));
  ASSERT_EQ(world.requests[0].returned, Money());
  world.replicas[0].holder.give_back();
  world.now += seconds(1);
  ASSERT_TRUE(world.poll(0));
  ASSERT_TRUE(world.deliver_request(1, false, World::Server::kLives));
  world.deliver_reply(0, false);
  const LeaseRequest stale = world.requests[0];
  world.requests.clear();
  exchange(world, 1);
  ASSERT_TRUE(world.reserve(1));
  world.settle(1, Money(1));
  world.crash_replica(1);
  world.crash_server();
  world.now += seconds(11);
  world.requests = {stale};
}

const Beginning kBeginnings[] = {
    {"Fresh", 1, [](World&) {}, 120'000},
    {"OneHolds", 1, [](World& w) { exchange(w, 0); }, 160'000},
    {"BothHoldAndOneSpent", 2,
     [](World& w) {
       exchange(w, 0);
       exchange(w, 1);
       if (w.reserve(0)) w.settle(0, Money(1));
     },
     179'000},
    {"AStaleReport", 1, leave_a_stale_report, 299'000},
};

INSTANTIATE_TEST_SUITE_P(From, CrashLeaseTest, testing::ValuesIn(kBeginnings),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace fare
