#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "traffic/field_text.h"
#include "traffic/name_index.h"
#include "traffic/row_parser.h"

namespace routesim {
namespace {

using fare::ErrorCode;

enum Role : std::size_t { kTime, kInput, kOutput, kClass, kTenant, kSession, kRoles };
constexpr std::size_t kRolesNeeded = 3;
constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

using ColumnNames = std::span<const std::string_view>;  // By role.
constexpr std::array<std::string_view, 3> kAzureColumns = {"TIMESTAMP", "ContextTokens",
                                                           "GeneratedTokens"};
constexpr std::array<std::string_view, kRoles> kPlainColumns = {
    "seconds", "input_tokens", "output_tokens", "class", "tenant", "session"};
// Of BurstGPT nobody is a tenant; an unnamed role stands for that.
constexpr std::array<std::string_view, kRoles> kBurstColumns = {
    "Timestamp", "Request tokens", "Response tokens", "Log Type", "", "Session ID"};
constexpr std::array<std::string_view, 3> kBurstIgnored = {"Elapsed time", "Model", "Total tokens"};

ColumnNames columns_of(TraceFormat format) {
  if (format == TraceFormat::kAzure) return kAzureColumns;
  return format == TraceFormat::kBurstGpt ? ColumnNames(kBurstColumns) : ColumnNames(kPlainColumns);
}

// Cuts a line without quotes at its commas.  Returns how many fields it has; those beyond the span
// are only counted.
std::size_t split_unquoted(std::string_view line, std::span<std::string_view> fields) {
  for (std::size_t count = 0;; ++count) {
    const std::size_t comma = line.find(',');
    if (count < fields.size()) fields[count] = line.substr(0, comma);
    if (comma == std::string_view::npos) return count + 1;
    line.remove_prefix(comma + 1);
  }
}

// Takes a field in quotes off the front of `rest`, up to its comma or the end; false if it is not
// closed, or if more text follows the closing quote.
bool take_quoted(std::string_view& rest, std::string& text) {
  text.clear();
  rest.remove_prefix(1);
  for (;;) {
    const std::size_t quote = rest.find('"');
    if (quote == std::string_view::npos) return false;
    text.append(rest.substr(0, quote));
    rest.remove_prefix(quote + 1);
    if (!rest.starts_with('"')) return rest.empty() || rest.front() == ',';
    text.push_back('"');
    rest.remove_prefix(1);
  }
}

// The same for a line with quotes: `texts` hold the fields that had them.  Nothing if they are
// misplaced.
std::optional<std::size_t> split_quoted(std::string_view line, std::span<std::string_view> fields,
                                        std::span<std::string> texts) {
  std::string surplus;
  for (std::size_t count = 0;; ++count) {
    const bool is_kept = count < fields.size();
    std::string& text = is_kept ? texts[count] : surplus;
    std::string_view field;
    if (line.starts_with('"')) {
      if (!take_quoted(line, text)) return std::nullopt;
      field = text;
    } else {
      field = line.substr(0, line.find(','));
      if (field.find('"') != std::string_view::npos) return std::nullopt;
      line.remove_prefix(field.size());
    }
    if (is_kept) fields[count] = field;
    if (line.empty()) return count + 1;
    line.remove_prefix(1);
  }
}

std::optional<std::size_t> split(std::string_view line, std::span<std::string_view> fields,
                                 std::span<std::string> texts) {
  if (line.find('"') == std::string_view::npos) return split_unquoted(line, fields);
  return split_quoted(line, fields, texts);
}

std::vector<std::string> header_names(std::string_view header) {
  const auto count_max =
      static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) + 1;
  std::vector<std::string_view> fields(count_max);
  std::vector<std::string> texts(count_max);
  const std::size_t count = split(header, fields, texts).value_or(0);
  return {fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(count)};
}

struct Layout {
  TraceFormat format = TraceFormat::kPlain;
  std::size_t columns = 0;
  std::array<std::size_t, kRoles> position{};  // By role, or kAbsent.
};

class CsvParser : public RowParser {
 public:
  CsvParser(const Layout& layout, Trace& trace)
      : layout_(layout),
        names_(columns_of(layout.format)),
        fields_(layout.columns),
        texts_(layout.columns),
        classes_(kPlainColumns[kClass], kClassesMax, trace.classes),
        tenants_(kPlainColumns[kTenant], kTenantsMax, trace.tenants),
        sessions_(kPlainColumns[kSession], kSessionsMax, trace.sessions) {}

  fare::Expected<TraceRow> parse(std::string_view line) override {
    const std::optional<std::size_t> count = split(line, fields_, texts_);
    if (!count) {
      return fare::fail(ErrorCode::kSyntax, "",
                        "must have each quoted field in one pair of quotes, as in 1,\"a, b\",2");
    }
    if (*count != layout_.columns) {
      return fare::fail(
          ErrorCode::kSyntax, "",
          fmt::format("must have {} fields, as its header, but has {}", layout_.columns, *count));
    }
    const auto at = read_time(field(kTime));
    if (!at) return refused(kTime, time_rule());
    const auto input = read_tokens(field(kInput));
    if (!input) return refused(kInput, tokens_rule());
    if (layout_.format == TraceFormat::kBurstGpt && field(kOutput) == "0") {
      return tl::unexpected(fare::Errors{});  // A failure, which is no bad line.
    }
    const auto output = read_tokens(field(kOutput));
    if (!output) return refused(kOutput, tokens_rule());
    TraceRow row{.at = *at, .input = fare::Tokens(*input), .output = fare::Tokens(*output)};
    if (layout_.columns > kRolesNeeded) return named(row);
    return row;
  }

