// OpenAI's two APIs and everyone who copies the first.  Facts: openai-openapi CompletionUsage and
// ResponseUsage (2026-08), api-docs.deepseek.com, docs.x.ai "Cost Tracking" and "Prompt Caching",
// openrouter.ai "Usage Accounting", bodies recorded by pydantic-ai's tests.
#include "fare/check.h"
#include "pricing/usage_tables.h"

namespace fare::tables {
namespace {

using enum Scope;

constexpr auto kDetails = std::to_array<Field>({
    count(kInputDetails, "cached_tokens", Part::kRead),
    count(kInputDetails, "cache_write_tokens", Part::kWrite),
    count(kInputDetails, "text_tokens", Part::kInputText),
    count(kInputDetails, "audio_tokens", Part::kInputAudio),
    count(kInputDetails, "image_tokens", Part::kInputImage),
    count(kInputDetails, "video_tokens", Part::kInputVideo),
    object(kInputDetails, "cached_tokens_details", kReadDetails),
    count(kReadDetails, "text_tokens", Part::kReadText),
    count(kReadDetails, "audio_tokens", Part::kReadAudio),
    count(kReadDetails, "image_tokens", Part::kReadImage),
    count(kOutputDetails, "reasoning_tokens", Part::kReasoning),
    count(kOutputDetails, "text_tokens", Part::kOutputText),
    count(kOutputDetails, "audio_tokens", Part::kOutputAudio),
    count(kOutputDetails, "image_tokens", Part::kOutputImage),
    count(kOutputDetails, "video_tokens", Part::kOutputVideo),
    // Within the output, and billed as output whether they were accepted or not.
    ignored(kOutputDetails, "accepted_prediction_tokens"),
    ignored(kOutputDetails, "rejected_prediction_tokens"),
});

constexpr auto kChat = joined(std::to_array<Field>({
                                  object(kEnvelope, "usage", kUsage),
                                  {kEnvelope, "model", FieldKind::kModel},
                                  {kEnvelope, "service_tier", FieldKind::kTier},
                                  {kUsage, "service_tier", FieldKind::kTier},
                                  count(kUsage, "prompt_tokens", Part::kInput),
                                  count(kUsage, "completion_tokens", Part::kOutput),
                                  count(kUsage, "total_tokens", Part::kTotal),
                                  object(kUsage, "prompt_tokens_details", kInputDetails),
                                  object(kUsage, "completion_tokens_details", kOutputDetails),
                              }),
                              kDetails);

// The root of a usage may state the cached tokens too (Moonshot, Together, Hugging Face).
constexpr auto kOpenAi =
    joined(kChat, std::to_array<Field>({count(kUsage, "cached_tokens", Part::kRead)}));

constexpr auto kDeepSeekOwn = joined(std::to_array<Field>({
                                         count(kUsage, "prompt_cache_hit_tokens", Part::kRead),
                                         count(kUsage, "prompt_cache_miss_tokens", Part::kFresh),
                                     }),
                                     kChat);

constexpr auto kMistralOwn =
    joined(kChat, std::to_array<Field>({
                      count(kUsage, "num_cached_tokens", Part::kRead),
                      object(kUsage, "prompt_token_details", kInputDetails),
                  }));

constexpr auto kGrok = std::to_array<Field>({
    {kUsage, "cost_in_usd_ticks", FieldKind::kTicks},
    {kUsage, "num_sources_used", FieldKind::kIfZero},
    ignored(kUsage, "num_server_side_tools_used"),
    ignored(kUsage, "context_details"),
    object(kUsage, "server_side_tool_usage_details", kServerTools),
    sum(kServerTools, "web_search_calls", Part::kSearch),
    sum(kServerTools, "x_search_calls", Part::kSearch),
    {kServerTools, "code_interpreter_calls", FieldKind::kIfZero},
    {kServerTools, "file_search_calls", FieldKind::kIfZero},
    {kServerTools, "document_search_calls", FieldKind::kIfZero},
    {kServerTools, "image_generation_calls", FieldKind::kIfZero},
    {kServerTools, "mcp_calls", FieldKind::kIfZero},
});

// Its text_tokens is the whole prompt, images and all.
constexpr auto kXaiOwn =
    joined(joined(std::to_array<Field>({ignored(kInputDetails, "text_tokens")}), kGrok), kChat);

constexpr auto kGroqOwn = joined(kChat, std::to_array<Field>({
                                            object(kEnvelope, "x_groq", kEnvelope),
                                            ignored(kUsage, "queue_time"),
                                            ignored(kUsage, "prompt_time"),
                                            ignored(kUsage, "completion_time"),
                                            ignored(kUsage, "total_time"),
                                        }));

constexpr auto kRouterCost = std::to_array<Field>({
    {kUsage, "cost", FieldKind::kCost},
    {kUsage, "is_byok", FieldKind::kOwnKey},
    ignored(kUsage, "cost_details"),
});

constexpr auto kRouterOwn = joined(joined(kChat, kRouterCost),
                                   std::to_array<Field>({
                                       object(kUsage, "server_tool_use", kServerTools),
                                       object(kUsage, "server_tool_use_details", kServerTools),
                                       count(kServerTools, "web_search_requests", Part::kSearch),
                                       ignored(kServerTools, "tool_calls_requested"),
                                       ignored(kServerTools, "tool_calls_executed"),
                                   }));

constexpr auto kResponses =
    joined(joined(std::to_array<Field>({
                      object(kEnvelope, "usage", kUsage),
                      object(kEnvelope, "response", kEnvelope),
                      {kEnvelope, "model", FieldKind::kModel},
                      {kEnvelope, "service_tier", FieldKind::kTier},
                      object(kEnvelope, "prompt_cache_options", kOptions),
                      {kOptions, "ttl", FieldKind::kTimeToLive},
                      {kUsage, "service_tier", FieldKind::kTier},
                      count(kUsage, "input_tokens", Part::kInput),
                      count(kUsage, "output_tokens", Part::kOutput),
                      count(kUsage, "total_tokens", Part::kTotal),
                      object(kUsage, "input_tokens_details", kInputDetails),
                      object(kUsage, "output_tokens_details", kOutputDetails),
                      object(kUsage, "input_token_details", kInputDetails),  // Realtime.
                      object(kUsage, "output_token_details", kOutputDetails),
                  }),
                  kDetails),
           joined(kGrok, kRouterCost));  // xAI and OpenRouter copy this one too.

constexpr auto kOpenAiIndex = index_of(kOpenAi);
constexpr auto kDeepSeekIndex = index_of(kDeepSeekOwn);
constexpr auto kMistralIndex = index_of(kMistralOwn);
constexpr auto kXaiIndex = index_of(kXaiOwn);
constexpr auto kGroqIndex = index_of(kGroqOwn);
constexpr auto kRouterIndex = index_of(kRouterOwn);
constexpr auto kResponsesIndex = index_of(kResponses);

constexpr Dialect kDialects[] = {
    {UsageApi::kOpenAiChat, kOpenAi, &kOpenAiIndex, Needs::kInput},
    {UsageApi::kDeepSeek, kDeepSeekOwn, &kDeepSeekIndex, Needs::kInput},
    {UsageApi::kMistral, kMistralOwn, &kMistralIndex, Needs::kInput},
    {.api = UsageApi::kXai,
     .fields = kXaiOwn,
     .index = &kXaiIndex,
     .needs = Needs::kInput,
     .reasoning_by_total = true},
    {UsageApi::kGroq, kGroqOwn, &kGroqIndex, Needs::kInput},
    {UsageApi::kTogether, kOpenAi, &kOpenAiIndex, Needs::kInput},
    {UsageApi::kFireworks, kOpenAi, &kOpenAiIndex, Needs::kInput},
    {UsageApi::kOpenRouter, kRouterOwn, &kRouterIndex, Needs::kInput},
    {UsageApi::kOpenAiResponses, kResponses, &kResponsesIndex, Needs::kBoth},
};

}  // namespace

const Dialect& chat(UsageApi api) {
  for (const Dialect& dialect : kDialects) {
    if (dialect.api == api) return dialect;
  }
  FARE_CHECK(false);
  __builtin_unreachable();
}

const Dialect& responses() { return chat(UsageApi::kOpenAiResponses); }

}  // namespace fare::tables
