#include "traffic/prompt_trace.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/nearest.h"
#include "traffic/byte_source.h"
#include "traffic/field_text.h"
#include "traffic/line_reader.h"
#include "traffic/prompt_parser.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::size_t kErrorsMax = 100;
constexpr std::array<std::string_view, 3> kNames = {"mooncake", "ragpulse", "claude-code"};

std::unique_ptr<PromptParser> parser_for(const PromptOptions& options) {
  if (options.format == PromptFormat::kMooncake) return mooncake_prompts(options.block_tokens);
  if (options.format == PromptFormat::kRagPulse) return ragpulse_prompts();
  return claude_code_prompts();
}

class Reader {
 public:
  Reader(std::string name, ByteSource source, const PromptOptions& options)
      : lines_(std::move(source)), parser_(parser_for(options)) {
    trace_.name = std::move(name);
    trace_.format = options.format;
  }

  fare::Expected<PromptTrace> read() {
    LineReader::Line line;
    while (errors_.size() < kErrorsMax && lines_.next(line)) read_line(line);
    if (lines_.error()) {
      errors_.push_back(*lines_.error());
      errors_.back().where = trace_.name;
      errors_.back().message += fmt::format(" (after line {})", lines_.lines_reached());
    } else if (errors_.empty() && trace_.calls.empty()) {
      errors_.push_back(
          {ErrorCode::kSyntax, trace_.name, "has no call, but must have at least one"});
    }
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    if (trace_.format != PromptFormat::kClaudeCode) arrange();
    return std::move(trace_);
  }

 private:
  void read_line(const LineReader::Line& line) {
    const std::string where = fmt::format("{}:{}", trace_.name, line.number);
    if (line.too_long) {
      errors_.push_back({ErrorCode::kOutOfRange, where, "is longer than 16 MiB"});
      return;
    }
    simdjson::dom::element document;
    simdjson::dom::object object;
    const bool copies = false;  // The line reader pads, so that simdjson need not.
    if (const auto error = json_.parse(line.text.data(), line.text.size(), copies).get(document)) {
      errors_.push_back({ErrorCode::kSyntax, where,
                         fmt::format("must be one line of JSON, but is not ({})",
                                     simdjson::error_message(error))});
      return;
    }
    if (document.get(object) != simdjson::SUCCESS) {
      errors_.push_back({ErrorCode::kWrongType, where,
                         fmt::format("must be a JSON object, but is {}", excerpt(line.text))});
      return;
    }
    JsonRow row(object, where, "", errors_);
    parser_->parse(row, trace_, errors_);
  }

  void arrange() {
    std::vector<PromptCall>& calls = trace_.calls;
    std::stable_sort(calls.begin(), calls.end(),
                     [](const PromptCall& a, const PromptCall& b) { return a.at < b.at; });
    const fare::Duration start = calls.front().at;
    for (PromptCall& call : calls) call.at -= start;
  }

  LineReader lines_;
  std::unique_ptr<PromptParser> parser_;
  simdjson::dom::parser json_;
  PromptTrace trace_;
  fare::Errors errors_;
};

}  // namespace

void append_block(std::vector<fare::BlockRun>& runs, std::size_t first_run, std::uint64_t block) {
  if (runs.size() > first_run && runs.back().first + runs.back().count == block) {
    ++runs.back().count;
  } else {
    runs.push_back({block, 1});
  }
}

std::string_view to_string(PromptFormat format) { return kNames[static_cast<std::size_t>(format)]; }

fare::Expected<PromptFormat> parse_prompt_format(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<PromptFormat>(found - kNames.begin());
  return fare::fail(
      ErrorCode::kUnknownName, "",
      fmt::format("must be one of \"{}\", but is {}{}", fmt::join(kNames, "\", \""),
                  quoted_excerpt(name), fare::did_you_mean(fare::nearest(name, kNames))));
}

fare::Expected<PromptTrace> read_prompt_trace(const std::string& path,
                                              const PromptOptions& options) {
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  return Reader(path, std::move(*source), options).read();
}

fare::Expected<PromptTrace> parse_prompt_trace(std::string name, std::string_view bytes,
                                               const PromptOptions& options) {
  return Reader(std::move(name), ByteSource::memory(bytes), options).read();
}

}  // namespace routesim