 private:
  std::string_view field(Role role) const { return fields_[layout_.position[role]]; }

  std::optional<fare::Duration> read_time(std::string_view text) const {
    return layout_.format == TraceFormat::kAzure ? read_wall_time(text) : read_seconds(text);
  }

  static std::optional<std::int64_t> read_tokens(std::string_view text) {
    return read_whole(text, kRecordedTokensMin, fare::kTokensMax.count());
  }

  std::string time_rule() const {
    if (layout_.format != TraceFormat::kAzure) {
      return fmt::format("a decimal number from 0 to {} such as 12.5", kSecondsMax);
    }
    return "a time from 1970 to 2200 such as \"2023-11-16 18:15:46.6805900\"";
  }

  static std::string tokens_rule() {
    return whole_rule(kRecordedTokensMin, fare::kTokensMax.count());
  }

  fare::Expected<TraceRow> refused(Role role, std::string_view rule) const {
    return tl::unexpected(fare::Errors{bad_field(names_[role], rule, field(role))});
  }

  // Comes last, and checks both names first, so that a bad line leaves no name behind.
  fare::Expected<TraceRow> named(TraceRow row) {
    const std::string_view class_name = name(kClass);
    const std::string_view tenant_name = name(kTenant);
    std::optional<fare::Error> error = classes_.problem(class_name);
    const std::string_view session_name = name(kSession);
    if (!error) error = tenants_.problem(tenant_name);
    if (!error) error = sessions_.problem(session_name);
    if (error) return tl::unexpected(fare::Errors{std::move(*error)});
    row.request_class = classes_.number(class_name);
    row.tenant = tenants_.number(tenant_name);
    row.session = sessions_.number(session_name);
    return row;
  }

  std::string_view name(Role role) const {
    return layout_.position[role] == kAbsent ? std::string_view() : field(role);
  }

  Layout layout_;
  ColumnNames names_;
  std::vector<std::string_view> fields_;
  std::vector<std::string> texts_;
  NameIndex classes_;
  NameIndex tenants_;
  NameIndex sessions_;
};

void note_column(const std::string& name, std::size_t position, ColumnNames names, Layout& layout,
                 fare::Errors& errors) {
  const auto known = std::find(names.begin(), names.end(), name);
  const bool is_ignored =
      layout.format == TraceFormat::kBurstGpt &&
      std::find(kBurstIgnored.begin(), kBurstIgnored.end(), name) != kBurstIgnored.end();
  if (is_ignored) return;
  if (known == names.end() || name.empty()) {
    const std::string hint = fare::did_you_mean(fare::nearest(name, names));
    errors.push_back({ErrorCode::kUnknownKey, "",
                      fmt::format("the header has the column {}, which is not one of {}{}",
                                  quoted_excerpt(name), fmt::join(names, ","), hint)});
    return;
  }
  std::size_t& place = layout.position[static_cast<std::size_t>(known - names.begin())];
  if (place != kAbsent) {
    errors.push_back({ErrorCode::kDuplicateKey, "",
                      fmt::format("the header has the column \"{}\" twice", name)});
  }
  place = position;
}

}  // namespace

fare::Expected<std::unique_ptr<RowParser>> csv_parser(TraceFormat format, std::string_view header,
                                                      Trace& trace) {
  const ColumnNames names = columns_of(format);
  const std::vector<std::string> found = header_names(header);
  Layout layout{.format = format, .columns = found.size()};
  layout.position.fill(kAbsent);
  fare::Errors errors;
  for (std::size_t i = 0; i < found.size(); ++i) note_column(found[i], i, names, layout, errors);
  for (std::size_t role = 0; role < kRolesNeeded; ++role) {
    if (layout.position[role] != kAbsent) continue;
    errors.push_back({ErrorCode::kMissingKey, "",
                      fmt::format("the header needs the column \"{}\", but is {}", names[role],
                                  quoted_excerpt(header))});
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return std::unique_ptr<RowParser>(std::make_unique<CsvParser>(layout, trace));
}

bool is_json_lines(TraceFormat format) {
  return format == TraceFormat::kMooncake || format == TraceFormat::kJsonLines ||
         format == TraceFormat::kRagPulse || format == TraceFormat::kBailian;
}

TraceFormat format_of(std::string_view first_line) {
  if (first_line.starts_with('{')) {
    const auto has = [&](std::string_view key) {
      return first_line.find(key) != std::string_view::npos;
    };
    if (has("\"chat_id\"")) return TraceFormat::kBailian;
    if (has("\"session_id\"")) return TraceFormat::kRagPulse;
    return has("\"seconds\"") ? TraceFormat::kJsonLines : TraceFormat::kMooncake;
  }
  const std::vector<std::string> found = header_names(first_line);
  // One known column is enough: what else is wrong with the header is said better than "no format".
  for (const TraceFormat format :
       {TraceFormat::kAzure, TraceFormat::kPlain, TraceFormat::kBurstGpt}) {
    for (const std::string_view name : columns_of(format).first(kRolesNeeded)) {
      if (std::find(found.begin(), found.end(), name) != found.end()) return format;
    }
  }
  return TraceFormat::kAuto;
}

}  // namespace routesim
