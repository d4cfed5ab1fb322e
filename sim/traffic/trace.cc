#include "traffic/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "traffic/byte_source.h"
#include "traffic/field_text.h"
#include "traffic/line_reader.h"
#include "traffic/row_parser.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::size_t kBadLinesShown = 10;
constexpr std::array<std::string_view, 8> kFormatNames = {
    "auto", "azure", "mooncake", "plain", "jsonl", "ragpulse", "bailian", "burstgpt"};

// What else this is, if the first line shows that: no rows of times and lengths; else empty.
std::string_view what_else(std::string_view first_line) {
  const auto has = [&](std::string_view key) {
    return first_line.find(key) != std::string_view::npos;
  };
  if (first_line.starts_with("client,window_start_s")) {
    return "is a table of clients, not of requests: to replay it, name the format \"servegen\"";
  }
  if (first_line.starts_with('{') && has("\"block_size\"") && has("\"requests\"")) {
    return "is a session with its prompts, not a request: name the format \"claude-code\"";
  }
  return {};
}

class TraceReader {
 public:
  TraceReader(std::string name, ByteSource source, const TraceOptions& options)
      : lines_(std::move(source)), options_(options) {
    trace_.name = std::move(name);
  }

  fare::Expected<Trace> read() {
    fare::Errors errors = read_lines();
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    arrange();
    return std::move(trace_);
  }

 private:
  std::string place(std::uint64_t line) const { return fmt::format("{}:{}", trace_.name, line); }

  // Everything that ends the reading; empty if all is well.
  fare::Errors read_lines() {
    LineReader::Line line;
    if (!lines_.next(line)) return cut_off_or("is empty, but must have a line for each request");
    fare::Errors errors = choose_parser(line);
    if (!errors.empty()) return errors;
    bool more = is_json_lines(trace_.format) || lines_.next(line);
    while (more) {
      errors = read_row(line);
      if (errors.empty() && line.number >= slow_until_) errors = read_batch();
      if (!errors.empty()) return errors;
      more = lines_.next(line);
    }
    if (lines_.error() || trace_.rows.empty()) return cut_off_or(why_no_rows());
    return {};
  }

  fare::Errors choose_parser(const LineReader::Line& line) {
    const bool is_open = options_.format == TraceFormat::kAuto;
    if (const std::string_view other = what_else(line.text); is_open && !other.empty()) {
      return {{ErrorCode::kSyntax, place(line.number), std::string(other)}};
    }
    trace_.format = is_open ? format_of(line.text) : options_.format;
    if (trace_.format == TraceFormat::kAuto) {
      return {{ErrorCode::kSyntax, place(line.number),
               fmt::format("shows no format of a trace: must be the header "
                           "TIMESTAMP,ContextTokens,GeneratedTokens (azure) or "
                           "seconds,input_tokens,output_tokens (plain), or a JSON object "
                           "(mooncake), but is {}",
                           line.too_long ? "longer than 16 MiB" : quoted_excerpt(line.text))}};
    }
    if (is_json_lines(trace_.format)) {
      parser_ = json_lines_parser(trace_.format, trace_);
      return {};
    }
    auto parser = csv_parser(trace_.format, line.text, trace_);
    if (!parser) {
      for (fare::Error& error : parser.error()) error.where = place(line.number);
      return std::move(parser.error());
    }
    parser_ = std::move(*parser);
    return {};
  }

  fare::Errors read_row(const LineReader::Line& line) {
    ++trace_.lines;
    if (line.too_long) {
      return note_bad({ErrorCode::kOutOfRange, place(line.number), "is longer than 16 MiB"});
    }
    fare::Expected<TraceRow> row = parser_->parse(line.text);
    if (!row && row.error().empty()) {
      ++trace_.failures;
      return {};
    }
    if (!row) {
      row.error().front().where = place(line.number);
      return note_bad(std::move(row.error().front()));
    }
    if (trace_.rows.size() >= options_.rows_max) return too_many(line.number);
    add(*row);
    return {};
  }

