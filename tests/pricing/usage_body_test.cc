#include "fare/usage_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "allocations.h"
#include "base/random.h"
#include "places.h"

namespace fare {

static void PrintTo(const Usage& usage, std::ostream* out) {
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const auto meter = static_cast<Meter>(i);
    if (usage[meter] != Tokens(0)) *out << to_string(meter) << "=" << usage[meter].count() << " ";
  }
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Json = nlohmann::json;
using Meters = std::vector<std::pair<Meter, std::int64_t>>;

Usage usage_of(const Meters& meters) {
  Usage usage;
  for (const auto& [meter, count] : meters) usage[meter] = Tokens(count);
  return usage;
}

UsageReport read(UsageApi api, std::string_view json, std::string_view model = {}) {
  static UsageReader reader;
  UsageReport report = reader.read(api, json, model);
  report.terms.region = {};  // It views the reader's own report.
  return report;
}

// "pointer: message" each.
std::vector<std::string> problems_of(const UsageReport& report) {
  std::vector<std::string> texts;
  for (const Error& error : report.problems) texts.push_back(error.where + ": " + error.message);
  return texts;
}

struct Case {
  std::string name;
  UsageApi api;
  std::string json;
  std::string model;
  Meters meters;
  int notes = 0;
};

using enum Meter;

const Case kBodies[] = {
    {"canonical",
     UsageApi::kCanonical,
     R"({"input":5,"cache_read":3,"search":2,"request":4})",
     "",
     {{kInput, 5}, {kCacheRead, 3}, {kSearch, 2}, {kRequest, 4}}},
    {"canonical zero", UsageApi::kCanonical, R"({"usage":{"output":0}})", "", {}},
    {"chat",
     UsageApi::kOpenAiChat,
     R"({"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
         "prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":16,"audio_tokens":5},
         "completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":7,
         "rejected_prediction_tokens":2}}})",
     "",
     {{kInput, 15},
      {kInputAudio, 5},
      {kCacheRead, 64},
      {kCacheWrite5m, 16},
      {kOutput, 13},
      {kOutputReasoning, 30},
      {kOutputAudio, 7}},
     1},
    {"chat, cached audio of no stated modality",
     UsageApi::kOpenAiChat,
     R"({"prompt_tokens":81,"completion_tokens":1,
         "prompt_tokens_details":{"text_tokens":12,"audio_tokens":69,"cached_tokens":64}})",
     "",
     {{kInputAudio, 17}, {kCacheRead, 12}, {kCacheReadAudio, 52}, {kOutput, 1}},
     1},
    {"chat, details null",
     UsageApi::kOpenAiChat,
     R"({"usage":{"prompt_tokens":4,"completion_tokens":2,"prompt_tokens_details":null}})",
     "",
     {{kInput, 4}, {kOutput, 2}}},
    {"chat, a total of its own",
     UsageApi::kOpenAiChat,
     R"({"usage":{"completion_tokens":12,"prompt_tokens":35,"total_tokens":109}})",
     "",
     {{kInput, 35}, {kOutput, 12}},
     1},
    {"embeddings",
     UsageApi::kOpenAiChat,
     R"({"usage":{"prompt_tokens":8,"total_tokens":8}})",
     "",
     {{kInput, 8}}},
    {"moonshot",
     UsageApi::kOpenAiChat,
     R"({"prompt_tokens":10,"completion_tokens":2,"cached_tokens":6})",
     "",
     {{kInput, 4}, {kCacheRead, 6}, {kOutput, 2}}},
    {"responses",
     UsageApi::kOpenAiResponses,
     R"({"usage":{"input_tokens":88,"input_tokens_details":{"cache_write_tokens":60,
         "cached_tokens":20},"output_tokens":14,"output_tokens_details":{"reasoning_tokens":9},
         "total_tokens":102}})",
     "",
     {{kInput, 8}, {kCacheRead, 20}, {kCacheWrite5m, 60}, {kOutput, 5}, {kOutputReasoning, 9}}},
    {"responses, twelve hours",
     UsageApi::kOpenAiResponses,
     R"({"prompt_cache_options":{"ttl":"12h"},"usage":{"input_tokens":88,
         "input_tokens_details":{"cache_write_tokens":60},"output_tokens":0}})",
     "",
     {{kInput, 28}, {kCacheWrite12h, 60}}},
    {"realtime",
     UsageApi::kOpenAiResponses,
     R"({"response":{"usage":{"input_tokens":100,"output_tokens":10,"input_token_details":{
         "text_tokens":40,"audio_tokens":60,"cached_tokens":50,"cached_tokens_details":{
         "text_tokens":20,"audio_tokens":30}},"output_token_details":{"text_tokens":2,
         "audio_tokens":8}}}})",
     "",
     {{kInput, 20},
      {kInputAudio, 30},
      {kCacheRead, 20},
      {kCacheReadAudio, 30},
      {kOutput, 2},
      {kOutputAudio, 8}}},
    {"claude",
     UsageApi::kAnthropic,
     R"({"usage":{"input_tokens":21,"cache_creation_input_tokens":188,
         "cache_read_input_tokens":18086,"cache_creation":{"ephemeral_5m_input_tokens":88,
         "ephemeral_1h_input_tokens":100},"output_tokens":393,
         "output_tokens_details":{"thinking_tokens":93},
         "server_tool_use":{"web_search_requests":2,"web_fetch_requests":1}}})",
     "",
     {{kInput, 21},
      {kCacheRead, 18086},
      {kCacheWrite5m, 88},
      {kCacheWrite1h, 100},
      {kOutput, 300},
      {kOutputReasoning, 93},
      {kSearch, 2}}},
    {"claude, writes without a life",
     UsageApi::kAnthropic,
     R"({"input_tokens":1,"cache_creation_input_tokens":9,"output_tokens":2})",
     "",
     {{kInput, 1}, {kCacheWrite5m, 9}, {kOutput, 2}},
     1},
    {"claude, writes with half a life",
     UsageApi::kAnthropic,
     R"({"input_tokens":1,"cache_creation_input_tokens":9,
         "cache_creation":{"ephemeral_1h_input_tokens":4},"output_tokens":2})",
     "",
     {{kInput, 1}, {kCacheWrite5m, 5}, {kCacheWrite1h, 4}, {kOutput, 2}},
     1},
    {"claude, writes by life alone",
     UsageApi::kAnthropic,
     R"({"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":4},"output_tokens":2})",
     "",
     {{kInput, 1}, {kCacheWrite1h, 4}, {kOutput, 2}}},
    // message_delta is cumulative: the last stands, and what it leaves out was said before.
    {"claude, streamed",
     UsageApi::kAnthropic,
     R"([{"type":"message_start","message":{"model":"claude-sonnet-5","usage":{"input_tokens":25,
         "cache_creation_input_tokens":0,"cache_read_input_tokens":7,"output_tokens":1}}},
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}},
        {"type":"message_delta","delta":{},"usage":{"output_tokens":10}},
        {"type":"message_delta","delta":{},"usage":{"input_tokens":26,"output_tokens":15}},
        {"type":"message_stop"}])",
     "",
     {{kInput, 26}, {kCacheRead, 7}, {kOutput, 15}}},
    {"chat, streamed",
     UsageApi::kOpenAiChat,
     R"([{"choices":[],"usage":null},{"usage":{"prompt_tokens":9,"completion_tokens":1,
         "prompt_tokens_details":{"cached_tokens":4}}},
        {"usage":{"prompt_tokens":9,"completion_tokens":5}}])",
     "",
     {{kInput, 9}, {kOutput, 5}}},
    {"gemini, streamed",
     UsageApi::kGemini,
     R"([{"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9,"promptTokensDetails":[
         {"modality":"AUDIO","tokenCount":9}]}},{"usageMetadata":{"promptTokenCount":9,
         "candidatesTokenCount":4,"thoughtsTokenCount":3,"totalTokenCount":16,
         "promptTokensDetails":[{"modality":"AUDIO","tokenCount":9}]}}])",
     "",
     {{kInputAudio, 9}, {kOutput, 4}, {kOutputReasoning, 3}}},
    {"gemini",
     UsageApi::kGemini,
     R"({"usageMetadata":{"promptTokenCount":1000,"toolUsePromptTokenCount":50,
         "candidatesTokenCount":70,"thoughtsTokenCount":600,"cachedContentTokenCount":400,
         "totalTokenCount":1720,"promptTokensDetails":[{"modality":"TEXT","tokenCount":500},
         {"modality":"DOCUMENT","tokenCount":258},{"modality":"VIDEO","tokenCount":100}],
         "cacheTokensDetails":[{"modality":"TEXT","tokenCount":300},{"modality":"IMAGE",
         "tokenCount":100}],"toolUsePromptTokensDetails":[{"modality":"AUDIO","tokenCount":10}],
         "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":60}]}})",
     "",
     {{kInput, 382},
      {kInputAudio, 10},
      {kInputImage, 158},
      {kInputVideo, 100},
      {kCacheRead, 300},
      {kCacheReadImage, 100},
      {kOutput, 10},
      {kOutputReasoning, 600},
      {kOutputImage, 60}}},
    {"gemini leaves out zeros",
     UsageApi::kGemini,
     R"({"promptTokenCount":7,"totalTokenCount":7,"promptTokensDetails":[{"modality":"TEXT"}]})",
     "",
     {{kInput, 7}}},
    {"converse, claude",
     UsageApi::kBedrockConverse,
     R"({"usage":{"inputTokens":3,"outputTokens":61,"totalTokens":2435,"cacheReadInputTokens":2074,
         "cacheReadInputTokenCount":2074,"cacheWriteInputTokens":297,"cacheDetails":[
         {"inputTokens":97,"ttl":"1h"},{"inputTokens":200,"ttl":"5m"}],"serverToolUsage":{}}})",
     "us.anthropic.claude-sonnet-4-5",
     {{kInput, 3}, {kCacheRead, 2074}, {kCacheWrite5m, 200}, {kCacheWrite1h, 97}, {kOutput, 61}}},
    {"converse, nova",
     UsageApi::kBedrockConverse,
     R"({"usage":{"inputTokens":22,"outputTokens":13,"cacheReadInputTokens":2492}})",
     "amazon.nova-lite-v1:0",
     {{kInput, 22}, {kCacheRead, 2492}, {kOutput, 13}}},
    // anomalyco/opencode issue 47296: 151,411 of which 132,976 were read and 18,433 written.
    {"converse, openai streamed",
     UsageApi::kBedrockConverse,
     R"([{"metadata":{"usage":{"inputTokens":151411,"outputTokens":639,"totalTokens":303459,
         "cacheReadInputTokens":132976,"cacheWriteInputTokens":18433}}}])",
     "us.openai.gpt-5.6-luna",
     {{kInput, 2}, {kCacheRead, 132976}, {kCacheWrite5m, 18433}, {kOutput, 639}},
     3},
    {"converse, openai whole",
     UsageApi::kBedrockConverse,
     R"({"usage":{"inputTokens":2,"outputTokens":19,"totalTokens":5014,
         "cacheWriteInputTokens":4993}})",
     "openai.gpt-5.6-luna",
     {{kInput, 2}, {kCacheWrite5m, 4993}, {kOutput, 19}},
     2},
    {"converse, of no known family",
     UsageApi::kBedrockConverse,
     R"({"usage":{"inputTokens":50,"outputTokens":1,"totalTokens":51,"cacheReadInputTokens":40}})",
     "",
     {{kInput, 10}, {kCacheRead, 40}, {kOutput, 1}},
     1},
    {"invoke, claude streamed",
     UsageApi::kBedrockInvoke,
     R"([{"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}},
        {"type":"message_delta","usage":{"output_tokens":15}},
        {"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":25,
         "outputTokenCount":15,"invocationLatency":900,"firstByteLatency":300,
         "cacheReadInputTokenCount":4}}])",
     "anthropic.claude-opus-5",
     {{kInput, 25}, {kCacheRead, 4}, {kOutput, 15}}},
    {"invoke, nova",
     UsageApi::kBedrockInvoke,
     R"({"output":{},"usage":{"inputTokens":22,"outputTokens":13,"totalTokens":37,
         "cacheReadInputTokenCount":2}})",
     "amazon.nova-pro",
     {{kInput, 22}, {kCacheRead, 2}, {kOutput, 13}}},
    {"invoke, llama",
     UsageApi::kBedrockInvoke,
     R"({"generation":"a","prompt_token_count":25,"generation_token_count":8,
         "stop_reason":"stop"})",
     "meta.llama3",
     {{kInput, 25}, {kOutput, 8}}},
    {"invoke, mistral",
     UsageApi::kBedrockInvoke,
     R"({"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}})",
     "mistral.pixtral",
     {{kInput, 5}, {kOutput, 6}}},
    {"deepseek",
     UsageApi::kDeepSeek,
     R"({"usage":{"prompt_tokens":1200,"completion_tokens":80,"total_tokens":1280,
         "prompt_tokens_details":{"cached_tokens":1152},"completion_tokens_details":{
         "reasoning_tokens":20},"prompt_cache_hit_tokens":1152,"prompt_cache_miss_tokens":48}})",
     "",
     {{kInput, 48}, {kCacheRead, 1152}, {kOutput, 60}, {kOutputReasoning, 20}}},
    {"deepseek, miss alone",
     UsageApi::kDeepSeek,
     R"({"prompt_tokens":100,"completion_tokens":1,"prompt_cache_miss_tokens":36})",
     "",
     {{kInput, 36}, {kCacheRead, 64}, {kOutput, 1}}},
    {"mistral",
     UsageApi::kMistral,
     R"({"usage":{"prompt_tokens":70,"completion_tokens":12,"num_cached_tokens":69,
         "total_tokens":82}})",
     "",
     {{kInput, 1}, {kCacheRead, 69}, {kOutput, 12}}},
    {"grok, reasoning beside",
     UsageApi::kXai,
     R"({"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
         "prompt_tokens_details":{"text_tokens":32,"audio_tokens":0,"image_tokens":10,
         "cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94},
         "num_sources_used":0,"server_side_tool_usage_details":{"web_search_calls":2,
         "x_search_calls":1}}})",
     "",
     {{kInput, 16},
      {kInputImage, 10},
      {kCacheRead, 6},
      {kOutput, 9},
      {kOutputReasoning, 94},
      {kSearch, 3}},
     1},
    {"grok, reasoning within",
     UsageApi::kXai,
     R"({"usage":{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,
         "completion_tokens_details":{"reasoning_tokens":94}}})",
     "",
     {{kInput, 32}, {kOutput, 9}, {kOutputReasoning, 94}}},
    {"groq, streamed",
     UsageApi::kGroq,
     R"([{"x_groq":{"id":"r"}},{"choices":[],"x_groq":{"usage":{"queue_time":0.03,
         "prompt_tokens":18,"prompt_time":0.001,"completion_tokens":5,"completion_time":0.01,
         "total_tokens":23,"total_time":0.011}}}])",
     "",
     {{kInput, 18}, {kOutput, 5}}},
    {"otel 1.41",
     UsageApi::kOtel,
     R"({"gen_ai.usage.input_tokens":120,"gen_ai.usage.output_tokens":40,
         "gen_ai.usage.cache_read.input_tokens":30,"gen_ai.usage.cache_creation.input_tokens":10,
         "server.port":443})",
     "",
     {{kInput, 80}, {kCacheRead, 30}, {kCacheWrite5m, 10}, {kOutput, 40}}},
    {"otel newest, as a span",
     UsageApi::kOtel,
     R"({"name":"chat","attributes":[
         {"key":"gen_ai.usage.input_tokens","value":{"intValue":"120"}},
         {"key":"gen_ai.usage.output_tokens","value":{"intValue":40}},
         {"key":"gen_ai.usage.reasoning.output_tokens","value":{"intValue":"15"}},
         {"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"30"}},
         {"key":"gen_ai.usage.cache_write.input_tokens","value":{"intValue":"10"}}]})",
     "",
     {{kInput, 80}, {kCacheRead, 30}, {kCacheWrite5m, 10}, {kOutput, 25}, {kOutputReasoning, 15}}},
    {"otel, an embedding",
     UsageApi::kOtel,
     R"({"attributes":{"gen_ai.operation.name":"embeddings","gen_ai.usage.input_tokens":7}})",
     "",
     {{kInput, 7}}},
};

