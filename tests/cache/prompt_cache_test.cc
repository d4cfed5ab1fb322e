// Goal: each vendor's cache does what its documentation says.  Method: the examples of the
// documents themselves; and for all that lies between them, a slow model that knows blocks one by
// one.

#include "fare/prompt_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "allocations.h"
#include "base/random.h"
#include "cache/fixture.h"
#include "fare/cache_scope.h"

namespace fare {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kBlockTokens = 100;
constexpr std::uint8_t kFiveMinutes = 0;
constexpr std::uint8_t kOneHour = 1;

Instant at(Duration since) { return Instant(since); }

CacheRules rules_of(CacheUnit unit) {
  CacheRules rules;
  rules.unit = unit;
  rules.breakpoints_max = 4;
  rules.lookback = 20;
  rules.lifetimes = {{.name = "5m", .ttl = minutes(5), .ttl_max = minutes(5), .write_ppm = 1250000},
                     {.name = "1h", .ttl = hours(1), .ttl_max = hours(1), .write_ppm = 2000000}};
  rules.reads_count = false;
  return rules;
}

// A prompt of single blocks of 100 tokens, each a position, and 7 tokens behind the last.
struct Content {
  explicit Content(Names names, std::vector<CacheBreakpoint> points = {})
      : runs(runs_of(names)), breakpoints(std::move(points)) {
    for (std::uint64_t n = 1; n <= names.size(); ++n) {
      positions.push_back({n, Tokens(static_cast<std::int64_t>(n) * kBlockTokens)});
    }
    input = Tokens(static_cast<std::int64_t>(names.size()) * kBlockTokens + 7);
  }

  CachePrompt prompt(std::uint64_t scope = 0, std::uint8_t lifetime = 0) const {
    return {.scope = scope,
            .blocks = runs,
            .input = input,
            .block_tokens = Tokens(kBlockTokens),
            .minimum = minimum,
            .positions = positions,
            .breakpoints = breakpoints,
            .lifetime = lifetime,
            .life = life};
  }

