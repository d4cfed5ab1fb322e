#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/usage.h"       // Meter.
#include "fare/usage_body.h"  // UsageApi.

namespace fare {

// What a vendor states, before it is made disjoint.  The four groups of five are a total and what
// of it is text, audio, image and video, in this order.
enum class Part : std::uint8_t {
  kInput,  // All input, cached or not.
  kInputText,
  kInputAudio,
  kInputImage,
  kInputVideo,
  kTool,  // Input that came back from tools; beside kInput.
  kToolText,
  kToolAudio,
  kToolImage,
  kToolVideo,
  kRead,  // Input read from a cache.
  kReadText,
  kReadAudio,
  kReadImage,
  kReadVideo,
  kOutput,  // Output; thoughts beside it are kThoughts.
  kOutputText,
  kOutputAudio,
  kOutputImage,
  kOutputVideo,
  kFresh,      // Input neither read from a cache nor written to one.
  kWrite,      // Input written to a cache, whatever its time to live.
  kWrite5m,    // Of that: for five minutes,
  kWrite1h,    // for an hour,
  kWrite12h,   // for twelve.
  kReasoning,  // Thought, within kOutput.
  kThoughts,   // Thought, beside kOutput.
  kTotal,      // Everything.
  kSearch,
};
inline constexpr std::size_t kPartCount = 29;

constexpr Part operator+(Part group, int offset) {
  return static_cast<Part>(static_cast<int>(group) + offset);
}

// Which object of a body a field stands in.
enum class Scope : std::uint8_t {
  kEnvelope,  // The response or event around the usage; what is unknown there is not ours.
  kUsage,
  kInputDetails,
  kReadDetails,
  kOutputDetails,
  kWriteDetails,
  kServerTools,
  kTier,
  kOptions,
};

enum class FieldKind : std::uint8_t {
  kCount,         // A Part; two fields of one Part must agree.
  kSum,           // A Part that several fields add up to.
  kMeter,         // A Meter, already disjoint.
  kObject,        // An object: another Scope.
  kIgnored,       // Known not to bear on the cost.
  kIfZero,        // Costs, but no meter of ours counts it: unknown unless it is zero.
  kModel,         // The model that answered.
  kModelAsked,    // The model that was asked for; stands in for the former.
  kTier,          // The service tier that served.
  kSpeed,         // The speed mode.
  kRegion,        // Where it was served.
  kOperation,     // What was done: embeddings have no output.
  kTimeToLive,    // Of all cache writes.
  kCost,          // Dollars: a JSON number.
  kTicks,         // Ten billionths of a dollar.
  kOwnKey,        // Whether the caller's own key paid the vendor.
  kModalities,    // [{"modality": "AUDIO", "tokenCount": 5}]; a group of Parts.
  kCacheDetails,  // [{"ttl": "1h", "inputTokens": 5}].
  kIterations,    // Usages of the steps that one response took.
  kStepType,      // The type of such a step.
  kAttributes,    // OpenTelemetry: [{"key": "k", "value": {"intValue": "5"}}], or an object.
};

struct Field {
  Scope scope;
  std::string_view name;
  FieldKind kind;
  std::uint8_t what = 0;  // A Part, Meter or Scope, by kind.

  constexpr Part part() const { return static_cast<Part>(what); }
  constexpr Meter meter() const { return static_cast<Meter>(what); }
  constexpr Scope object() const { return static_cast<Scope>(what); }
};

// Which counts must be there for a usage to be known.
enum class Needs : std::uint8_t {
  kAny,          // One of them.
  kBoth,         // Input and output.
  kInput,        // Input; no output where the total says so, as for embeddings.
  kUnlessTotal,  // As protocol buffers are written, a zero is left out: the total tells.
};

// How one API states usage: a table of fields, and what a table cannot say.
struct Dialect {
  UsageApi api;
  std::span<const Field> fields;  // The first field of a Part is the one that is rendered.
  const std::array<std::uint8_t, 256>* index;
  Needs needs;
  bool merges_events = false;       // A stream's later events state some counts, not all.
  bool has_lifetimes = false;       // Cache writes are stated by time to live.
  bool fresh_by_family = false;     // Whether "fresh" input is fresh depends on the model.
  bool reasoning_by_total = false;  // Whether reasoning is within the output: the total tells.
  std::string_view own_prefix{};    // Only members that begin so can be unknown.

  const Field* find(Scope scope, std::string_view name) const;
  bool has(Part part) const;
};

const Dialect& dialect_of(UsageApi api);

// The field's path below the usage: "prompt_tokens_details/cached_tokens".
std::string path_of(const Dialect& dialect, const Field& field);

}  // namespace fare
