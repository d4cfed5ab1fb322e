// Goal: every policy evicts what it says.  Method: each is compared, request by request, with a
// slow model written straight from its definition, on random small trees of prompts.

#include "fare/block_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "allocations.h"
#include "base/random.h"
#include "cache/fixture.h"

namespace fare {
namespace {

using Requests = std::vector<Names>;

constexpr Eviction kAll[] = {Eviction::kNone,   Eviction::kLruFlat, Eviction::kLruLeaf,
                             Eviction::kLruRev, Eviction::kFifo,    Eviction::kLfu,
                             Eviction::kOptimal};

Requests random_requests(std::uint64_t seed, std::size_t count, std::uint64_t depth_max,
                         Names (*path)(RandomStream&, std::uint64_t) = random_path) {
  const RandomKey key(seed, 0, Purpose::kTest);
  Requests requests;
  for (std::size_t i = 0; i < count; ++i) {
    RandomStream random(key, i);
    requests.push_back(path(random, depth_max));
  }
  return requests;
}

// The slow model: everything is a scan over a map.
class Model {
 public:
  Model(Eviction eviction, std::size_t blocks_max, const Requests& requests)
      : eviction_(eviction), max_(blocks_max), requests_(requests) {}

  std::size_t use(std::size_t request) {
    now_ = request;
    const Names& names = requests_[request];
    std::size_t hits = 0;
    while (hits < names.size() && cached_.contains(names[hits])) ++hits;
    if (eviction_ == Eviction::kLruLeaf || eviction_ == Eviction::kOptimal) {
      use_tree(names, hits);
    } else if (eviction_ == Eviction::kLruRev) {
      for (auto name = names.rbegin(); name != names.rend(); ++name) touch(*name);
      while (cached_.size() > max_) evict([](const Block& b) { return b.touched; });
    } else {
      for (const std::uint64_t name : names) use_flat(name);
    }
    return hits;
  }

  std::size_t size() const { return cached_.size(); }

 private:
  struct Block {
    std::size_t came = 0;
    std::size_t touched = 0;  // Number of the touch.
    std::size_t count = 0;
    std::size_t request = 0;  // That touched it last.
    std::uint64_t parent = 0;
  };

  void touch(std::uint64_t name) {
    Block& block = cached_[name];
    if (block.count++ == 0) block.came = touches_;
    block.touched = touches_++;
    block.request = now_;
  }

  void use_flat(std::uint64_t name) {
    if (!cached_.contains(name) && cached_.size() == max_ && eviction_ != Eviction::kNone) {
      if (eviction_ == Eviction::kFifo) {
        evict([](const Block& b) { return b.came; });
      } else if (eviction_ == Eviction::kLruFlat) {
        evict([](const Block& b) { return b.touched; });
      } else {
        evict([](const Block& b) { return std::pair(b.count, b.touched); });
      }
    }
    touch(name);
  }

  template <class Key>
  void evict(const Key& key) {
    cached_.erase(std::min_element(cached_.begin(), cached_.end(), [&](auto& a, auto& b) {
      return key(a.second) < key(b.second);
    }));
  }

  bool is_leaf(std::uint64_t name) const {
    return std::none_of(cached_.begin(), cached_.end(),
                        [&](auto& entry) { return entry.second.parent == name; });
  }

  std::size_t next_use(std::uint64_t name) const {
    for (std::size_t i = now_ + 1; i < requests_.size(); ++i) {
      if (std::count(requests_[i].begin(), requests_[i].end(), name) > 0) return i;
    }
    return requests_.size();
  }

  // The leaf to go, never the node that is being extended.
  std::optional<std::uint64_t> victim(std::uint64_t parent) const {
    std::optional<std::uint64_t> best;
    for (const auto& [name, block] : cached_) {
      if (name == parent || !is_leaf(name)) continue;
      if (!best || goes_before(name, *best)) best = name;
    }
    return best;
  }

  bool goes_before(std::uint64_t a, std::uint64_t b) const {
    if (eviction_ == Eviction::kOptimal) return next_use(a) > next_use(b);
    const Block& x = cached_.at(a);
    const Block& y = cached_.at(b);
    return std::tuple(x.request, x.came) < std::tuple(y.request, y.came);
  }

  void use_tree(const Names& names, std::size_t hits) {
    for (std::size_t i = 0; i < hits; ++i) touch(names[i]);
    std::uint64_t parent = hits > 0 ? names[hits - 1] : 0;
    for (std::size_t i = hits; i < names.size(); ++i) {
      const bool oracle = eviction_ == Eviction::kOptimal;
      if (oracle && next_use(names[i]) == requests_.size()) return;
      if (cached_.size() == max_) {
        const std::optional<std::uint64_t> gone = victim(parent);
        if (!gone || (oracle && next_use(*gone) <= next_use(names[i]))) return;
        cached_.erase(*gone);
      }
      touch(names[i]);
      cached_[names[i]].parent = parent;
      parent = names[i];
    }
  }