TEST(UsageBodyTest, BecomesDisjointMeters) {
  for (const Case& test : kBodies) {
    SCOPED_TRACE(test.name);
    const UsageReport report = read(test.api, test.json, test.model);
    EXPECT_EQ(report.status, UsageStatus::kRead) << to_text(report.problems);
    EXPECT_EQ(report.usage, usage_of(test.meters));
    EXPECT_EQ(report.notes.size(), static_cast<std::size_t>(test.notes))
        << testing::PrintToString(report.notes);
    EXPECT_THAT(report.unknown, IsEmpty());
  }
}

struct Refusal {
  std::string name;
  UsageApi api;
  std::string json;
  UsageStatus status;
  std::vector<std::string> problems;
};

// Goal: what is no usage is named, all of it at once, by pointer, value and rule.
TEST(UsageRefusalTest, NamesPlaceValueAndRule) {
  const std::string rule = "must be a whole number from 0 to 1000000000000, but is ";
  const Refusal cases[] = {
      {"no counts",
       UsageApi::kOpenAiChat,
       R"({"choices":[]})",
       UsageStatus::kMissing,
       {": has no usage: what was used is unknown, not zero"}},
      {"null usage",
       UsageApi::kAnthropic,
       R"({"usage":null})",
       UsageStatus::kMissing,
       {": has no usage: what was used is unknown, not zero"}},
      {"null",
       UsageApi::kGemini,
       "null",
       UsageStatus::kMissing,
       {": has no usage: what was used is unknown, not zero"}},
      {"no events",
       UsageApi::kOpenAiChat,
       "[]",
       UsageStatus::kMissing,
       {": has no usage: what was used is unknown, not zero"}},
      {"no output",
       UsageApi::kOpenAiChat,
       R"({"usage":{"prompt_tokens":5,"total_tokens":9}})",
       UsageStatus::kMissing,
       {"/usage/completion_tokens: is missing: without it the output is unknown, not zero"}},
      {"no input",
       UsageApi::kAnthropic,
       R"([{"usage":{"output_tokens":5}}])",
       UsageStatus::kMissing,
       {"/0/usage/input_tokens: is missing: without it the input is unknown, not zero"}},
      {"output that only the total tells",
       UsageApi::kGemini,
       R"({"usageMetadata":{"promptTokenCount":5,"totalTokenCount":9}})",
       UsageStatus::kMissing,
       {"/usageMetadata/candidatesTokenCount: is missing: without it the output is unknown, not "
        "zero"}},
      {"all at once",
       UsageApi::kOpenAiChat,
       R"({"usage":{"prompt_tokens":"12","completion_tokens":-3,"total_tokens":1.5,
           "prompt_tokens_details":{"cached_tokens":true,"audio_tokens":1000000000001},
           "completion_tokens_details":7}})",
       UsageStatus::kMalformed,
       {"/usage/prompt_tokens: " + rule + "\"12\"", "/usage/completion_tokens: " + rule + "-3",
        "/usage/total_tokens: " + rule + "1.5",
        "/usage/prompt_tokens_details/cached_tokens: " + rule + "true",
        "/usage/prompt_tokens_details/audio_tokens: " + rule + "1000000000001",
        "/usage/completion_tokens_details: must be an object, but is 7"}},
      {"beyond 64 bits",
       UsageApi::kOpenAiChat,
       R"({"usage":{"prompt_tokens":99999999999999999999}})",
       UsageStatus::kMalformed,
       {"/usage/prompt_tokens: " + rule + "1e+20"}},
      {"twice",
       UsageApi::kOpenAiChat,
       R"({"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens":1,"a/b":1,"a/b":2}})",
       UsageStatus::kMalformed,
       {"/usage/prompt_tokens: stands twice in one object",
        "/usage/a~1b: stands twice in one object"}},
      {"more cached than there is",
       UsageApi::kOpenAiChat,
       R"({"prompt_tokens":70,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":75}})",
       UsageStatus::kMalformed,
       {"/prompt_tokens_details/cached_tokens: prompt_tokens_details/cached_tokens (75) must be at "
        "most prompt_tokens (70)"}},
      {"more thought than there is",
       UsageApi::kOpenAiResponses,
       R"({"input_tokens":1,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":6}})",
       UsageStatus::kMalformed,
       {"/output_tokens_details/reasoning_tokens: output_tokens_details/reasoning_tokens (6) must "
        "be at most output_tokens (5)"}},
      {"more writes than there are",
       UsageApi::kAnthropic,
       R"({"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":9,"cache_creation":
           {"ephemeral_5m_input_tokens":8,"ephemeral_1h_input_tokens":2}})",
       UsageStatus::kMalformed,
       {"/cache_creation/ephemeral_5m_input_tokens: cache_creation/ephemeral_5m_input_tokens (8) "
        "and cache_creation/ephemeral_1h_input_tokens (2) must be at most "
        "cache_creation_input_tokens (9)"}},
      {"hit and miss",
       UsageApi::kDeepSeek,
       R"({"prompt_tokens":10,"completion_tokens":1,"prompt_cache_hit_tokens":4,
           "prompt_cache_miss_tokens":5})",
       UsageStatus::kMalformed,
       {"/prompt_tokens: must be the sum of prompt_cache_miss_tokens (5) and "
        "prompt_cache_hit_tokens (4), but is 10"}},
      {"two names, two counts",
       UsageApi::kBedrockConverse,
       R"({"usage":{"inputTokens":1,"outputTokens":1,"cacheReadInputTokens":5,
           "cacheReadInputTokenCount":6}})",
       UsageStatus::kMalformed,
       {"/usage/cacheReadInputTokenCount: is 6, but cacheReadInputTokens says 5"}},
      {"more audio than there is",
       UsageApi::kGemini,
       R"({"promptTokenCount":5,"promptTokensDetails":[{"modality":"TEXT","tokenCount":3},
           {"modality":"AUDIO","tokenCount":4}]})",
       UsageStatus::kMalformed,
       {"/promptTokensDetails: promptTokensDetails (3) and promptTokensDetails (4) must be at most "
        "promptTokenCount (5)"}},
      {"otel that sums as Anthropic does not",
       UsageApi::kOtel,
       R"({"gen_ai.usage.input_tokens":3,"gen_ai.usage.output_tokens":1,
           "gen_ai.usage.cache_read.input_tokens":30})",
       UsageStatus::kMalformed,
       {"/gen_ai.usage.cache_read.input_tokens: gen_ai.usage.cache_read.input_tokens (30) must be "
        "at most gen_ai.usage.input_tokens (3)"}},
      {"a tier nobody knows",
       UsageApi::kOpenAiChat,
       R"({"service_tier":"turbo","usage":{"prompt_tokens":1,"completion_tokens":1}})",
       UsageStatus::kMalformed,
       {"/service_tier: \"turbo\" is not a service tier whose rates are known"}},
      {"a meter nobody knows",
       UsageApi::kCanonical,
       R"({"imput":1})",
       UsageStatus::kMalformed,
       {"/imput: is not a meter; did you mean \"input\"?"}},
      {"a negative cost",
       UsageApi::kOpenRouter,
       R"({"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":-0.5}})",
       UsageStatus::kMalformed,
       {"/usage/cost: must be a sum of money, not negative, but is -0.5"}},
      {"no object",
       UsageApi::kGroq,
       "7",
       UsageStatus::kMalformed,
       {": must be an object or a list, but is 7"}},
  };
  for (const Refusal& test : cases) {
    SCOPED_TRACE(test.name);
    const UsageReport report = read(test.api, test.json);
    EXPECT_EQ(report.status, test.status);
    auto expected = test.problems;
    if (report.status == UsageStatus::kMissing || !report.problems.empty()) {
      EXPECT_THAT(problems_of(report), testing::ElementsAreArray(expected));
    }
    EXPECT_EQ(report.usage, Usage());
  }
}

