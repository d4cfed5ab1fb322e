#pragma once

#include <cstdint>      // std::uint8_t.
#include <memory>       // std::unique_ptr.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Errors.
#include "fare/money.h"     // Cost.
#include "fare/terms.h"     // Terms.
#include "fare/usage.h"     // Usage.

namespace fare {

// Whose usage fields a body follows.
enum class UsageApi : std::uint8_t {
  kCanonical,        // Our own: {"input": 5, "cache_read": 3}, disjoint.
  kOpenAiChat,       // Chat Completions, and everyone who copies it; embeddings too.
  kOpenAiResponses,  // Responses.
  kAnthropic,        // Messages, also as Bedrock InvokeModel and Vertex return them.
  kGemini,           // generateContent, Gemini API and Vertex.
  kBedrockConverse,  // Converse.
  kBedrockInvoke,    // InvokeModel, by the model's own family (Nova, Llama, Mistral, Claude).
  kDeepSeek,
  kMistral,
  kXai,
  kGroq,
  kTogether,
  kFireworks,
  kOpenRouter,  // Chat Completions with its own `cost`.
  kOtel,        // OpenTelemetry GenAI attributes, semantic conventions 1.37 and later.
};

inline constexpr std::size_t kUsageApiCount = 15;

// The name on command lines: "openai-chat", "bedrock-converse".
[[nodiscard]] std::string_view to_string(UsageApi api);
[[nodiscard]] std::optional<UsageApi> usage_api_named(std::string_view name);

enum class UsageStatus : std::uint8_t {
  kRead,
  kMissing,    // No usage, or not all the counts its API always states: unknown, not zero.
  kMalformed,  // A count that is no count, counts that contradict each other, a tier or speed
               // whose rates nobody knows.
};

[[nodiscard]] std::string_view to_string(UsageStatus status);  // "usage_missing", ...

// What another model used within one response (an advisor), billed at that model's own rates.
struct OtherUsage {
  std::string model;
  Usage usage;  // Without a request: there was one, and it is in the usage beside this.
};

// One usage body, read.
struct UsageReport {
  UsageStatus status = UsageStatus::kMissing;
  Usage usage;                        // If read: disjoint meters.
  Terms terms;                        // As the body says it was served; the region views `region`.
  std::vector<OtherUsage> others;     // To be added to the cost of `usage`; rarely any.
  std::string model;                  // The model that the body names, or empty.
  std::string region;                 // Where it was served, as the body names it.
  std::optional<Cost> reported_cost;  // What the vendor says it costs: to reconcile, not to trust.
  Errors problems;                    // If not read: each with its JSON pointer, value and rule.
  std::vector<std::string> unknown;   // Members of the usage that nobody read, as JSON pointers.
  std::vector<std::string> notes;     // What was inferred, and why.
};

// Reads usage bodies of vendors into disjoint meters.  Keeps its buffers from call to call, so that
// reading a well-formed body allocates nothing after the first few; one for each thread.
class UsageReader {
 public:
  UsageReader();
  ~UsageReader();
  UsageReader(UsageReader&&) noexcept;
  UsageReader& operator=(UsageReader&&) noexcept;

  // Reads `json`: the usage object itself, the whole response that holds it, or an array of the
  // events of a stream, whose cumulative counts the last one ends.  `model` decides where an API
  // counts differently by model family; the body's own model stands in where it is empty.
  // Whatever is wrong is in the report: absent is not zero, malformed is not absent.  The report
  // lives until the next call.
  [[nodiscard]] const UsageReport& read(UsageApi api, std::string_view json,
                                        std::string_view model = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes `usage` as a body of that API that read() turns into the same usage again.  Nothing if the
// API has no field for a meter that was used.
[[nodiscard]] std::optional<std::string> render_usage(UsageApi api, const Usage& usage);

}  // namespace fare
