// One usage body to disjoint meters, as each main API returns it.

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "fare/check.h"
#include "fare/usage_body.h"

namespace fare {
namespace {

struct Sample {
  UsageApi api;
  std::string_view model;
  std::string_view json;
};

constexpr Sample kSamples[] = {
    {UsageApi::kCanonical, "", R"({"input": 1200, "cache_read": 30000, "output": 400})"},
    {UsageApi::kOpenAiChat, "gpt-5",
     R"({"model":"gpt-5-2025-08-07","service_tier":"default","usage":{"prompt_tokens":2006,
         "completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,
         "audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":128,"audio_tokens":0,
         "accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}})"},
    {UsageApi::kOpenAiResponses, "gpt-5.6-luna",
     R"({"model":"gpt-5.6-luna","service_tier":"default","usage":{"input_tokens":2006,
         "input_tokens_details":{"cached_tokens":1500,"cache_write_tokens":420},
         "output_tokens":300,"output_tokens_details":{"reasoning_tokens":128},
         "total_tokens":2306}})"},
    {UsageApi::kAnthropic, "claude-sonnet-5",
     R"({"model":"claude-sonnet-5","usage":{"input_tokens":21,"cache_creation_input_tokens":188,
         "cache_read_input_tokens":18086,"cache_creation":{"ephemeral_5m_input_tokens":188,
         "ephemeral_1h_input_tokens":0},"output_tokens":393,"service_tier":"standard",
         "inference_geo":"global","server_tool_use":{"web_search_requests":1}}})"},
    {UsageApi::kGemini, "gemini-2.5-pro",
     R"({"modelVersion":"gemini-2.5-pro","usageMetadata":{"promptTokenCount":2152,
         "candidatesTokenCount":710,"totalTokenCount":3462,"thoughtsTokenCount":600,
         "cachedContentTokenCount":1800,"promptTokensDetails":[{"modality":"TEXT",
         "tokenCount":1894},{"modality":"IMAGE","tokenCount":258}],"cacheTokensDetails":[
         {"modality":"TEXT","tokenCount":1800}],"trafficType":"ON_DEMAND"}})"},
    {UsageApi::kBedrockConverse, "us.anthropic.claude-sonnet-4-5",
     R"({"usage":{"cacheDetails":[{"inputTokens":297,"ttl":"5m"}],"cacheReadInputTokenCount":2074,
         "cacheReadInputTokens":2074,"cacheWriteInputTokenCount":297,"cacheWriteInputTokens":297,
         "inputTokens":3,"outputTokens":61,"serverToolUsage":{},"totalTokens":2435}})"},
    {UsageApi::kDeepSeek, "deepseek-chat",
     R"({"model":"deepseek-chat","usage":{"prompt_tokens":1200,"completion_tokens":80,
         "total_tokens":1280,"prompt_tokens_details":{"cached_tokens":1152},
         "prompt_cache_hit_tokens":1152,"prompt_cache_miss_tokens":48}})"},
    {UsageApi::kOpenRouter, "anthropic/claude-sonnet-4.6",
     R"({"model":"anthropic/claude-4.6-sonnet-20260217","usage":{"completion_tokens":53,
         "completion_tokens_details":{"audio_tokens":0,"image_tokens":0,"reasoning_tokens":0},
         "cost":0.00219855,"cost_details":{"upstream_inference_completions_cost":0.000795},
         "is_byok":false,"prompt_tokens":3329,"prompt_tokens_details":{"audio_tokens":0,
         "cache_write_tokens":115,"cached_tokens":3211,"video_tokens":0},"total_tokens":3382}})"},
    {UsageApi::kOtel, "",
     R"({"gen_ai.operation.name":"chat","gen_ai.response.model":"gpt-5",
         "gen_ai.usage.input_tokens":120,"gen_ai.usage.output_tokens":40,
         "gen_ai.usage.cache_read.input_tokens":30,
         "gen_ai.usage.cache_creation.input_tokens":10})"},
};

void usage_body(benchmark::State& state) {
  const Sample& sample = kSamples[state.range(0)];
  state.SetLabel(std::string(to_string(sample.api)));
  UsageReader reader;
  FARE_CHECK(reader.read(sample.api, sample.json, sample.model).status == UsageStatus::kRead);
  for (auto _ : state) {
    benchmark::DoNotOptimize(&reader.read(sample.api, sample.json, sample.model));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample.json.size()));
}
BENCHMARK(usage_body)->DenseRange(0, std::size(kSamples) - 1);

// A whole response of 40 kB, of which the usage is the end.
void usage_of_long_response(benchmark::State& state) {
  std::string json = R"({"id":"x","choices":[{"message":{"content":")";
  json += std::string(40'000, 'a');
  json += R"("}}],"usage":{"prompt_tokens":5,"completion_tokens":9000,"total_tokens":9005}})";
  UsageReader reader;
  for (auto _ : state) {
    benchmark::DoNotOptimize(&reader.read(UsageApi::kOpenAiChat, json));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(json.size()));
}
BENCHMARK(usage_of_long_response);

}  // namespace
}  // namespace fare
