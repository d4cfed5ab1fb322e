// Goal: published hit rates, to the last digit.  Method: the reference counted by another program,
// for every policy, capacity and definition it holds.

#include "study/cache_replay.h"
#include "places.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "study/files.h"
#include "study/prompt_history.h"
#include "study/rules_replay.h"

namespace routesim {
namespace {

using Json = nlohmann::json;

std::string data_path(const std::string& name) {
  return std::string(fare::kSourceDir) + "/../shared/data/traces/" + name;
}

PromptTrace read(const std::string& path, PromptFormat format) {
  auto trace = read_prompt_trace(path, {.format = format});
  EXPECT_TRUE(trace) << (trace ? "" : fare::to_text(trace.error()));
  return trace ? std::move(*trace) : PromptTrace();
}

double rate_of(const BlockReplay& replay, std::string_view name) {
  for (const HitRate& rate : replay.rates) {
    if (rate.name == name) return rate.value;
  }
  ADD_FAILURE() << "no rate " << name;
  return -1;
}

int expect_cell(const PromptTrace& trace, fare::Eviction eviction, std::uint64_t capacity,
                const Json& cell) {
  int compared = 0;
  for (const bool second_half : {false, true}) {
    const BlockReplay replay = replay_blocks(
        trace,
        {.cache = {.eviction = eviction, .blocks_max = capacity}, .second_half = second_half});
    for (const char* name : {"tok", "blk"}) {
      const std::string key = std::string(name) + (second_half ? "_2nd" : "");
      EXPECT_NEAR(rate_of(replay, key), cell.at(key).get<double>(), 1e-12) << key;
      ++compared;
    }
  }
  return compared;
}

TEST(CacheReplayTest, MooncakeEqualsTheReference) {
  const std::string path = data_path("mooncake/conversation_trace.jsonl.gz");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const PromptTrace trace = read(path, PromptFormat::kMooncake);
  const Json reference =
      Json::parse(read_file(data_path("mooncake/hit_rate_reference.json")).value())
          .at("mooncake_conversation");
  EXPECT_EQ(trace.calls.size(), reference.at("requests"));
  EXPECT_EQ(trace.unique_blocks, reference.at("unique_blocks"));
  const std::map<std::string, fare::Eviction> policies = {
      {"inf", fare::Eviction::kNone},         {"lru_flat", fare::Eviction::kLruFlat},
      {"lru_leaf", fare::Eviction::kLruLeaf}, {"lru_rev", fare::Eviction::kLruRev},
      {"fifo", fare::Eviction::kFifo},        {"lfu", fare::Eviction::kLfu},
      {"optimal", fare::Eviction::kOptimal}};
  int compared = expect_cell(trace, fare::Eviction::kNone, 0, reference.at("inf"));
  for (const auto& [name, eviction] : policies) {
    if (name == "inf") continue;
    for (const auto& [capacity, cell] : reference.at(name).items()) {
      SCOPED_TRACE(name + " " + capacity);
      compared += expect_cell(trace, eviction, std::stoull(capacity), cell);
    }
  }
  EXPECT_EQ(compared, 4 + 6 * 13 * 4);
}

// Hit tokens over the second half; rows above the bound of strict prefixes are of other semantics.
TEST(CacheReplayTest, RagPulseEqualsThePublishedCurve) {
  const std::string path = data_path("ragpulse/0_trace.jsonl.gz");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const PromptTrace trace = read(path, PromptFormat::kRagPulse);
  const Json published =
      Json::parse(read_file(data_path("ragpulse/published_hit_curve.json")).value());
  const BlockReplay boundless = replay_blocks(trace, {.second_half = true});
  EXPECT_EQ(boundless.hit_tokens, 1'877'444);
  EXPECT_EQ(boundless.input_tokens, published.at("summary").at("totalMeasuredTokens"));
  int compared = 0;
  for (const auto& [key, cell] : published.at("capacityResults").items()) {
    const std::uint64_t capacity = std::stoull(key);
    if (capacity < 16 || cell.at(2) > 1'877'444) continue;
    const fare::Eviction order[] = {fare::Eviction::kFifo, fare::Eviction::kLruLeaf,
                                    fare::Eviction::kOptimal};
    for (std::size_t i = 0; i < 3; ++i) {
      const BlockReplay replay = replay_blocks(
          trace, {.cache = {.eviction = order[i], .blocks_max = capacity}, .second_half = true});
      EXPECT_EQ(replay.hit_tokens, cell.at(i).get<std::int64_t>())
          << to_string(order[i]) << " with " << capacity << " blocks";
      ++compared;
    }
  }
  EXPECT_GE(compared, 3 * 90);
}

fare::CacheRuleBook shipped_rules() {
  std::vector<std::string> texts;
  std::vector<fare::CacheRuleBook::Source> sources;
  for (const char* vendor : {"anthropic", "bounds", "deepseek", "google", "openai"}) {
    texts.push_back(
        read_file(fmt::format("{}/pricing/cache/{}.json", fare::kSourceDir, vendor)).value());
  }
  for (const std::string& text : texts) sources.push_back({"rules", text});
  return fare::CacheRuleBook::parse(sources).value();
}

struct VendorRow {
  const char* rules;
  std::int64_t read_tokens;
  std::int64_t new_tokens;
  std::uint64_t calls_hit;
  double multiple;
};

// The integers of vendor_table_reference.md.
constexpr VendorRow kVendorTable[] = {
    {"anthropic-5m", 2'718'820'800, 293'859'374, 21'891, 0.212172},
    {"anthropic-1h", 2'867'147'776, 145'532'398, 23'014, 0.191783},
    {"openai-5.6", 2'845'870'912, 166'809'262, 22'867, 0.163674},
    {"openai-old-5m", 2'759'712'768, 252'967'406, 22'388, 0.175571},
    {"openai-old-10m", 2'817'165'184, 195'514'990, 22'871, 0.158408},
    {"openai-old-24h", 2'900'207'872, 112'472'302, 23'589, 0.133600},
    {"infinite", 2'901'342'528, 111'337'646, 23'636, 0.133261},
};

class VendorTableTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = data_path("claudecode_weka/claudecode_sessions_rle.jsonl.gz");
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    trace_ = read(path, PromptFormat::kClaudeCode);
    ASSERT_EQ(trace_.sessions.size(), 355u);
    ASSERT_EQ(trace_.calls.size(), 24'015u);
  }