TEST(UsageRefusalTest, BrokenTextIsASyntaxError) {
  for (const char* json : {"", "{", R"({"usage":{"prompt_tokens":1,})", "\xff", R"({"a":1}})"}) {
    const UsageReport report = read(UsageApi::kOpenAiChat, json);
    EXPECT_EQ(report.status, UsageStatus::kMalformed) << json;
    ASSERT_FALSE(report.problems.empty());
    EXPECT_EQ(report.problems[0].code, ErrorCode::kSyntax) << json;
  }
}

TEST(UsageTermsTest, AreThoseThatServed) {
  UsageReader reader;
  const UsageReport* report =
      &reader.read(UsageApi::kAnthropic,
                   R"({"model":"claude-opus-5-5","usage":{"input_tokens":1,"output_tokens":1,
          "service_tier":"batch","inference_geo":"us","speed":"fast"}})");
  EXPECT_EQ(report->terms.tier, ServiceTier::kBatch);
  EXPECT_EQ(report->terms.speed, SpeedMode::kFast);
  EXPECT_EQ(report->terms.region, "us");
  EXPECT_EQ(report->model, "claude-opus-5-5");
  struct TierCase {
    UsageApi api;
    const char* json;
    ServiceTier tier;
  };
  const TierCase cases[] = {
      {UsageApi::kAnthropic, R"({"usage":{"input_tokens":1,"output_tokens":1,
          "inference_geo":"global","service_tier":"standard"}})",
       ServiceTier::kStandard},
      {UsageApi::kOpenAiChat, R"({"service_tier":"flex","usage":{"prompt_tokens":1,
          "completion_tokens":1}})",
       ServiceTier::kFlex},
      {UsageApi::kOpenAiResponses, R"([{"response":{"service_tier":"auto","usage":null}},
          {"response":{"service_tier":"priority","usage":{"input_tokens":1,"output_tokens":1}}}])",
       ServiceTier::kPriority},
      {UsageApi::kGemini, R"({"usageMetadata":{"promptTokenCount":1,
          "trafficType":"ON_DEMAND_PRIORITY","serviceTier":"priority"}})",
       ServiceTier::kPriority},
      {UsageApi::kBedrockConverse, R"({"serviceTier":{"type":"flex"},"usage":{"inputTokens":1,
          "outputTokens":1}})",
       ServiceTier::kFlex},
  };
  for (const TierCase& test : cases) {
    report = &reader.read(test.api, test.json);
    EXPECT_EQ(report->status, UsageStatus::kRead) << test.json;
    EXPECT_EQ(report->terms.tier, test.tier) << test.json;
    EXPECT_EQ(report->terms.region, "");
  }
}

