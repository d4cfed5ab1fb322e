#include "fare/usage_body.h"

#include <array>
#include <optional>

#include "pricing/usage_findings.h"
#include "pricing/usage_reading.h"

namespace fare {
namespace {

constexpr std::array<std::string_view, kUsageApiCount> kApis = {"canonical",
                                                                "openai-chat",
                                                                "openai-responses",
                                                                "anthropic",
                                                                "gemini",
                                                                "bedrock-converse",
                                                                "bedrock-invoke",
                                                                "deepseek",
                                                                "mistral",
                                                                "xai",
                                                                "groq",
                                                                "together",
                                                                "fireworks",
                                                                "openrouter",
                                                                "otel"};

constexpr std::array<std::string_view, 3> kStatuses = {"usage_read", "usage_missing",
                                                       "usage_malformed"};

}  // namespace

std::string_view to_string(UsageApi api) { return kApis[static_cast<std::size_t>(api)]; }

std::optional<UsageApi> usage_api_named(std::string_view name) {
  for (std::size_t i = 0; i < kUsageApiCount; ++i) {
    if (kApis[i] == name) return static_cast<UsageApi>(i);
  }
  return std::nullopt;
}

std::string_view to_string(UsageStatus status) {
  return kStatuses[static_cast<std::size_t>(status)];
}

struct UsageReader::State {
  UsageReport report;
  Findings findings{report};
  UsageBuffers buffers;
};

UsageReader::UsageReader() : state_(std::make_unique<State>()) {}
UsageReader::~UsageReader() = default;
UsageReader::UsageReader(UsageReader&&) noexcept = default;
UsageReader& UsageReader::operator=(UsageReader&&) noexcept = default;

const UsageReport& UsageReader::read(UsageApi api, std::string_view json, std::string_view model) {
  State& state = *state_;
  state.findings.reset();
  read_usage_body(dialect_of(api), json, model, state.buffers, state.report, state.findings);
  state.findings.finish();
  return state.report;
}

}  // namespace fare