  // As many lines as can be read at once; those where that ends are read one by one.
  fare::Errors read_batch() {
    for (;;) {
      const std::string_view text = lines_.peek();
      if (text.empty()) return {};
      parser_->parse_batch(text, batch_);
      for (const TraceRow& row : batch_.rows) {
        if (trace_.rows.size() >= options_.rows_max) {
          return too_many(lines_.lines_reached() + batch_.lines);
        }
        add(row);
      }
      trace_.lines += batch_.rows.size();
      lines_.skip(batch_.bytes, batch_.lines);
      if (batch_.bytes == text.size()) continue;
      const std::string_view rest = text.substr(batch_.bytes);
      slow_until_ = lines_.lines_reached() +
                    static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
      return {};
    }
  }

  fare::Errors too_many(std::uint64_t line) const {
    return {{ErrorCode::kOutOfRange, place(line),
             fmt::format("is one more than the {} requests that may be read", options_.rows_max)}};
  }

  void add(const TraceRow& row) {
    if (!trace_.rows.empty() && row.at < trace_.rows.back().at) ++trace_.out_of_order;
    trace_.rows.push_back(row);
  }

  fare::Errors note_bad(fare::Error error) {
    trace_.bad_lines.push_back(std::move(error));
    if (trace_.bad_lines.size() <= options_.bad_lines_max) return {};
    return first_bad_lines(fmt::format("has more than {} bad lines", options_.bad_lines_max));
  }

  // The file's error, followed by the first bad lines.
  fare::Errors first_bad_lines(std::string message) {
    fare::Errors errors;
    errors.push_back({ErrorCode::kSyntax, trace_.name, std::move(message)});
    const std::size_t count = std::min(trace_.bad_lines.size(), kBadLinesShown);
    std::move(trace_.bad_lines.begin(),
              trace_.bad_lines.begin() + static_cast<std::ptrdiff_t>(count),
              std::back_inserter(errors));
    return errors;
  }

  std::string why_no_rows() const {
    if (trace_.lines == 0) return "has a header, but no line for a request";
    if (trace_.failures > 0) {
      return fmt::format("has no good line: of {}, {} are bad and {} are requests that failed",
                         trace_.lines, trace_.bad_lines.size(), trace_.failures);
    }
    return fmt::format("has no good line: all {} are bad", trace_.lines);
  }

  // Why the source failed, or else the message.
  fare::Errors cut_off_or(std::string message) {
    if (!lines_.error()) return first_bad_lines(std::move(message));
    fare::Error error = *lines_.error();
    error.where = trace_.name;
    error.message += fmt::format(" (after line {})", lines_.lines_reached());
    return {std::move(error)};
  }

  // Sorts if need be, and lets the first row be at zero.
  void arrange() {
    std::vector<TraceRow>& rows = trace_.rows;
    if (trace_.out_of_order > 0) {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const TraceRow& a, const TraceRow& b) { return a.at < b.at; });
    }
    const fare::Duration start = rows.front().at;
    for (TraceRow& row : rows) row.at -= start;
  }

  LineReader lines_;
  TraceOptions options_;
  Trace trace_;
  std::unique_ptr<RowParser> parser_;  // Refers to `trace_`.
  RowParser::Batch batch_;
  std::uint64_t slow_until_ = 0;  // The line up to which lines are read one by one.
};

}  // namespace

fare::Expected<TraceFormat> parse_trace_format(std::string_view name) {
  const auto found = std::find(kFormatNames.begin(), kFormatNames.end(), name);
  if (found != kFormatNames.end()) return static_cast<TraceFormat>(found - kFormatNames.begin());
  const std::string hint = fare::did_you_mean(fare::nearest(name, kFormatNames));
  return fare::fail(ErrorCode::kUnknownName, "",
                    fmt::format("must be one of \"{}\", but is {}{}",
                                fmt::join(kFormatNames, "\", \""), quoted_excerpt(name), hint));
}

fare::Expected<Trace> read_trace(const std::string& path, const TraceOptions& options) {
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  return TraceReader(path, std::move(*source), options).read();
}

fare::Expected<Trace> parse_trace(std::string name, std::string_view bytes,
                                  const TraceOptions& options) {
  return TraceReader(std::move(name), ByteSource::memory(bytes), options).read();
}

}  // namespace routesim