// Goal: compaction is billed though the totals leave it out; bands are measured on the largest
// step; what another model used stands apart.
TEST(UsageIterationsTest, AreBilledAsTheVendorSays) {
  UsageReport report =
      read(UsageApi::kAnthropic,
           R"({"model":"claude-sonnet-5","usage":{"input_tokens":23000,"output_tokens":1000,
          "output_tokens_details":{"thinking_tokens":400},"iterations":[
          {"type":"compaction","input_tokens":180000,"output_tokens":3500},
          {"type":"message","input_tokens":23000,"output_tokens":1000},
          {"type":"advisor_message","model":"claude-opus-5","input_tokens":2518,
           "output_tokens":22,"cache_read_input_tokens":7}]}})");
  EXPECT_EQ(report.status, UsageStatus::kRead);
  EXPECT_EQ(report.usage, usage_of({{kInput, 203000}, {kOutput, 4100}, {kOutputReasoning, 400}}));
  EXPECT_EQ(report.terms.band_input, Tokens(180000));
  EXPECT_EQ(report.notes.size(), 2u);
  ASSERT_EQ(report.others.size(), 1u);
  EXPECT_EQ(report.others[0].model, "claude-opus-5");
  EXPECT_EQ(report.others[0].usage,
            usage_of({{kInput, 2518}, {kCacheRead, 7}, {kOutput, 22}, {kRequest, 0}}));

  report = read(UsageApi::kAnthropic,
                R"({"usage":{"input_tokens":9,"output_tokens":2,"iterations":[
                    {"type":"message","input_tokens":9,"output_tokens":2}]}})");
  EXPECT_EQ(report.usage, usage_of({{kInput, 9}, {kOutput, 2}}));
  EXPECT_EQ(report.terms.band_input, Tokens(0));
  EXPECT_THAT(report.notes, IsEmpty());

  report = read(UsageApi::kAnthropic,
                R"({"usage":{"input_tokens":9,"output_tokens":2,"iterations":[
                    {"type":"message","input_tokens":5}]}})");
  EXPECT_EQ(report.status, UsageStatus::kMissing);
}

