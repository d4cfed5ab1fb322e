#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "fare/usage_body.h"
#include "pricing/usage_fields.h"
#include "pricing/usage_parts.h"

namespace fare {
namespace {

// Which part states a meter that is not the whole of something.
struct Detail {
  Meter meter;
  Part part;
};
constexpr Detail kDetails[] = {
    {Meter::kInputAudio, Part::kInputAudio},    {Meter::kInputImage, Part::kInputImage},
    {Meter::kInputVideo, Part::kInputVideo},    {Meter::kCacheReadAudio, Part::kReadAudio},
    {Meter::kCacheReadImage, Part::kReadImage}, {Meter::kCacheReadVideo, Part::kReadVideo},
    {Meter::kCacheRead, Part::kRead},           {Meter::kCacheWrite1h, Part::kWrite1h},
    {Meter::kCacheWrite12h, Part::kWrite12h},   {Meter::kOutputAudio, Part::kOutputAudio},
    {Meter::kOutputImage, Part::kOutputImage},  {Meter::kSearch, Part::kSearch},
};
// Meters that no usage states.
constexpr Meter kElsewhere[] = {Meter::kCacheStorage, Meter::kReservedHour};

class Renderer {
 public:
  Renderer(const Dialect& dialect, const Usage& usage) : dialect_(dialect), usage_(usage) {}

  std::optional<std::string> render() {
    if (!is_countable()) return std::nullopt;
    if (dialect_.api != UsageApi::kCanonical) {
      if (!can_state()) return std::nullopt;
      fill();
    }
    std::string text;
    write_object(Scope::kUsage, text);
    for (std::size_t i = 0; i < kPartCount; ++i) {
      if (parts_.get(static_cast<Part>(i)) > kTokensMax.count()) return std::nullopt;
    }
    return text;
  }

 private:
  std::int64_t count(Meter meter) const { return usage_[meter].count(); }
  void state(Part part, std::int64_t value) { parts_[part].value = value; }

  bool is_countable() const {
    for (std::size_t i = 0; i < kMeterCount; ++i) {
      const Tokens tokens = usage_[static_cast<Meter>(i)];
      if (tokens < Tokens(0) || tokens > kTokensMax) return false;
    }
    return true;
  }

  bool can_state() const {
    const bool writes = dialect_.has(Part::kWrite);
    if (usage_[Meter::kRequest] != Tokens(1)) return false;
    if (count(Meter::kCacheWrite5m) > 0 && !writes) return false;
    if (count(Meter::kOutputReasoning) > 0 && !dialect_.has(Part::kReasoning) &&
        !dialect_.has(Part::kThoughts)) {
      return false;
    }
    for (const Meter meter : kElsewhere) {
      if (count(meter) > 0) return false;
    }
    return std::all_of(std::begin(kDetails), std::end(kDetails), [this](const Detail& detail) {
      return count(detail.meter) == 0 || dialect_.has(detail.part);
    });
  }

  // The reverse of disjoint(): totals from leaves.
  void fill() {
    for (const Detail& detail : kDetails) state(detail.part, count(detail.meter));
    std::int64_t read = count(Meter::kCacheRead);
    for (int i = 0; i < 3; ++i) {
      const std::int64_t cached = parts_.get(Part::kReadAudio + i);
      state(Part::kInputAudio + i, parts_.get(Part::kInputAudio + i) + cached);
      read += cached;
    }
    const std::int64_t written =
        count(Meter::kCacheWrite5m) + count(Meter::kCacheWrite1h) + count(Meter::kCacheWrite12h);
    const std::int64_t input = usage_.total_input().count();
    const std::int64_t output = usage_.total_output().count();
    const std::int64_t thought = count(Meter::kOutputReasoning);
    const bool beside = dialect_.has(Part::kThoughts) || dialect_.reasoning_by_total;
    state(Part::kRead, read);
    state(Part::kWrite, written);
    state(Part::kWrite5m, count(Meter::kCacheWrite5m));
    state(Part::kInput, input);
    state(Part::kFresh, input - read - written);
    state(Part::kOutput, output - (beside ? thought : 0));
    state(Part::kReasoning, thought);
    state(Part::kThoughts, thought);
    state(Part::kTotal, input + output);
  }

