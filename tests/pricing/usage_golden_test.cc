#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fare/usage_body.h"
#include "pricing/golden_usages.h"

namespace fare {
namespace {

using Counts = std::map<std::string, std::int64_t>;

std::int64_t sum(const Usage& usage, std::initializer_list<Meter> meters) {
  std::int64_t total = 0;
  for (const Meter meter : meters) total += usage[meter].count();
  return total;
}

// Our disjoint meters in genai-prices' units, which contain one another; zeros are left out.
Counts units_of(const Usage& usage) {
  using enum Meter;
  Counts counts = {
      {"input_tokens", usage.total_input().count()},
      {"output_tokens", usage.total_output().count()},
      {"cache_read_tokens",
       sum(usage, {kCacheRead, kCacheReadAudio, kCacheReadImage, kCacheReadVideo})},
      {"cache_write_tokens", sum(usage, {kCacheWrite5m, kCacheWrite1h, kCacheWrite12h})},
      {"cache_write_1h_tokens", sum(usage, {kCacheWrite1h})},
      {"input_audio_tokens", sum(usage, {kInputAudio, kCacheReadAudio})},
      {"input_image_tokens", sum(usage, {kInputImage, kCacheReadImage})},
      {"input_video_tokens", sum(usage, {kInputVideo, kCacheReadVideo})},
      {"cache_audio_read_tokens", sum(usage, {kCacheReadAudio})},
      {"cache_image_read_tokens", sum(usage, {kCacheReadImage})},
      {"cache_video_read_tokens", sum(usage, {kCacheReadVideo})},
      {"output_reasoning_tokens", sum(usage, {kOutputReasoning})},
      {"output_audio_tokens", sum(usage, {kOutputAudio})},
      {"output_image_tokens", sum(usage, {kOutputImage})},
      {"web_searches", sum(usage, {kSearch})},
  };
  std::erase_if(counts, [](const auto& count) { return count.second == 0; });
  return counts;
}

// Theirs, without what we do not tell apart: text, which costs what is of no stated modality; input
// from tools; five-minute writes, which are what is left of the writes.
Counts comparable(Counts counts) {
  for (const char* unit :
       {"input_text_tokens", "output_text_tokens", "cache_text_read_tokens", "input_tool_tokens",
        "input_text_tool_tokens", "cache_write_5m_tokens"}) {
    counts.erase(unit);
  }
  std::erase_if(counts, [](const auto& count) { return count.second == 0; });
  return counts;
}

// A unit that an extractor of theirs has no mapping for, though the body states it and the vendor
// bills it; theirs is then zero.  The body is as a rule another vendor's: their table is tried on
// every body of a fitting shape.  Source: the `extractors` of genai-prices 0.1.8.
struct Unmapped {
  std::string_view extractor;
  std::vector<std::string> units;
};

const std::vector<Unmapped> kUnmapped = {
    // "prompt_tokens_details: always empty" (platform.claude.com, OpenAI SDK compatibility).
    {"anthropic/chat", {"cache_read_tokens", "cache_write_tokens", "input_audio_tokens"}},
    // Claude elsewhere: "thinking_tokens" and "web_search_requests" are mapped for Anthropic alone.
    {"aws/anthropic", {"output_reasoning_tokens", "web_searches"}},
    {"azure/anthropic", {"output_reasoning_tokens", "web_searches"}},
    {"google/anthropic", {"output_reasoning_tokens", "web_searches"}},
    {"minimax/default", {"output_reasoning_tokens", "web_searches"}},
    // cache_write_tokens came with GPT-5.6 (openai-openapi, prompt_tokens_details).
    {"azure/chat", {"cache_write_tokens"}},
    {"azure/responses", {"cache_write_tokens"}},
    {"cerebras/chat", {"cache_read_tokens", "cache_write_tokens", "input_audio_tokens"}},
    {"deepseek/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"doubleword/chat", {"input_audio_tokens"}},
    {"doubleword/responses", {"cache_write_tokens", "output_reasoning_tokens"}},
    {"fireworks/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"google/chat", {"cache_write_tokens"}},
    {"groq/default", {"cache_write_tokens"}},
    {"minimax/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"minimax/responses", {"cache_write_tokens", "output_reasoning_tokens"}},
    // num_cached_tokens: "Cached prompt tokens are billed at 10% of the standard input token price"
    // (docs.mistral.ai, Prompt caching); they map prompt_tokens_details.cached_tokens only.
    {"mistral/default", {"cache_read_tokens", "cache_write_tokens", "input_audio_tokens"}},
    {"modal/chat", {"input_audio_tokens", "output_reasoning_tokens"}},
    {"moonshotai/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"x-ai/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"zai/chat", {"cache_write_tokens", "input_audio_tokens"}},
    {"zhipuai/chat", {"cache_write_tokens", "input_audio_tokens"}},
};

// Which deliberate difference explains that ours is not theirs; empty if none does.
std::string explained(const GoldenPair& pair, const GoldenBody& body, const std::string& unit,
                      const Counts& ours, const Counts& theirs) {
  const auto count = [&unit](const Counts& counts) {
    const auto found = counts.find(unit);
    return found == counts.end() ? 0 : found->second;
  };
  const std::string extractor = pair.provider + "/" + pair.flavor;
  // It maps prompt_tokens alone, whatever else a body states.
  if (pair.flavor == "embeddings" && unit != "input_tokens") return "embeddings/" + unit;
  // "To calculate total tokens consumed and billed for a request, sum across all entries in the
  // usage.iterations array" (platform.claude.com, Compaction); theirs leaves the compaction out.
  if (body.file.ends_with("test_anthropic_compaction_end_to_end.yaml")) {
    if (unit == "input_tokens" && count(ours) == 220 + 55'196) return "compaction/" + unit;
    if (unit == "output_tokens" && count(ours) == 8 + 125) return "compaction/" + unit;
  }
  // xAI states reasoning beside completion_tokens; these bodies are not xAI's own, and their
  // total_tokens says that it is within.
  if (extractor == "x-ai/chat" && unit == "output_tokens" &&
      count(theirs) == count(ours) + ours.at("output_reasoning_tokens")) {
    return "x-ai reasoning";
  }
  for (const Unmapped& row : kUnmapped) {
    if (row.extractor != extractor || count(theirs) != 0) continue;
    if (std::count(row.units.begin(), row.units.end(), unit) > 0) return extractor + "/" + unit;
  }
  return "";
}

// The units in which they differ.
std::set<std::string> differences(const Counts& ours, const Counts& theirs) {
  std::set<std::string> units;
  for (const auto& [unit, count] : ours) {
    if (!theirs.contains(unit) || theirs.at(unit) != count) units.insert(unit);
  }
  for (const auto& [unit, count] : theirs) {
    if (!ours.contains(unit)) units.insert(unit);
  }
  return units;
}

// Goal: every published usage follows from our meters, or differs for a reason that is listed; and
// no listed reason is idle.
TEST(UsageGoldenTest, MetersAddUpToThePublishedUsages) {
  const std::vector<GoldenBody> bodies = golden_usages();
  if (bodies.empty()) GTEST_SKIP() << "the golden usages are not there";
  UsageReader reader;
  std::set<std::string> reasons;
  std::map<UsageApi, int> compared;
  for (const GoldenBody& body : bodies) {
    for (const GoldenPair& pair : body.pairs) {
      const std::optional<UsageApi> api = golden_api(pair.provider, pair.flavor);
      if (!api) continue;
      ++compared[*api];
      SCOPED_TRACE(pair.provider + "/" + pair.flavor + " " + body.json);
      const UsageReport& report = reader.read(*api, body.json, body.model);
      ASSERT_EQ(report.status, UsageStatus::kRead) << to_text(report.problems);
      const Counts ours = units_of(report.usage);
      const Counts theirs = comparable(pair.usage);
      for (const std::string& unit : differences(ours, theirs)) {
        const std::string reason = explained(pair, body, unit, ours, theirs);
        EXPECT_NE(reason, "") << unit << " differs";
        reasons.insert(reason);
      }
    }
  }
  for (const Unmapped& row : kUnmapped) {
    for (const std::string& unit : row.units) {
      EXPECT_TRUE(reasons.contains(std::string(row.extractor) + "/" + unit))
          << row.extractor << "/" << unit << " explains nothing";
    }
  }
  EXPECT_EQ(compared[UsageApi::kGemini], 224);
  EXPECT_EQ(compared[UsageApi::kBedrockConverse], 114);
  EXPECT_EQ(compared[UsageApi::kAnthropic], 258 * 4);
}

// Goal: what a vendor really sends is known to us, member by member.
TEST(UsageGoldenTest, NoMemberOfAVendorsOwnBodiesIsUnknown) {
  const std::vector<GoldenBody> bodies = golden_usages();
  if (bodies.empty()) GTEST_SKIP() << "the golden usages are not there";
  struct Case {
    std::string_view part_of_file;
    UsageApi api;
  };
  const Case cases[] = {{"/test_anthropic/", UsageApi::kAnthropic},
                        {"/test_google/", UsageApi::kGemini},
                        {"/test_bedrock/", UsageApi::kBedrockConverse},
                        {"/test_mistral/", UsageApi::kMistral},
                        {"/test_groq/", UsageApi::kGroq},
                        {"/test_openrouter/", UsageApi::kOpenRouter}};
  UsageReader reader;
  int bodies_read = 0;
  for (const GoldenBody& body : bodies) {
    for (const Case& test : cases) {
      if (body.file.find(test.part_of_file) == body.file.npos) continue;
      const UsageReport& report = reader.read(test.api, body.json, body.model);
      // Some tests pass on what another vendor answered.
      if (report.status != UsageStatus::kRead || body.model.starts_with("gpt-")) continue;
      ++bodies_read;
      EXPECT_EQ(report.unknown, std::vector<std::string>()) << body.json;
    }
  }
  EXPECT_GT(bodies_read, 140);
}

}  // namespace
}  // namespace fare