TEST(UsageCostTest, IsReadByItsDigits) {
  struct CostCase {
    const char* number;
    const char* usd;
    bool rounded;
  };
  const CostCase cases[] = {
      {"0", "0", false},
      {"3", "3", false},
      {"0.0021985500", "0.00219855", false},
      {"9E-7", "0.0000009", false},
      {"1.25e+2", "125", false},
      {"0.00019199999999999998", "0.000192", true},
      {"0.0000000000005", "0", true},
      {"0.0000000000015", "0.000000000002", true},
      {"0.00000000000050001", "0.000000000001", true},
      {"1e-400", "0", true},
  };
  for (const CostCase& test : cases) {
    const UsageReport report =
        read(UsageApi::kOpenRouter, std::string(R"({"usage":{"prompt_tokens":1,"cost":)") +
                                        test.number + R"(,"completion_tokens":1}})");
    EXPECT_EQ(report.status, UsageStatus::kRead) << to_text(report.problems);
    ASSERT_TRUE(report.reported_cost) << test.number;
    EXPECT_EQ(to_usd(*report.reported_cost), test.usd) << test.number;
    EXPECT_EQ(report.notes.size(), test.rounded ? 1u : 0u) << test.number;
  }
  EXPECT_FALSE(read(UsageApi::kOpenRouter,
                    R"({"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":null}})")
                   .reported_cost);
  const UsageReport grok = read(UsageApi::kXai,
                                R"({"usage":{"prompt_tokens":1,"completion_tokens":1,
                                    "cost_in_usd_ticks":37756000}})");
  EXPECT_EQ(to_usd(grok.reported_cost.value()), "0.0037756");
  const UsageReport own_key = read(UsageApi::kOpenRouter,
                                   R"({"usage":{"prompt_tokens":1,"completion_tokens":1,
                                       "is_byok":true}})");
  EXPECT_THAT(own_key.notes, ElementsAre(HasSubstr("the caller's own key")));
}

