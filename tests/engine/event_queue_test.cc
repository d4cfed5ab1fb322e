#include "engine/event_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace routesim {
namespace {

// Goal: events come in the order of (time, scheduling), whatever mix of calls made them.
// Method: seeded random walks against an ordered map with the same key.
TEST(EventQueueTest, AgreesWithAnOrderedMap) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream random(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
    EventQueue queue;
    std::map<std::pair<std::int64_t, std::uint64_t>, Event> model;
    std::uint64_t sequence = 0;
    for (int step = 0; step < 3'000; ++step) {
      // Few distinct times, so that ties are common.
      const Event event{fare::Duration(static_cast<std::int64_t>(random.below(20))),
                        static_cast<std::uint32_t>(random.below(EventQueue::kKinds)),
                        static_cast<std::uint32_t>(random.below(EventQueue::kSlots))};
      const std::uint64_t dice = random.below(3);
      if (!model.empty() && dice > 0) model.erase(model.begin());
      if (dice < 2 || model.empty()) model[{event.at.count(), sequence++}] = event;
      if (queue.empty() || dice == 0) {
        queue.push(event);
      } else if (dice == 1) {
        queue.replace_top(event);
      } else {
        queue.pop();
        if (queue.size() + 1 == model.size()) queue.push(event);
      }
      ASSERT_EQ(queue.size(), model.size());
      const Event& expected = model.begin()->second;
      ASSERT_EQ(queue.top().at, expected.at);
      ASSERT_EQ(queue.top().kind, expected.kind);
      ASSERT_EQ(queue.top().slot, expected.slot);
    }
  }
}

TEST(EventQueueTest, HoldsTheLargestTimes) {
  EventQueue queue;
  queue.push({fare::Duration::max(), EventQueue::kKinds - 1, EventQueue::kSlots - 1});
  queue.push({fare::Duration(0), 0, 0});
  EXPECT_EQ(queue.top().at, fare::Duration(0));
  queue.pop();
  EXPECT_EQ(queue.top().at, fare::Duration::max());
  EXPECT_EQ(queue.top().kind, EventQueue::kKinds - 1);
  EXPECT_EQ(queue.top().slot, EventQueue::kSlots - 1);
}

TEST(EventQueueDeathTest, RefusesWhatItCannotHold) {
  EventQueue queue;
  EXPECT_DEATH(queue.push({fare::Duration(-1), 0, 0}), "check failed");
  EXPECT_DEATH(queue.push({fare::Duration(0), EventQueue::kKinds, 0}), "check failed");
  EXPECT_DEATH(queue.push({fare::Duration(0), 0, EventQueue::kSlots}), "check failed");
}

}  // namespace
}  // namespace routesim