  std::vector<BlockRun> runs;
  std::vector<CachePosition> positions;
  std::vector<CacheBreakpoint> breakpoints;
  Tokens input;
  Tokens minimum;
  double life = 0;
};

Names first(std::uint64_t count, std::uint64_t from = 1) {
  Names names;
  for (std::uint64_t i = 0; i < count; ++i) names.push_back(from + i);
  return names;
}

// Sends a prompt; its first token comes a second later.
CacheAnswer send(PromptCache& cache, const Content& content, Duration now) {
  const CacheAnswer answer = cache.begin(content.prompt(), at(now));
  cache.store(content.prompt(), at(now), at(now) + seconds(1));
  return answer;
}

std::int64_t read_of(const CacheAnswer& answer) { return answer.bill.read.count(); }

// Anthropic, "Lookback in a growing conversation".
TEST(PromptCacheTest, LooksBackTwentyPositionsAndNoFurther) {
  PromptCache cache(rules_of(CacheUnit::kBreakpoints));
  EXPECT_EQ(send(cache, Content(first(10)), seconds(0)).hit_blocks, 0u);
  EXPECT_EQ(send(cache, Content(first(15)), seconds(10)).hit_blocks, 10u);
  const Content content(first(35));
  EXPECT_EQ(cache.look_up(content.prompt(), at(seconds(20))).hit_blocks, 0u);
  // A second breakpoint at block 15 starts a second window there.
  const Content two(first(35), {{14, kFiveMinutes}, {34, kFiveMinutes}});
  EXPECT_EQ(cache.look_up(two.prompt(), at(seconds(20))).hit_blocks, 15u);
  // One block fewer, and the entry at 15 is the twentieth position.
  EXPECT_EQ(cache.look_up(Content(first(34)).prompt(), at(seconds(20))).hit_blocks, 15u);
}

// Anthropic, "Breakpoint on content that changes every request".
TEST(PromptCacheTest, FindsWhatWasWrittenNotWhatIsStable) {
  PromptCache cache(rules_of(CacheUnit::kBreakpoints));
  send(cache, Content({1, 2, 3, 4, 5, 100}), seconds(0));
  EXPECT_EQ(read_of(send(cache, Content({1, 2, 3, 4, 5, 200}), seconds(9))), 0);
  const auto moved = [](std::uint64_t last) {
    return Content({1, 2, 3, 4, 5, last}, {{4, kFiveMinutes}});
  };
  EXPECT_EQ(read_of(send(cache, moved(300), seconds(18))), 0);
  const CacheAnswer answer = send(cache, moved(400), seconds(27));
  EXPECT_EQ(read_of(answer), 500);
  EXPECT_EQ(answer.bill.plain, Tokens(107));
}

// Anthropic, "Mixing different TTLs": A is read, B - A written for an hour, C - B for five minutes.
TEST(PromptCacheTest, BillsThePositionsABAndC) {
  const Content content(first(10), {{2, kOneHour}, {5, kOneHour}, {8, kFiveMinutes}});
  const struct {
    std::string name;
    std::uint64_t warm;  // Blocks of an entry that is there.
    CacheBill bill;
  } cases[] = {
      {"no hit: A = 0, B = 600, C = 900",
       0,
       {.read = Tokens(0), .written = {Tokens(300), Tokens(600)}, .plain = Tokens(107)}},
      {"A = 300 at the first breakpoint",
       3,
       {.read = Tokens(300), .written = {Tokens(300), Tokens(300)}, .plain = Tokens(107)}},
      {"A = 700 behind the last hour: B = A",
       7,
       {.read = Tokens(700), .written = {Tokens(200), Tokens(0)}, .plain = Tokens(107)}},
      {"A = C: nothing is written", 9, {.read = Tokens(900), .written = {}, .plain = Tokens(107)}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    PromptCache cache(rules_of(CacheUnit::kBreakpoints));
    if (one.warm > 0) send(cache, Content(first(one.warm)), seconds(0));
    const CacheAnswer answer = cache.look_up(content.prompt(), at(seconds(9)));
    EXPECT_EQ(answer.problem, CacheProblem::kNone);
    EXPECT_EQ(answer.bill, one.bill);
    EXPECT_EQ(answer.bill.read + answer.bill.all_written() + answer.bill.plain, content.input);
    EXPECT_EQ(answer.limited, content.input - one.bill.read);
  }
}

TEST(PromptCacheTest, RefusesWhatTheVendorRefuses) {
  PromptCache cache(rules_of(CacheUnit::kBreakpoints));
  const auto problem = [&](std::vector<CacheBreakpoint> points) {
    return cache.look_up(Content(first(9), std::move(points)).prompt(), at(seconds(0))).problem;
  };
  EXPECT_EQ(problem({{0, 0}, {1, 0}, {2, 0}, {3, 0}}), CacheProblem::kNone);
  EXPECT_EQ(problem({{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}), CacheProblem::kTooManyBreakpoints);
  EXPECT_EQ(problem({{0, kFiveMinutes}, {1, kOneHour}}), CacheProblem::kShorterBeforeLonger);
  EXPECT_EQ(problem({{9, 0}}), CacheProblem::kNoSuchPosition);
  EXPECT_EQ(problem({{3, 0}, {3, 0}}), CacheProblem::kNoSuchPosition);
  EXPECT_EQ(problem({{3, 7}}), CacheProblem::kNoSuchPosition);
}

// "If a response takes 4 minutes to stream, a follow-up must start within about 1 minute."
TEST(PromptCacheTest, ALifetimeCountsFromTheStartOfTheRequestAndEveryRead) {
  PromptCache cache(rules_of(CacheUnit::kBreakpoints));
  const Content content(first(4));
  cache.store(content.prompt(), at(seconds(0)), at(minutes(1)));
  EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(minutes(5)))), 400);
  EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(minutes(5)) + Duration(1))), 0);
  EXPECT_EQ(read_of(cache.begin(content.prompt(), at(minutes(5)))), 400);
  EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(minutes(10)))), 400);
  EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(minutes(10)) + Duration(1))), 0);
}