TEST(UsageUnknownTest, IsListedAndNotFatal) {
  const UsageReport report =
      read(UsageApi::kOpenAiChat,
           R"({"id":"x","usage":{"prompt_tokens":1,"completion_tokens":1,"new_tokens":7,
          "absent_tokens":null,"prompt_tokens_details":{"smell_tokens":{"rose":3}}}})");
  EXPECT_EQ(report.status, UsageStatus::kRead);
  EXPECT_THAT(report.unknown,
              ElementsAre("/usage/new_tokens", "/usage/prompt_tokens_details/smell_tokens"));
  EXPECT_THAT(read(UsageApi::kXai, R"({"prompt_tokens":1,"completion_tokens":1,
                                       "num_sources_used":4})")
                  .unknown,
              ElementsAre("/num_sources_used"));
  EXPECT_THAT(read(UsageApi::kOtel, R"({"gen_ai.usage.input_tokens":1,"http.status":200,
                                        "gen_ai.usage.output_tokens":1,"gen_ai.usage.dreams":2})")
                  .unknown,
              ElementsAre("/gen_ai.usage.dreams"));
}

// Goal: a stream of many events says once what there is to say.
TEST(UsageUnknownTest, IsSaidOnceForAStream) {
  const UsageReport report = read(
      UsageApi::kGemini,
      R"([{"usageMetadata":{"promptTokenCount":3,"dreams":1,"trafficType":"PROVISIONED_THROUGHPUT",
          "promptTokensDetails":[{"modality":"SMELL","tokenCount":3}]}},
         {"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"dreams":1,
          "trafficType":"PROVISIONED_THROUGHPUT",
          "promptTokensDetails":[{"modality":"SMELL","tokenCount":3}]}}])");
  EXPECT_EQ(report.usage, usage_of({{kInput, 3}, {kOutput, 2}}));
  EXPECT_THAT(report.unknown, ElementsAre("/1/usageMetadata/dreams"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("bought beforehand"), HasSubstr("SMELL")));
}

