// Goal: a real usage body costs what an independent implementation says, to the last digit.
// Method: genai-prices' exact decimal prices of 809 recorded bodies, for every provider that our
// tables carry; each difference is one of the kinds listed here, with the vendor's word for it.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fare/price_book.h"
#include "pricing/golden_usages.h"
#include "pricing/shipped_tables.h"

namespace fare {
namespace {

// "9E-7" as dollars: their decimals may have an exponent.
Cost decimal(const std::string& text) {
  const std::size_t e = text.find_first_of("eE");
  std::string digits = text.substr(0, e);
  int exponent = e == std::string::npos ? 0 : std::stoi(text.substr(e + 1));
  const std::size_t point = digits.find('.');
  if (point != std::string::npos) {
    exponent -= static_cast<int>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  Int128 count = std::stoll(digits);
  for (exponent += 12; exponent > 0; --exponent) count *= 10;
  for (; exponent < 0 && count % 10 == 0; ++exponent) count /= 10;
  EXPECT_EQ(exponent, 0) << text << " is finer than a picodollar";
  return Cost(count);
}

Cost published(const GoldenPair& pair) {
  if (!pair.total_price.empty()) return decimal(pair.total_price);
  Cost total;
  if (!pair.input_price.empty()) total += decimal(pair.input_price);
  if (!pair.output_price.empty()) total += decimal(pair.output_price);
  return total;
}

// The usage as their extractor sees it: without what it has no mapping for (usage_golden_test.cc
// has the vendors' words on each).  What is not mapped stays in the total of input and is billed as
// such.
Usage as_they_see(const GoldenPair& pair, Usage usage) {
  usage[Meter::kSearch] = Tokens(0);
  const bool input_only = pair.flavor == "embeddings";
  const bool no_writes = input_only || (pair.provider == "azure" && pair.flavor != "anthropic");
  const bool no_reads = input_only || pair.provider == "mistral";
  const auto move = [&usage](Meter from) {
    usage[Meter::kInput] += usage[from];
    usage[from] = Tokens(0);
  };
  if (no_writes) move(Meter::kCacheWrite5m);
  if (no_reads) move(Meter::kCacheRead);
  if (!input_only) return usage;
  for (const Meter meter : {Meter::kInputAudio, Meter::kInputImage, Meter::kCacheReadAudio}) {
    move(meter);
  }
  for (const Meter meter : {Meter::kOutput, Meter::kOutputReasoning, Meter::kOutputAudio}) {
    usage[meter] = Tokens(0);
  }
  return usage;
}

// A model whose price, name or terms differ on purpose.
struct Difference {
  std::string_view provider;
  std::string_view model;
  std::string_view kind;  // The reason.
};

constexpr Difference kDifferences[] = {
    // "sum across all entries in the usage.iterations array" (platform.claude.com, Compaction):
    // theirs leaves the compaction out.
    {"anthropic", "claude-sonnet-4-6", "compaction"},
    {"aws", "claude-sonnet-4-6", "compaction"},
    {"azure", "claude-sonnet-4-6", "compaction"},
    {"google", "claude-sonnet-4-6", "compaction"},
    // Bedrock followed the cut of 2026-07-30; genai-prices 0.1.8 has it, the golden file not yet.
    {"aws", "openai.gpt-5.6-luna", "cut 2026-07-30"},
    // Audio has rates of its own (OpenAI pricing, Audio tokens): theirs bills it as text.
    {"openai", "gpt-4o-audio-preview-2024-12-17", "audio"},
    {"azure", "gpt-4o-audio-preview-2024-12-17", "audio"},
    // Theirs falls back to OpenRouter's price.
    {"azure", "gpt-oss-120b", "another provider's price"},
    // Theirs matches by a part of the name; DeepSeek does not sell the distilled model.
    {"deepseek", "deepseek-r1-distill-llama-70b", "another model's price"},
    // serviceTier "flex": half of the standard price (ai.google.dev, Flex inference).
    {"google", "gemini-3-flash-preview", "flex"},
    // The alias had moved: Mistral Large 3 on 2025-12-02, Medium 3.5 on 2026-06-16.
    {"mistral", "mistral-large-latest", "alias moved"},
    {"mistral", "mistral-medium-latest", "alias moved"},
    // 4/20 since 2026-08-21 (OpenAI pricing); theirs is 5/30.
    {"openai", "gpt-5.6-sol", "cut 2026-08-21"},
    // Over 200,000 tokens of input (Vertex AI pricing); theirs had no band for Vertex then.
    {"google", "claude-sonnet-4-5-20250929", "no band"},
};

std::string kind_of(const GoldenPair& pair, const GoldenBody& body) {
  for (const Difference& difference : kDifferences) {
    if (difference.provider == pair.provider && difference.model == body.model) {
      return std::string(difference.kind);
    }
  }
  return "";
}

class GoldenPricesTest : public testing::Test {
 protected:
  std::optional<Cost> cost(const GoldenPair& pair, const GoldenBody& body, const Usage& usage,
                           const Terms& terms) const {
    const ModelMatch match = book_.find(pair.provider, body.model, kPricedAt);
    if (match.status != LookUp::kFound) return std::nullopt;
    return book_.cost(match.model, usage, kPricedAt, terms);
  }

  // "equal", why not, or nothing if that is not explained.
  std::string compare(UsageApi api, const GoldenPair& pair, const GoldenBody& body) {
    const UsageReport& report = reader_.read(api, body.json, body.model);
    if (report.status != UsageStatus::kRead) return "";
    const Cost theirs = published(pair);
    if (cost(pair, body, report.usage, report.terms) == theirs) return "equal";
    const Usage seen = as_they_see(pair, report.usage);
    if (cost(pair, body, seen, report.terms) == theirs) return "not mapped";
    return kind_of(pair, body);
  }

  const Instant kPricedAt = parse_instant("2026-08-21T00:00:00Z").value();
  const PriceBook& book_ = shipped_book();
  UsageReader reader_;
};

TEST_F(GoldenPricesTest, EveryBodyCostsWhatIsPublished) {
  const std::vector<GoldenBody> bodies = golden_usages();
  if (bodies.empty()) GTEST_SKIP() << "../shared/data/pricing is not there";
  std::set<std::string> carried;
  for (std::uint32_t i = 0; i < book_.size(); ++i) {
    carried.insert(std::string(book_.facts(static_cast<ModelId>(i)).provider));
  }
  std::map<std::string, int> kinds;
  for (const GoldenBody& body : bodies) {
    for (const GoldenPair& pair : body.pairs) {
      if (pair.input_price.empty() || !carried.contains(pair.provider)) continue;
      const std::optional<UsageApi> api = golden_api(pair.provider, pair.flavor);
      const std::string kind = api ? compare(*api, pair, body) : "";
      EXPECT_NE(kind, "") << fmt::format("{}/{} {}: {} published for {}", pair.provider,
                                         pair.flavor, body.model, to_usd(published(pair)),
                                         body.json);
      ++kinds[kind];
    }
  }
  const std::map<std::string, int> expected = {
      {"equal", 1442},       {"not mapped", 204},   {"alias moved", 29},
      {"audio", 4},          {"compaction", 4},     {"another provider's price", 8},
      {"cut 2026-07-30", 3}, {"cut 2026-08-21", 4}, {"another model's price", 1},
      {"flex", 1},           {"no band", 1},
  };
  EXPECT_EQ(kinds, expected);
}

}  // namespace
}  // namespace fare