  // Whether this is the field that states its part; zeros that need no stating are left out.
  bool is_stated(const Field& field) const {
    const auto first =
        std::find_if(dialect_.fields.begin(), dialect_.fields.end(), [&field](const Field& other) {
          return (other.kind == FieldKind::kCount || other.kind == FieldKind::kSum) &&
                 other.what == field.what;
        });
    if (&*first != &field) return false;
    switch (field.part()) {
      case Part::kInput:
      case Part::kFresh:
        return dialect_.api != UsageApi::kBedrockInvoke || field.part() == Part::kFresh;
      case Part::kOutput:
        return true;
      case Part::kTotal:
        return dialect_.api != UsageApi::kBedrockInvoke;
      default:
        return parts_.get(field.part()) > 0;
    }
  }

  void write_object(Scope scope, std::string& out) const {
    out += '{';
    for (const Field& field : dialect_.fields) {
      if (field.scope != scope) continue;
      const std::size_t before = out.size();
      if (out.back() != '{') out += ',';
      fmt::format_to(std::back_inserter(out), "\"{}\":", field.name);
      if (!write_value(field, out)) out.resize(before);
    }
    out += '}';
  }

  bool write_value(const Field& field, std::string& out) const {
    const std::size_t before = out.size();
    switch (field.kind) {
      case FieldKind::kCount:
      case FieldKind::kSum:
        if (!is_stated(field)) return false;
        fmt::format_to(std::back_inserter(out), "{}", parts_.get(field.part()));
        return true;
      case FieldKind::kMeter:
        if (!is_told(field.meter())) return false;
        fmt::format_to(std::back_inserter(out), "{}", count(field.meter()));
        return true;
      case FieldKind::kObject:
        write_object(field.object(), out);
        return out.size() > before + 2;
      case FieldKind::kModalities:
        return write_modalities(field.part(), out);
      case FieldKind::kCacheDetails:
        return write_lifetimes(out);
      default:
        return false;
    }
  }

  bool is_told(Meter meter) const {
    if (meter == Meter::kRequest) return count(meter) != 1;
    return meter == Meter::kInput || count(meter) > 0;
  }

  // One list a group: the first.
  bool write_modalities(Part group, std::string& out) const {
    constexpr std::string_view kNames[] = {"AUDIO", "IMAGE", "VIDEO"};
    if (group == Part::kTool || out.ends_with("\"promptTokenDetails\":") ||
        out.ends_with("\"responseTokensDetails\":")) {
      return false;
    }
    out += '[';
    for (int i = 0; i < 3; ++i) {
      const std::int64_t tokens = parts_.get(group + (2 + i));
      if (tokens == 0) continue;
      fmt::format_to(std::back_inserter(out), R"({}{{"modality":"{}","tokenCount":{}}})",
                     out.back() == '[' ? "" : ",", kNames[i], tokens);
    }
    const bool any = out.back() != '[';
    out += ']';
    return any;
  }

  bool write_lifetimes(std::string& out) const {
    if (parts_.get(Part::kWrite) == 0) return false;
    fmt::format_to(std::back_inserter(out),
                   R"([{{"ttl":"1h","inputTokens":{}}},{{"ttl":"5m","inputTokens":{}}}])",
                   parts_.get(Part::kWrite1h), parts_.get(Part::kWrite5m));
    return true;
  }

  const Dialect& dialect_;
  const Usage& usage_;
  Parts parts_;
};

}  // namespace

std::optional<std::string> render_usage(UsageApi api, const Usage& usage) {
  return Renderer(dialect_of(api), usage).render();
}

}  // namespace fare