// Goal: the dialects of one call, as spans, come to the same usage.
TEST(UsageOtelTest, DialectsOfOneCallAgree) {
  std::ifstream file(std::string(fare::kSourceDir) +
                     "/../shared/data/observability/otel/dialect_equivalence_cached_call.json");
  if (!file) GTEST_SKIP() << "the spans are not there";
  const Json spans = Json::parse(file)["resourceSpans"][0]["scopeSpans"][0]["spans"];
  const Usage cached =
      usage_of({{kInput, 80}, {kCacheRead, 30}, {kCacheWrite5m, 10}, {kOutput, 40}});
  EXPECT_EQ(read(UsageApi::kOtel, spans[0].dump()).usage, cached);
  EXPECT_EQ(read(UsageApi::kOtel, spans[1].dump()).usage, cached);
  const UsageReport legacy = read(UsageApi::kOtel, spans[2].dump());  // Had no names for caches.
  EXPECT_EQ(legacy.usage, usage_of({{kInput, 120}, {kOutput, 40}}));
  EXPECT_EQ(legacy.model, "gpt-4");
  EXPECT_EQ(read(UsageApi::kOtel, spans[3].dump()).status, UsageStatus::kMissing);  // Not OTel's.
}

TEST(UsageApiTest, NamesRoundTrip) {
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    EXPECT_EQ(usage_api_named(to_string(api)), api);
  }
  EXPECT_EQ(usage_api_named("openai"), std::nullopt);
  EXPECT_EQ(to_string(UsageStatus::kMalformed), "usage_malformed");
}

TEST(UsageReaderTest, AllocatesNothingAfterTheFirstBodies) {
  UsageReader reader;
  for (int round = 0; round < 3; ++round) {
    for (const Case& test : kBodies) {
      const std::uint64_t before = allocations();
      const UsageReport& report = reader.read(test.api, test.json, test.model);
      const std::uint64_t made = allocations() - before;
      if (round == 2) {
        EXPECT_EQ(made, 0u) << test.name;
      }
      ASSERT_EQ(report.status, UsageStatus::kRead);
    }
  }
}

// --- Properties.

constexpr std::uint64_t kSeeds = 400;

std::string api_name(UsageApi api) { return std::string(to_string(api)); }

// Which meters a body of the API can state, beside input, output and one request.
std::vector<Meter> statable(UsageApi api) {
  switch (api) {
    case UsageApi::kCanonical: {
      std::vector<Meter> all;
      for (std::size_t i = 0; i < kMeterCount; ++i) all.push_back(static_cast<Meter>(i));
      return all;
    }
    case UsageApi::kAnthropic:
      return {kCacheRead, kCacheWrite5m, kCacheWrite1h, kOutputReasoning, kSearch};
    case UsageApi::kGemini:
      return {kInputAudio,     kInputImage,     kInputVideo,      kCacheRead,   kCacheReadAudio,
              kCacheReadImage, kCacheReadVideo, kOutputReasoning, kOutputAudio, kOutputImage};
    case UsageApi::kBedrockConverse:
      return {kCacheRead, kCacheWrite5m, kCacheWrite1h};
    case UsageApi::kBedrockInvoke:
      return {kCacheRead, kCacheWrite5m, kCacheWrite1h, kOutputReasoning, kSearch};
    case UsageApi::kOtel:
      return {kCacheRead, kCacheWrite5m, kOutputReasoning};
    default: {
      std::vector<Meter> chat = {kInputAudio,     kInputImage,     kInputVideo,   kCacheRead,
                                 kCacheReadAudio, kCacheReadImage, kCacheWrite5m, kOutputReasoning,
                                 kOutputAudio,    kOutputImage};
      const bool searches = api == UsageApi::kOpenRouter || api == UsageApi::kXai ||
                            api == UsageApi::kOpenAiResponses;
      if (searches) chat.push_back(kSearch);
      return chat;
    }
  }
}