  fare::CacheRuleBook book_ = shipped_rules();
  PromptTrace trace_;
};

TEST_F(VendorTableTest, IsReproducedToTheTokenUnderItsSimplifications) {
  for (const VendorRow& row : kVendorTable) {
    SCOPED_TRACE(row.rules);
    const auto choice = book_.find(row.rules, fare::Instant::max());
    ASSERT_TRUE(choice);
    const RulesReplay replay = replay_simplified(trace_, {.choice = *choice});
    EXPECT_EQ(replay.read_tokens, row.read_tokens);
    EXPECT_EQ(replay.new_tokens, row.new_tokens);
    EXPECT_EQ(replay.calls_hit, row.calls_hit);
    EXPECT_NEAR(replay.multiple, row.multiple, 0.5e-6);
    EXPECT_EQ(replay.blocks.input_tokens, 3'012'680'174);
  }
}

// What the simplification leaves out (positions, minima by model, ancestors that are used with
// their descendants, sub-agents' clocks) moves the multiple by less than half a per cent; and under
// either model an hour is cheaper than five minutes.
TEST_F(VendorTableTest, TheFullRulesAreNearAndKeepTheOrder) {
  std::map<std::string, double> multiple;
  for (const VendorRow& row : kVendorTable) {
    SCOPED_TRACE(row.rules);
    const auto choice = book_.find(row.rules, fare::Instant::max());
    ASSERT_TRUE(choice);
    const RulesReplay replay = replay_rules(trace_, {.choice = *choice});
    EXPECT_NEAR(replay.multiple / row.multiple, 1, 0.005);
    EXPECT_EQ(replay.read_tokens + replay.new_tokens, 3'012'680'174);
    std::int64_t tokens = 0;
    for (const CacheCostLine& line : replay.lines) tokens += line.tokens;
    EXPECT_EQ(tokens, 3'012'680'174) << "the lines hold all of the input";
    multiple[row.rules] = replay.multiple;
  }
  EXPECT_LT(multiple["anthropic-1h"], multiple["anthropic-5m"]);
  EXPECT_LT(multiple["openai-old-24h"], multiple["openai-old-10m"]);
  EXPECT_LT(multiple["infinite"], multiple["openai-old-24h"]);
}

// The engine without a bound and the boundless cache of blocks are the same thing.
TEST_F(VendorTableTest, TheInfiniteRulesReadWhatABoundlessCacheHolds) {
  const auto choice = book_.find("infinite", fare::Instant::max());
  const RulesReplay rules = replay_rules(trace_, {.choice = *choice});
  const BlockReplay blocks = replay_blocks(trace_, {});
  EXPECT_EQ(rules.blocks.hit_blocks, blocks.hit_blocks);
  EXPECT_EQ(rules.read_tokens, blocks.hit_tokens);
}

TEST_F(VendorTableTest, AReplayAgainstItselfDiffersByNothing) {
  const auto choice = book_.find("anthropic-1h", fare::Instant::max());
  const RulesReplay a = replay_rules(trace_, {.choice = *choice, .second_half = true});
  const RulesReplay b = replay_rules(trace_, {.choice = *choice, .second_half = true});
  EXPECT_EQ(a.read_tokens, b.read_tokens);
  EXPECT_EQ(a.multiple - b.multiple, 0);
  EXPECT_EQ(a.blocks.measured, 12'008u);
}

TEST(CacheReplayTest, BlocksOfNoTokensAreCountedAllTheSame) {
  const auto trace = parse_prompt_trace(
      "t",
      R"({"timestamp": "1", "input_length": 1, "output_length": 1, "hash_ids": {"a": [1, 2, 3]}})"
      "\n"
      R"({"timestamp": "2", "input_length": 1, "output_length": 1, "hash_ids": {"a": [1, 2, 3]}})",
      {.format = PromptFormat::kRagPulse});
  ASSERT_TRUE(trace);
  const BlockReplay replay = replay_blocks(*trace, {});
  EXPECT_EQ(replay.hit_blocks, 3u);
  EXPECT_EQ(replay.input_tokens, 0);
  EXPECT_EQ(rate_of(replay, "tok"), 0);
  EXPECT_EQ(rate_of(replay, "full_blk"), 0.5);
  const fare::CacheRuleBook book = shipped_rules();
  for (const std::string& name : book.names()) {
    const auto choice = book.find(name, fare::Instant::max());
    EXPECT_EQ(replay_rules(*trace, {.choice = *choice}).multiple, 1) << name;
  }
}

TEST(PromptHistoryTest, TheOldestOfSixtyPromptsGoes) {
  PromptHistory history({});
  const auto prompt = [](std::uint64_t n) { return std::vector<fare::BlockRun>{{1'000 * n, 5}}; };
  const fare::Duration now(0);
  for (std::uint64_t n = 1; n <= 60; ++n) history.store(prompt(n), 0, now, now);
  EXPECT_EQ(history.read(prompt(1), 0, now), 5u);
  EXPECT_EQ(history.read(prompt(1), 1, now), 0u) << "of another model";
  history.store(prompt(61), 0, now, now);
  EXPECT_EQ(history.read(prompt(1), 0, now), 0u);
  EXPECT_EQ(history.read(prompt(2), 0, now), 5u);
}

TEST(RulesReplayTest, TheMultipleIsTheSumOfItsLines) {
  EXPECT_DOUBLE_EQ(cost_multiple({{"cache_read", 900, 100'000},
                                  {"cache_write_5m", 90, 1'250'000},
                                  {"input", 10, 1'000'000}}),
                   (90 + 112.5 + 10) / 1'000);
  EXPECT_EQ(cost_multiple({}), 1);
}

}  // namespace
}  // namespace routesim
