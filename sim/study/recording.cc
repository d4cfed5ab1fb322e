#include "study/recording.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "traffic/client_mix.h"
#include "traffic/prompt_trace.h"
#include "traffic/trace.h"

namespace routesim {
namespace {

namespace json = fare::json;
using fare::ErrorCode;

constexpr std::size_t kPathMax = 4'096;
constexpr std::string_view kClients = "servegen";
constexpr std::array<std::pair<std::string_view, PromptFormat>, 3> kPrompts = {
    {{"claude-code", PromptFormat::kClaudeCode},
     {"mooncake-prompts", PromptFormat::kMooncake},
     {"ragpulse-prompts", PromptFormat::kRagPulse}}};

std::optional<PromptFormat> prompts_of(std::string_view format) {
  for (const auto& [name, prompts] : kPrompts) {
    if (name == format) return prompts;
  }
  return std::nullopt;
}

bool is_known(const std::string& format) {
  return format == kClients || prompts_of(format) || parse_trace_format(format);
}

fare::Expected<TrafficModel> with_times(TrafficModel model, const Recording& recording) {
  const fare::Expected<TraceFormat> format = parse_trace_format(recording.format);
  if (!format) {
    fare::Errors errors = format.error();
    errors.front().message += "; or servegen, claude-code, mooncake-prompts, ragpulse-prompts";
    return tl::unexpected<fare::Errors>(std::move(errors));
  }
  fare::Expected<Trace> trace = read_trace(recording.path, {.format = *format});
  if (!trace) return tl::unexpected<fare::Errors>(std::move(trace.error()));
  return with_trace(std::move(model), std::move(*trace));
}

}  // namespace

std::optional<Recording> read_recording(const fare::JsonNode& node) {
  Recording recording;
  fare::ObjectReader reader(node);
  reader.required("file", recording.path, json::text(kPathMax));
  if (reader.optional("format", recording.format, json::text(64)) && !is_known(recording.format)) {
    node.member("format").must_be(ErrorCode::kUnknownName,
                                  "a format of traces, clients or prompts: auto, azure, plain, "
                                  "servegen, claude-code, mooncake-prompts, ...");
  }
  const auto belongs_to = [&](const std::string& key, std::string_view format) {
    if (!node.has(key) || recording.format == format) return;
    node.member(key).problem(ErrorCode::kUnknownKey,
                             fmt::format("belongs to the format \"{}\" alone", format));
  };
  reader.optional("open_loop", recording.open_loop, json::boolean());
  reader.optional("block_tokens", recording.block_tokens, json::integer(1, 1'000'000));
  double window = 600;
  reader.optional("window_seconds", window, json::number(0.001, 86'400));
  recording.window = fare::Duration(std::llround(window * 1e9));
  belongs_to("open_loop", "claude-code");
  belongs_to("block_tokens", "mooncake-prompts");
  belongs_to("window_seconds", kClients);
  reader.finish();
  return reader.ok() ? std::optional<Recording>(std::move(recording)) : std::nullopt;
}

fare::Expected<TrafficModel> with_recording(TrafficModel model, const Recording& recording) {
  if (recording.format == kClients) {
    auto mix = read_client_mix(recording.path, {.window = recording.window, .bad_lines_max = 0});
    if (!mix) return tl::unexpected<fare::Errors>(std::move(mix.error()));
    return with_clients(std::move(model), std::move(mix->clients));
  }
  const std::optional<PromptFormat> format = prompts_of(recording.format);
  if (!format) return with_times(std::move(model), recording);
  auto prompts = read_prompt_trace(recording.path,
                                   {.format = *format, .block_tokens = recording.block_tokens});
  if (!prompts) return tl::unexpected<fare::Errors>(std::move(prompts.error()));
  return with_prompts(std::move(model), std::move(*prompts), recording.open_loop);
}

}  // namespace routesim