Tokens random_count(RandomStream& random) {
  const std::uint64_t bits = random.below(36);
  return random.below(3) == 0 ? Tokens(0)
                              : Tokens(static_cast<std::int64_t>(random.bits() >> (63 - bits)));
}

Usage random_usage(UsageApi api, RandomStream& random) {
  Usage usage;
  usage[kInput] = random_count(random);
  usage[kOutput] = random_count(random);
  for (const Meter meter : statable(api)) usage[meter] = random_count(random);
  return usage;
}

// Goal: reading reverses rendering, for every usage that the API can state.
TEST(UsagePropertyTest, ReadingReversesRendering) {
  UsageReader reader;
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    const RandomKey key(1, static_cast<std::uint32_t>(i), Purpose::kTest);
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(api_name(api) + " seed=" + std::to_string(seed));
      RandomStream random(key, seed);
      const Usage usage = random_usage(api, random);
      const std::optional<std::string> body = render_usage(api, usage);
      ASSERT_TRUE(body);
      const UsageReport& report = reader.read(api, *body);
      ASSERT_EQ(report.status, UsageStatus::kRead) << *body << to_text(report.problems);
      ASSERT_EQ(report.usage, usage) << *body;
      ASSERT_EQ(report.unknown, std::vector<std::string>()) << *body;
    }
  }
}

// Goal: what an API cannot state is not rendered.
TEST(UsagePropertyTest, NothingIsRenderedThatTheApiCannotState) {
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    std::vector<Meter> meters = statable(api);
    meters.insert(meters.end(), {kInput, kOutput});
    for (std::size_t j = 0; j < kMeterCount; ++j) {
      const auto meter = static_cast<Meter>(j);
      const bool can = std::count(meters.begin(), meters.end(), meter) > 0;
      Usage usage;
      usage[meter] += Tokens(1);
      EXPECT_EQ(render_usage(api, usage).has_value(), can)
          << api_name(api) << " " << to_string(meter);
    }
    Usage negative;
    negative[kInput] = Tokens(-1);
    EXPECT_FALSE(render_usage(api, negative));
    Usage large;
    large[kInput] = kTokensMax + Tokens(1);
    EXPECT_FALSE(render_usage(api, large));
  }
}

// Goal: two requests used what the two bodies add up to, however the counts are split.
TEST(UsagePropertyTest, SplittingABodyChangesNoSum) {
  UsageReader reader;
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    const RandomKey key(2, static_cast<std::uint32_t>(i), Purpose::kTest);
    for (std::uint64_t seed = 0; seed < kSeeds / 4; ++seed) {
      RandomStream random(key, seed);
      const Usage whole = random_usage(api, random);
      Usage part;
      Usage rest;
      for (std::size_t j = 0; j < kMeterCount; ++j) {
        const auto meter = static_cast<Meter>(j);
        if (meter == kRequest) continue;
        const auto count = static_cast<std::uint64_t>(whole[meter].count());
        part[meter] = Tokens(static_cast<std::int64_t>(random.below(count + 1)));
        rest[meter] = whole[meter] - part[meter];
      }
      Usage sum = reader.read(api, render_usage(api, part).value()).usage;
      const Usage second = reader.read(api, render_usage(api, rest).value()).usage;
      for (std::size_t j = 0; j < kMeterCount; ++j) {
        const auto meter = static_cast<Meter>(j);
        if (meter == kRequest) continue;
        ASSERT_EQ(sum[meter] + second[meter], whole[meter]);
      }
    }
  }
}

void pointers_of_counts(const Json& value, const std::string& at, std::vector<std::string>& out) {
  if (value.is_number_integer()) out.push_back(at);
  if (!value.is_structured()) return;
  for (const auto& [key, member] : value.items()) pointers_of_counts(member, at + "/" + key, out);
}

// Goal: no count, put wrong, is passed over: the answer names it, and is never a smaller usage.
TEST(UsagePropertyTest, EveryCountThatIsNoCountIsNamed) {
  const Json wrong[] = {"5", -1, 1.5, true, Json::object(), Json::array(), 1'000'000'000'001};
  UsageReader reader;
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    RandomStream random(RandomKey(3, static_cast<std::uint32_t>(i), Purpose::kTest), 0);
    Usage usage;
    usage[kInput] = usage[kOutput] = Tokens(9);
    for (const Meter meter : statable(api)) usage[meter] = Tokens(7);
    const Json body = Json::parse(render_usage(api, usage).value());
    std::vector<std::string> pointers;
    pointers_of_counts(body, "", pointers);
    EXPECT_GE(pointers.size(), 2u);
    for (const std::string& pointer : pointers) {
      for (const Json& value : wrong) {
        Json changed = body;
        changed[Json::json_pointer(pointer)] = value;
        const UsageReport& report = reader.read(api, changed.dump());
        ASSERT_EQ(report.status, UsageStatus::kMalformed) << changed;
        ASSERT_EQ(report.problems.size(), 1u) << changed << to_text(report.problems);
        ASSERT_EQ(report.problems[0].where, pointer);
        ASSERT_EQ(report.usage, Usage());
      }
    }
  }
}

}  // namespace
}  // namespace fare