  Eviction eviction_;
  std::size_t max_;
  const Requests& requests_;
  std::map<std::uint64_t, Block> cached_;
  std::size_t touches_ = 1;
  std::size_t now_ = 0;
};

struct Lists {
  explicit Lists(const Requests& requests) {
    for (const Names& names : requests) runs.push_back(runs_of(names));
    for (const auto& list : runs) lists.emplace_back(list);
  }
  std::vector<std::vector<BlockRun>> runs;
  std::vector<BlockList> lists;
};

std::uint64_t total_hits(Eviction eviction, std::uint64_t blocks_max, const Lists& lists) {
  const auto cache = BlockCache::create({.eviction = eviction, .blocks_max = blocks_max});
  const Future future(lists.lists);
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < lists.lists.size(); ++i) {
    hits += cache->use(lists.lists[i], future.of(i));
  }
  return hits;
}

TEST(BlockCacheTest, EveryPolicyEvictsAsItsSlowModel) {
  for (const Eviction eviction : kAll) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const std::size_t blocks_max = 1 + seed % 13;
      SCOPED_TRACE(testing::Message() << to_string(eviction) << " seed=" << seed);
      const Requests requests = random_requests(seed, 120, 7);
      const Lists lists(requests);
      const Future future(lists.lists);
      const auto cache = BlockCache::create({.eviction = eviction, .blocks_max = blocks_max});
      Model model(eviction, blocks_max, requests);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        cache->fetch(lists.lists[i]);
        cache->fetch_found(lists.lists[i]);
        const std::uint64_t match = cache->match(lists.lists[i]);
        const std::uint64_t hits = cache->use(lists.lists[i], future.of(i));
        ASSERT_EQ(match, hits);
        ASSERT_EQ(hits, model.use(i)) << "request " << i;
        ASSERT_EQ(cache->blocks(), model.size()) << "request " << i;
      }
    }
  }
}

// The list caches as they are told in a book: a list of single blocks, and where each of them is.
class ListModel {
 public:
  ListModel(Eviction eviction, std::size_t blocks_max) : eviction_(eviction), max_(blocks_max) {}

  std::size_t use(const Names& names) {
    std::size_t hits = 0;
    while (hits < names.size() && at_.contains(names[hits])) ++hits;
    if (eviction_ == Eviction::kLruFlat || eviction_ == Eviction::kFifo) {
      for (const std::uint64_t name : names) use_flat(name);
      return hits;
    }
    for (std::size_t i = hits; i-- > 0;) list_.splice(list_.end(), list_, at_[names[i]]);
    const auto after = hits > 0 ? at_[names[hits - 1]] : list_.end();
    for (std::size_t i = std::min(names.size(), max_); i-- > hits;) {
      if (at_.size() == max_) evict();
      at_[names[i]] = list_.insert(after, names[i]);
    }
    return hits;
  }

  std::size_t size() const { return at_.size(); }

 private:
  void evict() {
    at_.erase(list_.front());
    list_.pop_front();
  }

  void use_flat(std::uint64_t name) {
    const auto found = at_.find(name);
    if (found != at_.end()) {
      if (eviction_ == Eviction::kLruFlat) list_.splice(list_.end(), list_, found->second);
      return;
    }
    if (at_.size() == max_) evict();
    at_[name] = list_.insert(list_.end(), name);
  }

  Eviction eviction_;
  std::size_t max_;
  std::list<std::uint64_t> list_;
  std::map<std::uint64_t, std::list<std::uint64_t>::iterator> at_;
};

TEST(BlockCacheTest, StretchesOfBlocksAreEvictedAsSingleBlocksWouldBe) {
  for (const Eviction eviction :
       {Eviction::kLruFlat, Eviction::kFifo, Eviction::kLruRev, Eviction::kLruLeaf}) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      SCOPED_TRACE(testing::Message() << to_string(eviction) << " seed=" << seed);
      const std::size_t blocks_max = 1 + seed * seed / 4;
      const Requests requests =
          random_requests(seed, 1'500, 1 + seed, seed % 3 == 0 ? random_path : hashed_path);
      const Lists lists(requests);
      const auto cache = BlockCache::create({.eviction = eviction, .blocks_max = blocks_max});
      ListModel model(eviction, blocks_max);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        cache->fetch(lists.lists[i]);
        cache->fetch_found(lists.lists[i]);
        const std::uint64_t match = cache->match(lists.lists[i]);
        const std::uint64_t hits = cache->use(lists.lists[i]);
        ASSERT_EQ(match, hits) << "request " << i;
        ASSERT_EQ(hits, model.use(requests[i])) << "request " << i;
        ASSERT_EQ(cache->blocks(), model.size()) << "request " << i;
      }
    }
  }
}

