#include "study/latency_fit_rows.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "base/nearest.h"
#include "study/prompt_history.h"
#include "traffic/byte_source.h"
#include "traffic/field_text.h"
#include "traffic/json_row.h"
#include "traffic/line_reader.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::ErrorCode;
using fare::Tokens;

constexpr std::size_t kErrorsMax = 100;
constexpr std::size_t kNamesMax = 100'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::array<std::string_view, 3> kFormats = {"vllm", "claude-code", "csv"};

enum Column : std::size_t {
  kInput,
  kOutput,
  kTotal,
  kFirst,
  kSeconds,
  kModel,
  kSession,
  kCached,
  kColumns
};
constexpr std::array<std::string_view, kColumns> kColumnNames = {
    "input_tokens", "output_tokens", "total_ms", "first_token_ms",
    "seconds",      "model",         "session",  "cached_tokens"};
constexpr std::size_t kColumnsNeeded = 3;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

// Decimal milliseconds; digits below the nanosecond are cut off.
std::optional<Duration> read_milliseconds(std::string_view text) {
  const auto value = read_seconds(text);  // A thousand times too long.
  return value ? std::optional(*value / 1'000) : std::nullopt;
}

// The names of a column, numbered in the order of their first appearance.
class Names {
 public:
  explicit Names(std::vector<std::string>& names) : names_(names) {}

  std::uint32_t number(std::string_view name) {
    const auto known = numbers_.find(name);
    if (known != numbers_.end()) return known->second;
    const auto next = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    numbers_.emplace(name, next);
    return next;
  }
  std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string>& names_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

// By session, and by time within each; equals as they were.
void sort_by_session(std::vector<LatencyRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const LatencyRow& a, const LatencyRow& b) {
    return a.session != b.session ? a.session < b.session : a.at < b.at;
  });
}

class Reader {
 public:
  Reader(std::string name, ByteSource source, LatencyFormat format) : lines_(std::move(source)) {
    rows_.name = std::move(name);
    rows_.format = format;
  }

  fare::Expected<LatencyRows> read() {
    LineReader::Line line;
    while (errors_.size() < kErrorsMax && lines_.next(line)) {
      const std::string where = fmt::format("{}:{}", rows_.name, line.number);
      if (line.too_long) {
        errors_.push_back({ErrorCode::kOutOfRange, where, "is longer than 16 MiB"});
      } else if (rows_.format == LatencyFormat::kVllm) {
        read_json(line.text, where);
      } else if (columns_.empty()) {
        if (!read_header(line.text, where)) break;
      } else {
        read_fields(line.text, where);
      }
    }
    if (lines_.error()) {
      errors_.push_back(*lines_.error());
      errors_.back().where = rows_.name;
    } else if (errors_.empty() && rows_.rows.empty()) {
      errors_.push_back({ErrorCode::kSyntax, rows_.name, "has no row, but must have at least one"});
    }
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    if (rows_.models.empty()) rows_.models = {""};
    if (rows_.sessions.empty()) rows_.sessions = {""};
    arrange();
    return std::move(rows_);
  }

 private:
  void read_json(std::string_view text, const std::string& where) {
    simdjson::dom::object object;
    const bool copies = false;  // The line reader pads, so that simdjson need not.
    if (json_.parse(text.data(), text.size(), copies).get(object) != simdjson::SUCCESS) {
      errors_.push_back({ErrorCode::kSyntax, where, "must be a JSON object in one line"});
      return;
    }
    JsonRow row(object, where, "", errors_);
    LatencyRow one;
    one.input = Tokens(row.whole("input_toks", 1, fare::kTokensMax.count()));
    one.output = Tokens(row.whole("output_toks", 1, fare::kTokensMax.count()));
    const Duration queued = row.seconds("queued_ts");
    const Duration first = row.seconds("first_token_ts");
    const Duration last = row.seconds("last_token_ts");
    if (row.ok() && (first < queued || last < first)) {
      row.note(ErrorCode::kConflict,
               "queued_ts, first_token_ts and last_token_ts must come in this order");
    }
    if (!row.ok()) return;
    one.at = queued;
    one.first_token = first - queued;
    one.total = last - queued;
    rows_.rows.push_back(one);
  }