TEST(PromptCacheTest, AnEntryCanBeReadOnceTheFirstAnswerBegins) {
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    PromptCache cache(rules_of(unit));
    const Content content(first(4));
    cache.store(content.prompt(), at(seconds(0)), at(seconds(3)));
    cache.store(content.prompt(), at(seconds(1)), at(seconds(4)));  // Sent meanwhile: no later.
    EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(seconds(3)) - Duration(1))), 0);
    EXPECT_GT(read_of(cache.look_up(content.prompt(), at(seconds(3)))), 0);
  }
}

TEST(PromptCacheTest, WhatIsTooShortIsSilentlyNotCached) {
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    PromptCache cache(rules_of(unit));
    Content content(first(10));
    content.minimum = Tokens(1'024);
    const CacheAnswer before = send(cache, content, seconds(0));
    EXPECT_EQ(before.bill.plain, content.input);
    EXPECT_EQ(read_of(send(cache, content, seconds(5))), 0);
    Content longer(first(11));
    longer.minimum = Tokens(1'024);
    EXPECT_GT(send(cache, longer, seconds(10)).bill.written[0], Tokens(0));
    EXPECT_GT(read_of(send(cache, longer, seconds(15))), 1'024);
  }
}

TEST(PromptCacheTest, ScopesShareNothing) {
  const CacheRules by_workspace = [] {
    CacheRules rules = rules_of(CacheUnit::kAnyPrefix);
    rules.scope = kScopeWorkspace | kScopeModel;
    return rules;
  }();
  const auto scope = [&](const char* organisation, const char* workspace, const char* model) {
    return cache_scope(by_workspace, {.organisation = organisation,
                                      .workspace = workspace,
                                      .region = {},
                                      .model = model,
                                      .cache_key = {}});
  };
  EXPECT_EQ(scope("a", "w", "m"), scope("b", "w", "m"));
  EXPECT_NE(scope("a", "w", "m"), scope("a", "x", "m"));
  EXPECT_NE(scope("a", "w", "m"), scope("a", "w", "n"));
  EXPECT_NE(scope("a", "w", "m"), scope("a", "m", "w"));
  PromptCache cache(by_workspace);
  const Content content(first(4));
  cache.store(content.prompt(1), at(seconds(0)), at(seconds(1)));
  EXPECT_EQ(read_of(cache.look_up(content.prompt(1), at(seconds(2)))), 400);
  EXPECT_EQ(read_of(cache.look_up(content.prompt(2), at(seconds(2)))), 0);
}

// OpenAI before 5.5: any prefix, from 1,024 tokens on, reported in steps of 128.
TEST(PromptCacheTest, AnyPrefixIsRoundedDownToItsStep) {
  CacheRules rules = rules_of(CacheUnit::kAnyPrefix);
  rules.step = Tokens(128);
  PromptCache cache(rules);
  send(cache, Content(first(30)), seconds(0));
  const auto read = [&](std::uint64_t shared) {
    Names names = first(shared);
    for (std::uint64_t i = 0; i < 5; ++i) names.push_back(1'000 + shared * 10 + i);
    Content content(names);
    content.minimum = Tokens(1'024);
    return cache.look_up(content.prompt(), at(seconds(9)));
  };
  EXPECT_EQ(read_of(read(10)), 0);  // 1,000 tokens.
  EXPECT_EQ(read_of(read(11)), 1'024);
  EXPECT_EQ(read(11).hit_blocks, 10u);
  EXPECT_EQ(read_of(read(12)), 1'152);
  EXPECT_EQ(read_of(read(30)), 2'944);
}

// DeepSeek, examples 1 and 2.
TEST(PromptCacheTest, AUnitIsReadWholeAndACommonPrefixFromTheThirdRequestOn) {
  CacheRules rules = rules_of(CacheUnit::kUnits);
  rules.common_prefixes = true;
  const Content a_b({1, 2, 3, 11, 12});
  const Content a_b_c({1, 2, 3, 11, 12, 13, 14});
  const Content a_c({1, 2, 3, 21});
  const Content a_d({1, 2, 3, 31, 32});
  {
    PromptCache cache(rules);
    EXPECT_EQ(send(cache, a_b, seconds(0)).hit_blocks, 0u);
    EXPECT_EQ(send(cache, a_b_c, seconds(9)).hit_blocks, 5u);
  }
  PromptCache cache(rules);
  EXPECT_EQ(send(cache, a_b, seconds(0)).hit_blocks, 0u);
  EXPECT_EQ(send(cache, a_c, seconds(9)).hit_blocks, 0u);
  EXPECT_EQ(send(cache, a_d, seconds(18)).hit_blocks, 3u);
}

// The end of an answer is a unit too: store() is told the answer's blocks.
TEST(PromptCacheTest, AnAnswerEndsAUnit) {
  PromptCache cache(rules_of(CacheUnit::kUnits));
  send(cache, Content(first(3)), seconds(0));
  cache.store(Content(first(5)).prompt(), at(seconds(0)), at(seconds(4)));
  EXPECT_EQ(cache.look_up(Content(first(8)).prompt(), at(seconds(9))).hit_blocks, 5u);
  EXPECT_EQ(cache.look_up(Content(first(4)).prompt(), at(seconds(9))).hit_blocks, 3u);
}

TEST(PromptCacheTest, LongPromptsLeaveAUnitEveryInterval) {
  CacheRules rules = rules_of(CacheUnit::kUnits);
  rules.interval = Tokens(400);
  PromptCache cache(rules);
  send(cache, Content(first(10)), seconds(0));
  for (const auto& [shared, hit] :
       std::map<std::uint64_t, std::uint64_t>{{3, 0}, {4, 4}, {7, 4}, {8, 8}, {9, 8}, {10, 10}}) {
    Names names = first(shared);
    names.push_back(500 + shared);
    EXPECT_EQ(cache.look_up(Content(names).prompt(), at(seconds(9))).hit_blocks, hit) << shared;
  }
}

TEST(PromptCacheTest, MoreThanItsRateSpillsToAColdMachine) {
  MachineSpread spread(15);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(spread.place(7, at(seconds(i))), 0u);
  EXPECT_EQ(spread.place(7, at(seconds(20))), 1u);
  EXPECT_EQ(spread.place(8, at(seconds(20))), 0u);
  EXPECT_EQ(spread.place(7, at(seconds(60))), 0u);
  MachineSpread one(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.place(7, at(seconds(0))), 0u);
}

TEST(PromptCacheTest, RulesMayCountFromTheFirstTokenAndIgnoreReads) {
  const Content content(first(4));
  const auto read_at = [&](const PromptCache& cache, Duration now) {
    return read_of(cache.look_up(content.prompt(), at(now)));
  };
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    CacheRules rules = rules_of(unit);
    rules.clock_from_first_token = true;
    PromptCache late(rules);
    late.store(content.prompt(), at(seconds(0)), at(seconds(30)));
    EXPECT_GT(read_at(late, minutes(5) + seconds(30)), 0);
    EXPECT_EQ(read_at(late, minutes(5) + seconds(30) + Duration(1)), 0);

    rules = rules_of(unit);
    rules.refreshed_by_reads = false;
    PromptCache fixed(rules);
    fixed.store(content.prompt(), at(seconds(0)), at(seconds(1)));
    EXPECT_GT(read_of(fixed.begin(content.prompt(), at(minutes(4)))), 0);
    EXPECT_EQ(read_at(fixed, minutes(6)), 0) << static_cast<int>(unit);

    rules = rules_of(unit);
    rules.readable_at_once = true;
    PromptCache at_once(rules);
    at_once.store(content.prompt(), at(seconds(0)), at(seconds(30)));
    EXPECT_GT(read_at(at_once, seconds(0)), 0);
  }
}

// A read that was free keeps the lifetime that was paid for: an hour asked for later is not given.
TEST(PromptCacheTest, ReadingDoesNotBuyALongerLife) {
  PromptCache cache(rules_of(CacheUnit::kBreakpoints));
  const Content content(first(4));
  send(cache, content, seconds(0));
  const CachePrompt hour = content.prompt(0, kOneHour);
  EXPECT_EQ(cache.begin(hour, at(minutes(4))).bill.all_written(), Tokens(0));
  cache.store(hour, at(minutes(4)), at(minutes(4)));
  EXPECT_EQ(read_of(cache.look_up(hour, at(minutes(9)))), 400);
  EXPECT_EQ(read_of(cache.look_up(hour, at(minutes(10)))), 0);
}

// Goal: fetching ahead is safe whatever is known, and changes no answer.
TEST(PromptCacheTest, FetchingChangesNothing) {
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    PromptCache cache(rules_of(unit));
    const Content known(first(40));
    const Content unknown(first(3, 1'000));
    CachePrompt empty = known.prompt();
    empty.blocks = {};
    for (const bool is_stored : {false, true}) {
      if (is_stored) send(cache, known, seconds(0));
      const std::size_t entries = cache.entries();
      const CacheAnswer before = cache.look_up(known.prompt(), at(seconds(9)));
      EXPECT_EQ(read_of(before) > 0, is_stored);
      for (const CachePrompt& prompt : {known.prompt(), unknown.prompt(), empty}) {
        cache.fetch(prompt);
        cache.fetch_found(prompt);
      }
      EXPECT_EQ(cache.entries(), entries);
      EXPECT_EQ(cache.look_up(known.prompt(), at(seconds(9))).bill, before.bill);
    }
  }
}

// A breakpoint that names no lifetime has the prompt's, as the automatic one at the end.
TEST(PromptCacheTest, ABreakpointMayHaveThePromptsLifetime) {
  for (const std::uint8_t lifetime : {std::uint8_t{0}, std::uint8_t{kOneHour}}) {
    PromptCache cache(rules_of(CacheUnit::kBreakpoints));
    const Content content(first(4));
    CachePrompt prompt = content.prompt(0, lifetime);
    const CacheBreakpoint breakpoints[] = {
        {static_cast<std::uint32_t>(prompt.positions.size() - 1), kPromptLifetime}};
    prompt.breakpoints = breakpoints;
    const CacheAnswer answer = cache.begin(prompt, at(seconds(0)));
    EXPECT_EQ(answer.problem, CacheProblem::kNone);
    EXPECT_EQ(answer.bill.written[lifetime], answer.bill.all_written());
    EXPECT_GT(answer.bill.all_written(), Tokens(0));
    cache.store(prompt, at(seconds(0)), at(seconds(0)));
    EXPECT_EQ(read_of(cache.look_up(prompt, at(minutes(30)))) > 0, lifetime == kOneHour);
  }
}

TEST(PromptCacheTest, AnEntryLivesBetweenTheShortestAndTheLongest) {
  CacheRules rules = rules_of(CacheUnit::kAnyPrefix);
  rules.lifetimes[0].ttl_max = minutes(15);
  for (const double life : {0.0, 0.5, 1.0}) {
    PromptCache cache(rules);
    Content content(first(4));
    content.life = life;
    send(cache, content, seconds(0));
    const Duration span = minutes(5) + minutes(static_cast<int>(10 * life));
    EXPECT_GT(read_of(cache.look_up(content.prompt(), at(span))), 0);
    EXPECT_EQ(read_of(cache.look_up(content.prompt(), at(span) + Duration(1))), 0);
  }
}

// The slow model: one life for every block, or for every end that counts.
class Model {
 public:
  explicit Model(const CacheRules& rules) : rules_(rules) {}

  std::uint64_t hit(const Names& names, Instant now) const {
    std::uint64_t best = 0;
    for (std::uint64_t n = 1; n <= names.size(); ++n) {
      const auto found = lives_.find(names[n - 1]);
      const bool reads =
          found != lives_.end() && now <= found->second.expires && found->second.readable <= now;
      if (rules_.unit == CacheUnit::kAnyPrefix && !reads) break;
      const bool in_window = n + rules_.lookback > names.size();
      if (rules_.unit == CacheUnit::kBreakpoints && !in_window) continue;
      if (reads) best = n;
    }
    return best;
  }

  std::uint64_t begin(const Names& names, Instant now) {
    const std::uint64_t hits = hit(names, now);
    if (rules_.unit == CacheUnit::kAnyPrefix) {
      for (std::uint64_t i = 0; i < hits; ++i) extend(lives_[names[i]], now);
    } else if (hits > 0) {
      extend(lives_[names[hits - 1]], now);
    }
    for (std::uint64_t i = 0; i < hits && rules_.unit == CacheUnit::kUnits; ++i) {
      seen_[names[i]] = std::max(seen_[names[i]], now + ttl());
    }
    return hits;
  }

  void store(const Names& names, Instant now, Instant readable) {
    if (names.empty()) return;
    if (rules_.unit == CacheUnit::kBreakpoints) {
      Life& life = lives_[names.back()];
      if (now <= life.expires && life.readable <= now) return extend(life, now);
      return write(names.back(), now, readable);
    }
    std::uint64_t shared = 0;
    while (shared < names.size() && seen_.contains(names[shared]) && now <= seen_[names[shared]]) {
      ++shared;
    }
    for (const std::uint64_t name : names) {
      if (rules_.unit == CacheUnit::kAnyPrefix) write(name, now, readable);
      seen_[name] = std::max(seen_[name], now + ttl());
    }
    if (rules_.unit == CacheUnit::kAnyPrefix) return;
    if (rules_.common_prefixes && shared > 0) write(names[shared - 1], now, readable);
    write(names.back(), now, readable);
  }

 private:
  struct Life {
    Instant expires = Instant::min();
    Instant readable = Instant::max();
  };

  Duration ttl() const { return rules_.lifetimes[0].ttl; }
  void extend(Life& life, Instant now) const { life.expires = std::max(life.expires, now + ttl()); }

  void write(std::uint64_t name, Instant now, Instant readable) {
    Life& life = lives_[name];
    const bool alive = now <= life.expires;
    life.readable = alive ? std::min(life.readable, readable) : readable;
    life.expires = alive ? std::max(life.expires, now + ttl()) : now + ttl();
  }

  CacheRules rules_;
  std::map<std::uint64_t, Life> lives_;
  std::map<std::uint64_t, Instant> seen_;
};

CacheRules random_rules(RandomStream& random) {
  CacheRules rules = rules_of(static_cast<CacheUnit>(random.below(3)));
  rules.lookback = static_cast<std::uint32_t>(1 + random.below(6));
  rules.common_prefixes = random.below(2) == 0;
  const Duration ttl = seconds(1 + static_cast<std::int64_t>(random.below(60)));
  rules.lifetimes = {{.name = "x", .ttl = ttl, .ttl_max = ttl}};
  return rules;
}

// Returns how many blocks were hit.
std::uint64_t compare_with_model(std::uint64_t round, std::uint64_t depth_max,
                                 Names (*path)(RandomStream&, std::uint64_t)) {
  RandomStream random(RandomKey(17, 0, Purpose::kTest), round);
  const CacheRules rules = random_rules(random);
  PromptCache cache(rules);
  Model model(rules);
  Instant now{};
  std::uint64_t hits = 0;
  for (int step = 0; step < 120; ++step) {
    now += Duration(random.below(8'000'000'000));
    const Names names = path(random, depth_max);
    if (names.empty()) continue;
    const Content content(names);
    const std::uint64_t expected = model.hit(names, now);
    EXPECT_EQ(cache.look_up(content.prompt(), now).hit_blocks, expected) << "step " << step;
    EXPECT_EQ(cache.begin(content.prompt(), now).hit_blocks, model.begin(names, now));
    hits += expected;
    if (random.below(3) == 0) continue;  // The request fails: it has read, but it writes nothing.
    const Instant readable = now + Duration(random.below(9'000'000'000));
    cache.store(content.prompt(), now, readable);
    model.store(names, now, readable);
  }
  return hits;
}

TEST(PromptCacheTest, AnswersAsTheSlowModelDoes) {
  std::uint64_t hits = 0;
  for (std::uint64_t round = 0; round < 300 && !HasFailure(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    hits += compare_with_model(round, 10, random_path);
    hits += compare_with_model(round, 40, hashed_path);
  }
  EXPECT_GT(hits, 50'000u);
}

TEST(PromptCacheTest, ALongerLifeNeverMeansFewerHits) {
  const RandomKey key(18, 0, Purpose::kTest);
  for (std::uint64_t round = 0; round < 100; ++round) {
    RandomStream random(key, round);
    CacheRules rules = random_rules(random);
    std::vector<std::uint64_t> before(100, 0);
    for (const std::int64_t ttl : {2, 10, 40, 300}) {
      rules.lifetimes[0].ttl = rules.lifetimes[0].ttl_max = seconds(ttl);
      PromptCache cache(rules);
      RandomStream same(key, 1'000 + round);
      Instant now{};
      for (std::size_t step = 0; step < before.size(); ++step) {
        now += Duration(same.below(8'000'000'000));
        const Content content(random_path(same, 10));
        if (content.positions.empty()) continue;
        const std::uint64_t hit = cache.begin(content.prompt(), now).hit_blocks;
        cache.store(content.prompt(), now, now + seconds(1));
        // A common prefix is marked where prompts part, and that moves with what is remembered.
        if (rules.unit == CacheUnit::kUnits) continue;
        ASSERT_GE(hit, before[step]) << "round " << round << " step " << step << " ttl " << ttl;
        before[step] = hit;
      }
    }
  }
}

// Names that break their rule (a block twice in a prompt, under two parents) must break nothing.
TEST(PromptCacheTest, NamesWithoutSenseAreSurvived) {
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    CacheRules rules = rules_of(unit);
    rules.common_prefixes = true;
    PromptCache cache(rules);
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      RandomStream random(RandomKey(23, 0, Purpose::kTest), i);
      Names names;
      for (std::uint64_t left = 1 + random.below(20); left > 0; --left) {
        names.push_back(random.below(30));
      }
      const Content content(names);
      const Instant now = at(seconds(static_cast<std::int64_t>(i)));
      const CacheAnswer answer = cache.begin(content.prompt(i % 2), now);
      ASSERT_LE(answer.hit_blocks, names.size());
      ASSERT_EQ(answer.bill.read + answer.bill.all_written() + answer.bill.plain, content.input);
      cache.store(content.prompt(i % 2), now, now + seconds(1));
      ASSERT_LE(cache.entries(), 1'024u + 2 * 60u);
    }
  }
}

TEST(PromptCacheTest, LookingUpAllocatesNothing) {
  const RandomKey key(19, 0, Purpose::kTest);
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    PromptCache cache(rules_of(unit));
    std::vector<Content> contents;
    for (std::uint64_t i = 0; i < 500; ++i) {
      RandomStream random(key, i);
      contents.emplace_back(random_path(random, 40));
      if (contents.back().positions.empty()) contents.pop_back();
    }
    for (const Content& content : contents) send(cache, content, seconds(0));
    const std::uint64_t before = allocations();
    std::uint64_t hits = 0;
    for (const Content& content : contents) {
      hits += cache.look_up(content.prompt(), at(seconds(9))).hit_blocks;
    }
    EXPECT_EQ(allocations(), before);
    EXPECT_GT(hits, contents.size());
  }
}

TEST(PromptCacheTest, WhatDiedIsForgotten) {
  for (const CacheUnit unit : {CacheUnit::kAnyPrefix, CacheUnit::kBreakpoints, CacheUnit::kUnits}) {
    PromptCache cache(rules_of(unit));
    std::size_t most = 0;
    for (std::uint64_t i = 0; i < 50'000; ++i) {
      // Distinct prompts, 300 of them alive at a time.
      send(cache, Content(first(4, 1 + i * 100)), seconds(static_cast<std::int64_t>(i)));
      most = std::max(most, cache.entries());
    }
    EXPECT_LE(most, 2 * 301u + 1'024u);
    cache.clear();
    EXPECT_EQ(cache.entries(), 0u);
  }
}

}  // namespace
}  // namespace fare
