// Goal: published hit rates, to the last digit.  Method: the reference counted by another program,
// for every policy, capacity and definition it holds.

#include "study/cache_replay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "study/files.h"

namespace routesim {
namespace {

using Json = nlohmann::json;

std::string data_path(const std::string& name) {
  return std::string(FARE_SOURCE_DIR) + "/../shared/data/traces/" + name;
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

}  // namespace
}  // namespace routesim