  bool read_header(std::string_view text, const std::string& where) {
    position_.fill(kColumns);
    for (const std::string_view name : split(text)) {
      const auto found = std::find(kColumnNames.begin(), kColumnNames.end(), name);
      if (found == kColumnNames.end()) {
        const std::string hint = fare::did_you_mean(fare::nearest(name, kColumnNames));
        errors_.push_back({ErrorCode::kUnknownKey, where,
                           fmt::format("{} is no column{}", quoted_excerpt(name), hint)});
        continue;
      }
      const auto column = static_cast<std::size_t>(found - kColumnNames.begin());
      if (position_[column] != kColumns) {
        errors_.push_back(
            {ErrorCode::kDuplicateKey, where, fmt::format("the column \"{}\" stands twice", name)});
      }
      position_[column] = columns_.size();
      columns_.push_back(column);
    }
    for (std::size_t column = 0; column < kColumnsNeeded; ++column) {
      if (position_[column] != kColumns) continue;
      errors_.push_back({ErrorCode::kMissingKey, where,
                         fmt::format("needs the column \"{}\"", kColumnNames[column])});
    }
    rows_.has_cached = position_[kCached] != kColumns;
    return errors_.empty();
  }

  void read_fields(std::string_view text, const std::string& where) {
    const std::vector<std::string_view> fields = split(text);
    if (fields.size() != columns_.size()) {
      errors_.push_back({ErrorCode::kSyntax, where,
                         fmt::format("must have {} fields, as its header, but has {}",
                                     columns_.size(), fields.size())});
      return;
    }
    const std::size_t before = errors_.size();
    LatencyRow one;
    one.input = Tokens(tokens(kInput, 1, fields, where));
    one.cached = Tokens(tokens(kCached, 0, fields, where));
    one.output = Tokens(tokens(kOutput, 1, fields, where));
    one.total = time(kTotal, fields, where).value_or(Duration());
    one.first_token = time(kFirst, fields, where).value_or(kUnrecorded);
    one.at = time(kSeconds, fields, where).value_or(Duration());
    one.model = name(kModel, fields, where, models_);
    one.session = name(kSession, fields, where, sessions_);
    if (errors_.size() > before) return;
    if (one.first_token > one.total) {
      errors_.push_back({ErrorCode::kConflict, where, "first_token_ms must not be above total_ms"});
      return;
    }
    if (one.cached > one.input) {
      errors_.push_back(
          {ErrorCode::kConflict, where, "cached_tokens must not be above input_tokens"});
      return;
    }
    rows_.rows.push_back(one);
  }

  using Fields = std::vector<std::string_view>;

  // The least of them for a column that is not there.
  std::int64_t tokens(Column column, std::int64_t least, const Fields& fields,
                      const std::string& where) {
    if (position_[column] == kColumns) return least;
    const std::string_view text = fields[position_[column]];
    const auto value = read_whole(text, least, fare::kTokensMax.count());
    if (!value) refuse(column, whole_rule(least, fare::kTokensMax.count()), text, where);
    return value.value_or(least);
  }

  // Nothing for a column that is not there, and for an empty field of an optional one.
  std::optional<Duration> time(Column column, const Fields& fields, const std::string& where) {
    if (position_[column] == kColumns) return std::nullopt;
    const std::string_view text = fields[position_[column]];
    if (text.empty() && column != kTotal) return std::nullopt;
    const auto value = column == kSeconds ? read_seconds(text) : read_milliseconds(text);
    if (!value) {
      refuse(column, fmt::format("a decimal number from 0 to {}", kSecondsMax), text, where);
    }
    return value;
  }

  std::uint32_t name(Column column, const Fields& fields, const std::string& where, Names& names) {
    if (position_[column] == kColumns) return 0;
    const std::string_view text = fields[position_[column]];
    if (text.size() <= 128 && names.size() < kNamesMax && simdjson::validate_utf8(text)) {
      return names.number(text);
    }
    refuse(column, "a name of at most 128 bytes of UTF-8, one of at most 100,000", text, where);
    return 0;
  }

  void refuse(Column column, std::string_view rule, std::string_view text,
              const std::string& where) {
    errors_.push_back(bad_field(kColumnNames[column], rule, text));
    errors_.back().where = where;
  }

  void arrange() {
    auto& rows = rows_.rows;
    sort_by_session(rows);
    if (rows_.sessions.size() > 1) return;
    const Duration start = rows.front().at;
    for (LatencyRow& row : rows) row.at -= start;
  }

  LineReader lines_;
  simdjson::dom::parser json_;
  std::vector<std::size_t> columns_;  // By position.
  std::array<std::size_t, kColumns> position_{};
  LatencyRows rows_;
  Names models_{rows_.models};
  Names sessions_{rows_.sessions};
  fare::Errors errors_;
};