// Mattson's inclusion: a bigger LRU holds all that a smaller one holds.
TEST(BlockCacheTest, MoreCapacityNeverMeansFewerHitsOfAnLru) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Lists lists(random_requests(100 + seed, 200, 8));
    for (const Eviction eviction :
         {Eviction::kLruFlat, Eviction::kLruLeaf, Eviction::kLruRev, Eviction::kOptimal}) {
      SCOPED_TRACE(testing::Message() << to_string(eviction) << " seed=" << seed);
      std::uint64_t before = 0;
      for (std::uint64_t blocks_max = 1; blocks_max <= 40; ++blocks_max) {
        const std::uint64_t hits = total_hits(eviction, blocks_max, lists);
        ASSERT_GE(hits, before) << blocks_max;
        before = hits;
      }
    }
  }
}

TEST(BlockCacheTest, NoPolicyBeatsTheOracleAndNoneTheBoundlessCache) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Lists lists(random_requests(200 + seed, 150, 8));
    const std::uint64_t blocks_max = 1 + seed % 30;
    const std::uint64_t best = total_hits(Eviction::kOptimal, blocks_max, lists);
    EXPECT_LE(best, total_hits(Eviction::kNone, 0, lists));
    for (const Eviction eviction : {Eviction::kLruLeaf, Eviction::kLruRev, Eviction::kLruFlat}) {
      EXPECT_LE(total_hits(eviction, blocks_max, lists), best) << to_string(eviction);
    }
  }
}

TEST(BlockCacheTest, HowAListIsCutIntoRunsMeansNothing) {
  const Requests requests = random_requests(3, 300, 8);
  const Lists lists(requests);
  for (const Eviction eviction : kAll) {
    const auto whole = BlockCache::create({.eviction = eviction, .blocks_max = 17});
    const auto single = BlockCache::create({.eviction = eviction, .blocks_max = 17});
    const Future future(lists.lists);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::vector<BlockRun> cut;
      for (const std::uint64_t name : requests[i]) cut.push_back({name, 1});
      ASSERT_EQ(whole->use(lists.lists[i], future.of(i)), single->use(cut, future.of(i)))
          << to_string(eviction) << " " << i;
    }
  }
}

// Names that break their rule (a block twice in a prompt, under two parents) must break nothing.
TEST(BlockCacheTest, NamesWithoutSenseAreSurvived) {
  const RandomKey key(11, 0, Purpose::kTest);
  std::vector<std::vector<BlockRun>> runs;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    RandomStream random(key, i);
    runs.emplace_back();
    for (std::uint64_t left = random.below(6); left > 0; --left) {
      runs.back().push_back({random.below(30), 1 + random.below(5)});
    }
  }
  std::vector<BlockList> lists(runs.begin(), runs.end());
  const Future future(lists);
  for (const Eviction eviction : kAll) {
    const auto cache = BlockCache::create({.eviction = eviction, .blocks_max = 9});
    for (std::size_t i = 0; i < lists.size(); ++i) {
      ASSERT_LE(cache->use(lists[i], future.of(i)), count_blocks(lists[i]));
      if (eviction == Eviction::kNone) continue;
      ASSERT_LE(cache->blocks(), 9u) << to_string(eviction);
    }
  }
}

TEST(BlockCacheTest, MatchingAllocatesNothingAndAFullCacheNeither) {
  const Lists lists(random_requests(5, 2'000, 9));
  const Future future(lists.lists);
  for (const Eviction eviction : kAll) {
    SCOPED_TRACE(to_string(eviction));
    const auto cache = BlockCache::create({.eviction = eviction, .blocks_max = 50});
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < lists.lists.size(); ++i) {
        cache->use(lists.lists[i], future.of(i));
      }
    }
    const bool is_heap = eviction == Eviction::kLfu || eviction == Eviction::kOptimal;
    const std::uint64_t before = allocations();
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < lists.lists.size(); ++i) {
      hits += cache->match(lists.lists[i]);
      if (!is_heap) hits += cache->use(lists.lists[i], future.of(i));
    }
    EXPECT_EQ(allocations(), before);
    EXPECT_GT(hits, 0u);
  }
}

TEST(BlockCacheTest, NamesOfPoliciesReadBack) {
  for (const Eviction eviction : kAll) EXPECT_EQ(parse_eviction(to_string(eviction)), eviction);
  const auto wrong = parse_eviction("lru-flta");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error()[0].message,
            "must be one of \"none\", \"lru-flat\", \"lru-leaf\", \"lru-rev\", \"fifo\", \"lfu\", "
            "\"optimal\", but is \"lru-flta\"; did you mean \"lru-flat\"?");
}

}  // namespace
}  // namespace fare
