// Those with usage fields of their own.  Facts: anthropic-sdk-python types/usage.py and
// beta_usage.py (2026-08), platform.claude.com "Compaction", ai.google.dev UsageMetadata,
// docs.aws.amazon.com API_runtime_TokenUsage and InvokeModel's model parameters, OpenTelemetry
// GenAI conventions 1.37-1.41 and the GenAI repository's migration guide.
#include "pricing/usage_tables.h"

namespace fare::tables {
namespace {

using enum Scope;

constexpr auto kClaude = std::to_array<Field>({
    object(kEnvelope, "usage", kUsage),
    object(kEnvelope, "message", kEnvelope),  // A stream's message_start.
    {kEnvelope, "model", FieldKind::kModel},
    count(kUsage, "input_tokens", Part::kFresh),
    count(kUsage, "cache_read_input_tokens", Part::kRead),
    count(kUsage, "cache_creation_input_tokens", Part::kWrite),
    object(kUsage, "cache_creation", kWriteDetails),
    count(kWriteDetails, "ephemeral_5m_input_tokens", Part::kWrite5m),
    count(kWriteDetails, "ephemeral_1h_input_tokens", Part::kWrite1h),
    count(kUsage, "output_tokens", Part::kOutput),
    object(kUsage, "output_tokens_details", kOutputDetails),
    count(kOutputDetails, "thinking_tokens", Part::kReasoning),
    object(kUsage, "server_tool_use", kServerTools),
    count(kServerTools, "web_search_requests", Part::kSearch),
    ignored(kServerTools, "web_fetch_requests"),                    // Costs its tokens only.
    {kServerTools, "code_execution_requests", FieldKind::kIfZero},  // By the container-hour.
    {kUsage, "service_tier", FieldKind::kTier},
    {kUsage, "inference_geo", FieldKind::kRegion},
    {kUsage, "speed", FieldKind::kSpeed},
    {kUsage, "iterations", FieldKind::kIterations},
    {kUsage, "type", FieldKind::kStepType},
    {kUsage, "model", FieldKind::kModel},
});

constexpr auto kGoogle = std::to_array<Field>({
    object(kEnvelope, "usageMetadata", kUsage),
    object(kEnvelope, "response", kEnvelope),
    {kEnvelope, "modelVersion", FieldKind::kModel},
    count(kUsage, "promptTokenCount", Part::kInput),
    modalities("promptTokensDetails", Part::kInput),
    modalities("promptTokenDetails", Part::kInput),  // Embeddings.
    count(kUsage, "toolUsePromptTokenCount", Part::kTool),
    modalities("toolUsePromptTokensDetails", Part::kTool),
    count(kUsage, "cachedContentTokenCount", Part::kRead),
    modalities("cacheTokensDetails", Part::kRead),
    count(kUsage, "candidatesTokenCount", Part::kOutput),
    modalities("candidatesTokensDetails", Part::kOutput),
    count(kUsage, "responseTokenCount", Part::kOutput),  // The Live API.
    modalities("responseTokensDetails", Part::kOutput),
    count(kUsage, "thoughtsTokenCount", Part::kThoughts),
    count(kUsage, "totalTokenCount", Part::kTotal),
    {kUsage, "trafficType", FieldKind::kTier},
    {kUsage, "serviceTier", FieldKind::kTier},
});

constexpr auto kNova = std::to_array<Field>({
    count(kUsage, "inputTokens", Part::kFresh),
    count(kUsage, "cacheReadInputTokens", Part::kRead),
    count(kUsage, "cacheReadInputTokenCount", Part::kRead),
    count(kUsage, "cacheWriteInputTokens", Part::kWrite),
    count(kUsage, "cacheWriteInputTokenCount", Part::kWrite),
    {kUsage, "cacheDetails", FieldKind::kCacheDetails},
    count(kUsage, "outputTokens", Part::kOutput),
    count(kUsage, "totalTokens", Part::kTotal),
});

constexpr auto kConverse =
    joined(std::to_array<Field>({
               object(kEnvelope, "usage", kUsage),
               object(kEnvelope, "metadata", kEnvelope),  // A stream's last event.
               object(kEnvelope, "serviceTier", kTier),
               {kTier, "type", FieldKind::kTier},
               object(kEnvelope, "performanceConfig", kOptions),
               {kOptions, "latency", FieldKind::kSpeed},
               object(kUsage, "serverToolUsage", kServerTools),
           }),
           kNova);

// By shape, which is the model's: Claude, Nova, Llama, or Chat Completions as Mistral's and
// OpenAI's models have it.
constexpr auto kInvoke = joined(joined(kClaude, kNova),
                                std::to_array<Field>({
                                    object(kEnvelope, "amazon-bedrock-invocationMetrics", kUsage),
                                    count(kUsage, "inputTokenCount", Part::kFresh),
                                    count(kUsage, "outputTokenCount", Part::kOutput),
                                    ignored(kUsage, "invocationLatency"),
                                    ignored(kUsage, "firstByteLatency"),
                                    count(kUsage, "prompt_token_count", Part::kInput),
                                    count(kUsage, "generation_token_count", Part::kOutput),
                                    ignored(kUsage, "generation"),
                                    ignored(kUsage, "stop_reason"),
                                    count(kUsage, "prompt_tokens", Part::kInput),
                                    count(kUsage, "completion_tokens", Part::kOutput),
                                    count(kUsage, "total_tokens", Part::kTotal),
                                    object(kUsage, "prompt_tokens_details", kInputDetails),
                                    count(kInputDetails, "cached_tokens", Part::kRead),
                                    object(kUsage, "completion_tokens_details", kOutputDetails),
                                    count(kOutputDetails, "reasoning_tokens", Part::kReasoning),
                                }));

constexpr auto kOtelOwn = std::to_array<Field>({
    {kEnvelope, "attributes", FieldKind::kAttributes},
    count(kUsage, "gen_ai.usage.input_tokens", Part::kInput),
    count(kUsage, "gen_ai.usage.output_tokens", Part::kOutput),
    count(kUsage, "gen_ai.usage.prompt_tokens", Part::kInput),  // Until 1.26.
    count(kUsage, "gen_ai.usage.completion_tokens", Part::kOutput),
    count(kUsage, "gen_ai.usage.total_tokens", Part::kTotal),
    count(kUsage, "gen_ai.usage.cache_read.input_tokens", Part::kRead),
    count(kUsage, "gen_ai.usage.cache_read_input_tokens", Part::kRead),  // In the wild.
    count(kUsage, "gen_ai.usage.cache_creation.input_tokens", Part::kWrite),
    count(kUsage, "gen_ai.usage.cache_creation_input_tokens", Part::kWrite),
    count(kUsage, "gen_ai.usage.cache_write.input_tokens", Part::kWrite),  // After 1.41.
    count(kUsage, "gen_ai.usage.reasoning.output_tokens", Part::kReasoning),
    {kUsage, "gen_ai.usage.cost", FieldKind::kCost},  // No convention, but usual.
    {kUsage, "gen_ai.response.model", FieldKind::kModel},
    {kUsage, "gen_ai.request.model", FieldKind::kModelAsked},
    {kUsage, "gen_ai.operation.name", FieldKind::kOperation},
    {kUsage, "openai.response.service_tier", FieldKind::kTier},
    {kUsage, "gen_ai.openai.response.service_tier", FieldKind::kTier},
});

constexpr auto kMeters = [] {
  std::array<Field, kMeterCount> fields{};
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    fields[i] = {kUsage, {}, FieldKind::kMeter, static_cast<std::uint8_t>(i)};
  }
  return fields;
}();

constexpr auto kClaudeIndex = index_of(kClaude);
constexpr auto kGoogleIndex = index_of(kGoogle);
constexpr auto kConverseIndex = index_of(kConverse);
constexpr auto kInvokeIndex = index_of(kInvoke);
constexpr auto kOtelIndex = index_of(kOtelOwn);

constexpr Dialect kClaudeDialect{.api = UsageApi::kAnthropic,
                                 .fields = kClaude,
                                 .index = &kClaudeIndex,
                                 .needs = Needs::kBoth,
                                 .merges_events = true,
                                 .has_lifetimes = true};
constexpr Dialect kGoogleDialect{UsageApi::kGemini, kGoogle, &kGoogleIndex, Needs::kUnlessTotal};
constexpr Dialect kConverseDialect{.api = UsageApi::kBedrockConverse,
                                   .fields = kConverse,
                                   .index = &kConverseIndex,
                                   .needs = Needs::kBoth,
                                   .has_lifetimes = true,
                                   .fresh_by_family = true};
constexpr Dialect kInvokeDialect{.api = UsageApi::kBedrockInvoke,
                                 .fields = kInvoke,
                                 .index = &kInvokeIndex,
                                 .needs = Needs::kBoth,
                                 .merges_events = true,
                                 .has_lifetimes = true};
constexpr Dialect kOtelDialect{.api = UsageApi::kOtel,
                               .fields = kOtelOwn,
                               .index = &kOtelIndex,
                               .needs = Needs::kBoth,
                               .own_prefix = "gen_ai.usage."};

}  // namespace

const Dialect& anthropic() { return kClaudeDialect; }
const Dialect& gemini() { return kGoogleDialect; }
const Dialect& bedrock(UsageApi api) {
  return api == UsageApi::kBedrockInvoke ? kInvokeDialect : kConverseDialect;
}
const Dialect& otel() { return kOtelDialect; }

const Dialect& canonical() {
  // The names are those of usage.cc, so this one table is made when it is first asked for.
  static const auto fields = [] {
    auto all = joined(std::to_array<Field>({object(kEnvelope, "usage", kUsage)}), kMeters);
    for (Field& field : all) {
      if (field.kind == FieldKind::kMeter) field.name = to_string(field.meter());
    }
    return all;
  }();
  static const auto index = index_of(fields);
  static const Dialect dialect{UsageApi::kCanonical, fields, &index, Needs::kAny};
  return dialect;
}

}  // namespace fare::tables