// Leaves one of the calls that several sessions have, and makes those sessions one.
void merge_copies(LatencyRows& rows) {
  std::map<std::tuple<std::uint32_t, Duration, Tokens, Tokens, Duration, Duration>, std::uint32_t>
      holders;
  std::vector<std::uint32_t> first_of(rows.sessions.size());  // None is after its session.
  std::iota(first_of.begin(), first_of.end(), 0U);
  const auto find = [&first_of](std::uint32_t session) {
    while (first_of[session] != session) session = first_of[session];
    return session;
  };
  const auto is_copy = [&](const LatencyRow& row) {
    const auto [holder, is_new] = holders.try_emplace(
        {row.model, row.at, row.input, row.output, row.first_token, row.total}, row.session);
    if (is_new || holder->second == row.session) return false;
    const std::uint32_t one = find(holder->second);
    const std::uint32_t other = find(row.session);
    first_of[std::max(one, other)] = std::min(one, other);
    return true;
  };
  rows.repeated = std::erase_if(rows.rows, is_copy);
  for (LatencyRow& row : rows.rows) row.session = find(row.session);
  sort_by_session(rows.rows);
}

// What each call reads from a cache, as far as its session's earlier prompts tell.
std::vector<Tokens> reckon_cached(const PromptTrace& trace) {
  constexpr std::uint64_t kLeastBlocks = 16;
  constexpr Duration kReadable = std::chrono::seconds(2);
  std::vector<std::size_t> order(trace.calls.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&trace](std::size_t a, std::size_t b) {
    const PromptCall& one = trace.calls[a];
    const PromptCall& other = trace.calls[b];
    return std::tie(one.session, one.at) < std::tie(other.session, other.at);
  });
  const PromptHistory::Options options{.minimum_blocks = kLeastBlocks, .ttl = kCacheLife};
  std::optional<PromptHistory> history;
  std::uint32_t session = 0;
  std::vector<Tokens> cached(trace.calls.size());
  for (const std::size_t i : order) {
    const PromptCall& call = trace.calls[i];
    if (!history || call.session != session) history.emplace(options);
    session = call.session;
    const std::uint64_t blocks = history->read(trace.blocks(call), call.model, call.at);
    cached[i] = Tokens(static_cast<std::int64_t>(blocks) * call.block_tokens.count());
    history->store(trace.blocks(call), call.model, call.at, call.at + kReadable);
  }
  return cached;
}

fare::Expected<LatencyRows> from_prompts(const fare::Expected<PromptTrace>& trace) {
  if (!trace) return tl::unexpected(trace.error());
  LatencyRows rows;
  rows.name = trace->name;
  rows.format = LatencyFormat::kClaudeCode;
  rows.models = trace->models;
  rows.sessions = trace->sessions;
  rows.has_cached = true;
  const std::vector<Tokens> cached = reckon_cached(*trace);
  for (const PromptCall& call : trace->calls) {
    if (call.answer == kUnrecorded || call.output.count() == 0 || call.first_token > call.answer) {
      ++rows.passed_over;
      continue;
    }
    rows.rows.push_back({.at = call.at,
                         .input = call.input,
                         .cached = cached[static_cast<std::size_t>(&call - trace->calls.data())],
                         .output = call.output,
                         .first_token = call.first_token,
                         .total = call.answer,
                         .model = call.model,
                         .session = call.session});
  }
  merge_copies(rows);
  if (!rows.rows.empty()) return rows;
  return fare::fail(ErrorCode::kMissingKey, rows.name,
                    "has no call with \"api_time\", but must have at least one");
}

}  // namespace

std::string_view to_string(LatencyFormat format) {
  return kFormats[static_cast<std::size_t>(format)];
}

fare::Expected<LatencyFormat> parse_latency_format(std::string_view name) {
  const auto found = std::find(kFormats.begin(), kFormats.end(), name);
  if (found != kFormats.end()) return static_cast<LatencyFormat>(found - kFormats.begin());
  return fare::fail(
      ErrorCode::kUnknownName, "",
      fmt::format("must be one of \"{}\", but is {}{}", fmt::join(kFormats, "\", \""),
                  quoted_excerpt(name), fare::did_you_mean(fare::nearest(name, kFormats))));
}

fare::Expected<LatencyRows> read_latency_rows(const std::string& path, LatencyFormat format) {
  if (format == LatencyFormat::kClaudeCode) {
    return from_prompts(read_prompt_trace(path, {.format = PromptFormat::kClaudeCode}));
  }
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  return Reader(path, std::move(*source), format).read();
}

fare::Expected<LatencyRows> parse_latency_rows(std::string name, std::string_view bytes,
                                               LatencyFormat format) {
  if (format == LatencyFormat::kClaudeCode) {
    return from_prompts(
        parse_prompt_trace(std::move(name), bytes, {.format = PromptFormat::kClaudeCode}));
  }
  return Reader(std::move(name), ByteSource::memory(bytes), format).read();
}

}  // namespace routesim
