#include "pricing/golden_usages.h"
#include "places.h"

#include <zlib.h>

#include <nlohmann/json.hpp>

namespace fare {
namespace {

using Json = nlohmann::ordered_json;

std::string unpacked(const std::string& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  char block[1 << 16];
  for (int size; (size = gzread(file, block, sizeof block)) > 0;) {
    text.append(block, static_cast<std::size_t>(size));
  }
  gzclose(file);
  return text;
}

void add_pairs(const Json& extracted, std::vector<GoldenPair>& pairs) {
  for (const Json& extractor : extracted.at("extractors")) {
    GoldenPair pair;
    pair.provider = extractor.at("provider_id");
    pair.flavor = extractor.at("api_flavor");
    pair.input_price = extractor.value("input_price", "");
    pair.output_price = extractor.value("output_price", "");
    pair.total_price = extractor.value("total_price", "");
    for (const auto& [unit, count] : extracted.at("usage").items()) pair.usage[unit] = count;
    pairs.push_back(std::move(pair));
  }
}

}  // namespace

std::vector<GoldenBody> golden_usages() {
  const std::string text = unpacked(std::string(fare::kSourceDir) +
                                    "/../shared/data/pricing/genai_prices_golden_usages.json.gz");
  std::vector<GoldenBody> bodies;
  if (text.empty()) return bodies;
  for (const Json& entry : Json::parse(text)) {
    GoldenBody body;
    body.json = entry.at("body").dump();
    body.file = entry.at("body").at("file");
    body.model = entry.value("model", "");
    for (const Json& extracted : entry.at("extracted")) add_pairs(extracted, body.pairs);
    bodies.push_back(std::move(body));
  }
  return bodies;
}

std::optional<UsageApi> golden_api(std::string_view provider, std::string_view flavor) {
  struct Row {
    std::string_view provider, flavor;
    UsageApi api;
  };
  static constexpr Row kRows[] = {
      {"aws", "default", UsageApi::kBedrockConverse},
      {"aws", "anthropic", UsageApi::kBedrockInvoke},
      {"anthropic", "default", UsageApi::kAnthropic},
      {"minimax", "default", UsageApi::kAnthropic},
      {"google", "default", UsageApi::kGemini},
      {"deepseek", "chat", UsageApi::kDeepSeek},
      {"mistral", "default", UsageApi::kMistral},
      {"x-ai", "chat", UsageApi::kXai},
      {"groq", "default", UsageApi::kGroq},
      {"fireworks", "chat", UsageApi::kFireworks},
      {"openrouter", "chat", UsageApi::kOpenRouter},
      {"huggingface_groq", "chat", UsageApi::kGroq},
      {"huggingface_together", "chat", UsageApi::kTogether},
      {"huggingface_fireworks-ai", "chat", UsageApi::kFireworks},
  };
  for (const Row& row : kRows) {
    if (row.provider == provider && row.flavor == flavor) return row.api;
  }
  if (provider == "cohere") return std::nullopt;
  if (flavor == "anthropic") return UsageApi::kAnthropic;
  if (flavor == "responses") return UsageApi::kOpenAiResponses;
  if (flavor == "chat" || flavor == "embeddings") return UsageApi::kOpenAiChat;
  // Cohere's shapes, Perplexity's own counts, and xAI's fields of 2024 are not ours.
  return std::nullopt;
}

}  // namespace fare
