#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "traffic/field_text.h"
#include "traffic/json_validate.h"
#include "traffic/name_index.h"
#include "traffic/row_parser.h"

namespace routesim {
namespace {

using fare::ErrorCode;
namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

// A text that long is the start of a big trace: there is room for so many rows at once, for growing
// to them costs more than reading them.  What is not used of it is never touched.
constexpr std::size_t kBigText = std::size_t{64} << 10;
constexpr std::size_t kRowsReserved = std::size_t{1} << 18;

// The keys of a format; an empty one is not there.  Names may be texts or whole numbers.
struct Keys {
  bool milliseconds = false;  // A whole number of them, else seconds, also in quotes.
  std::string_view time = {}, input = {}, output = {};
  std::string_view request_class = {}, tenant = {}, session = {}, parent = {};
  std::string_view unread = {};  // Another one that its lines have; nobody looks at its value.
};

Keys keys_of(TraceFormat format) {
  if (format == TraceFormat::kMooncake) {
    return {.milliseconds = true,
            .time = "timestamp",
            .input = "input_length",
            .output = "output_length",
            .unread = "hash_ids"};
  }
  if (format == TraceFormat::kRagPulse) {
    return {.time = "timestamp",
            .input = "input_length",
            .output = "output_length",
            .session = "session_id",
            .unread = "hash_ids"};
  }
  if (format == TraceFormat::kBailian) {
    return {.time = "timestamp",
            .input = "input_length",
            .output = "output_length",
            .request_class = "type",
            .session = "chat_id",
            .parent = "parent_chat_id",
            .unread = "hash_ids"};
  }
  return {.time = "seconds",
          .input = "input_tokens",
          .output = "output_tokens",
          .request_class = "class",
          .tenant = "tenant",
          .session = "session"};
}

// The first 16 bytes of a text, to be compared in two steps.
struct FirstBytes {
  static constexpr std::size_t kBytes = 16;

  // REQUIRES: so many readable bytes at `text`.
  explicit FirstBytes(const char* text) {
    std::memcpy(&low, text, sizeof low);
    std::memcpy(&high, text + sizeof low, sizeof high);
  }

  std::uint64_t low;
  std::uint64_t high;
};

// A key as it stands in a text, with the quote behind it.  A key of more than 15 bytes, or an
// empty one, is found nowhere.
class RawKey {
 public:
  explicit RawKey(std::string_view key) {
    if (key.empty() || key.size() >= FirstBytes::kBytes) return;
    char bytes[FirstBytes::kBytes] = {};
    std::memcpy(bytes, key.data(), key.size());
    bytes[key.size()] = '"';
    key_ = FirstBytes(bytes);
    char mask[FirstBytes::kBytes] = {};
    std::memset(mask, 0xff, key.size() + 1);
    mask_ = FirstBytes(mask);
  }

  bool begins(const FirstBytes& text) const {
    return (((text.low & mask_.low) ^ key_.low) | ((text.high & mask_.high) ^ key_.high)) == 0;
  }

 private:
  // No text begins with what is masked away.
  FirstBytes key_{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
  FirstBytes mask_{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"};
};

class JsonLinesParser : public RowParser {
 public:
  JsonLinesParser(TraceFormat format, Trace& trace)
      : keys_(keys_of(format)),
        names_{keys_.time,   keys_.input,   keys_.output, keys_.request_class,
               keys_.tenant, keys_.session, keys_.parent},
        raw_names_{RawKey(names_[0]), RawKey(names_[1]), RawKey(names_[2]), RawKey(names_[3]),
                   RawKey(names_[4]), RawKey(names_[5]), RawKey(names_[6])},
        raw_unread_(keys_.unread),
        classes_(keys_.request_class, kClassesMax, trace.classes),
        tenants_(keys_.tenant, kTenantsMax, trace.tenants),
        sessions_(keys_.session, kSessionsMax, trace.sessions),
        rows_(trace.rows) {}

  fare::Expected<TraceRow> parse(std::string_view line) override {
    dom::element document;
    const bool copies = false;  // The line reader pads, so that simdjson need not.
    if (const auto error = parser_.parse(line.data(), line.size(), copies).get(document)) {
      return fare::fail(
          ErrorCode::kSyntax, "",
          fmt::format("must be one line of JSON, but is not ({})", simdjson::error_message(error)));
    }
    dom::object object;
    if (document.get(object) != simdjson::SUCCESS) {
      return fare::fail(ErrorCode::kWrongType, "", "must be a JSON object");
    }
    values_.fill(std::nullopt);
    for (const auto [key, value] : object) {
      const std::optional<std::size_t> field = field_of(key);
      if (!field) continue;
      if (values_[*field]) {
        return fare::fail(ErrorCode::kDuplicateKey, "",
                          fmt::format("has the key \"{}\" twice", key));
      }
      values_[*field] = value;
    }
    return row();
  }

  // A document is taken once the next one is seen to begin where the next line does: so none spans
  // two lines, and no line has two.
  void parse_batch(std::string_view text, Batch& batch) override {
    batch.bytes = 0;
    batch.lines = 0;
    batch.rows.clear();
    if (text.size() >= kBigText) rows_.reserve(kRowsReserved);  // Does nothing from then on.
    // The room of the text before, if that is enough: another one would be allocated anew.
    const std::size_t room = std::max(text.size(), stream_.capacity());
    ondemand::document_stream documents;
    if (stream_.iterate_many(text.data(), text.size(), room).get(documents)) return;
    LineWalk walk(text);
    bool has_row = false;
    for (auto at = documents.begin(); at != documents.end(); ++at) {
      if (at.error() != simdjson::SUCCESS || !walk.next()) return;
      if (at.current_index() != walk.begin) return;
      if (has_row && !accept(walk.line_begin, walk.lines_before, batch)) return;
      has_row = false;
      if (!read((*at).value_unsafe())) return;
      has_row = true;
    }
    if (walk.next() || documents.truncated_bytes() > 0) return;
    if (has_row) accept(text.size(), walk.lines, batch);
  }

 private:
  // The lines of a text that are not blank.
  struct LineWalk {
    explicit LineWalk(std::string_view all) : text(all) {}

    bool next() {
      while (line_end < text.size()) {
        lines_before = lines++;
        line_begin = line_end;
        line_end = text.find('\n', line_begin) + 1;
        begin = line_begin;
        while (text[begin] == ' ' || text[begin] == '\t') ++begin;
        const bool is_blank =
            text[begin] == '\n' || (text[begin] == '\r' && text[begin + 1] == '\n');
        if (!is_blank) return true;
      }
      return false;
    }

    std::string_view text;
    std::size_t begin = 0;  // Of what is no blank in the line.
    std::size_t line_begin = 0;
    std::size_t line_end = 0;
    std::uint64_t lines = 0;         // Up to and with the line,
    std::uint64_t lines_before = 0;  // and before it.
  };

  enum Field : std::size_t { kTime, kInput, kOutput, kClass, kTenant, kSession, kParent, kFields };

  std::optional<std::size_t> field_of(std::string_view key) const {
    for (std::size_t i = 0; i < kFields; ++i) {
      if (key.size() == names_[i].size() && !key.empty() && key == names_[i]) return i;
    }
    return std::nullopt;
  }

  // The same of a key as it stands in the text, without escapes; kFields: of none.
  std::size_t raw_field_of(const FirstBytes& key) const {
    for (std::size_t field = 0; field < fields_used_; ++field) {
      if (raw_names_[field].begins(key)) return field;
    }
    return kFields;
  }

  static std::size_t fields_used(const std::array<std::string_view, kFields>& names) {
    std::size_t used = kFields;
    while (names[used - 1].empty()) --used;
    return used;
  }

  static bool has_escapes(const char* key) {
    while (*key != '"' && *key != '\\') ++key;
    return *key == '\\';
  }

  // The quick way: reads a document's row and names, or says that it is not that simple.
  bool read(ondemand::document_reference document) {
    ondemand::object object;
    if (document.get_object().get(object)) return false;
    quick_ = {};
    if (has_names_) {
      for (std::string& text : name_texts_) text.clear();
      has_names_ = false;
    }
    unsigned seen = 0;
    for (auto member : object) {
      if (member.error() != simdjson::SUCCESS) return false;
      // In place: what was just written in halves is slow to read whole, as copies do.
      ondemand::field&& there = std::move(member).value_unsafe();
      const char* const key = there.key().raw();
      const FirstBytes key_begin(key);
      ondemand::value& value = there.value();
      const std::size_t field = raw_field_of(key_begin);
      if (field == kFields) {
        const bool is_none = raw_unread_.begins(key_begin) || !has_escapes(key);
        if (!is_none || !is_json(value)) return false;
        continue;
      }
      if ((seen >> field & 1u) != 0) return false;
      seen |= 1u << field;
      if (!take(static_cast<Field>(field), value)) return false;
    }
    constexpr unsigned kNeeded = 1u << kTime | 1u << kInput | 1u << kOutput;
    return (seen & kNeeded) == kNeeded;
  }

  bool take(Field field, ondemand::value& value) {
    std::int64_t number = 0;
    if (field == kTime) return take_time(value);
    if (field == kInput || field == kOutput) {
      if (value.get_int64().get(number)) return false;
      (field == kInput ? quick_.input : quick_.output) = fare::Tokens(number);
      return number >= kRecordedTokensMin && number <= fare::kTokensMax.count();
    }
    has_names_ = true;
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) {
      name_texts_[field] = text;
    } else if (value.get_int64().get(number) == simdjson::SUCCESS) {
      name_texts_[field] = fmt::format("{}", number);
    } else {
      return false;
    }
    return true;
  }

  bool take_time(ondemand::value& value) {
    return keys_.milliseconds ? take_milliseconds(value) : take_seconds(value);
  }

  bool take_milliseconds(ondemand::value& value) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) || number < 0 || number > kSecondsMax * 1'000) return false;
    quick_.at = fare::Duration(number * kNanosecondsPerMillisecond);
    return true;
  }

  bool take_seconds(ondemand::value& value) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) {
      const std::optional<fare::Duration> at = read_seconds(text);
      if (at) quick_.at = *at;
      return at.has_value();
    }
    ondemand::number number;
    if (value.get_number().get(number)) return false;
    if (number.is_int64()) {
      const std::int64_t whole = number.get_int64();
      if (whole < 0 || whole > kSecondsMax) return false;
      quick_.at = std::chrono::seconds(whole);
      return true;
    }
    if (!number.is_double()) return false;
    const double seconds = number.get_double();
    if (!(seconds >= 0 && seconds <= static_cast<double>(kSecondsMax))) return false;
    quick_.at = fare::Duration(std::llround(seconds * 1e9));
    return true;
  }

  // Adds the row that read() has left, and its names, unless one of them cannot be.
  bool accept(std::size_t bytes, std::uint64_t lines, Batch& batch) {
    if (has_names_) {
      const std::string& class_name = name_texts_[kClass];
      const std::string& tenant = name_texts_[kTenant];
      const std::string& session = name_texts_[kSession];
      if (classes_.problem(class_name) || tenants_.problem(tenant) || sessions_.problem(session)) {
        return false;
      }
      quick_.request_class = classes_.number(class_name);
      quick_.tenant = tenants_.number(tenant);
      quick_.session = session_of(session, name_texts_[kParent]);
    }
    batch.bytes = bytes;
    batch.lines = lines;
    batch.rows.push_back(quick_);
    return true;
  }

  fare::Expected<TraceRow> row() {
    TraceRow row;
    fare::Errors errors;
    const auto at = time(errors);
    const auto input = tokens(kInput, errors);
    const auto output = tokens(kOutput, errors);
    const std::string_view class_name = name(kClass, class_text_, errors);
    const std::string_view tenant = name(kTenant, tenant_text_, errors);
    const std::string_view session = name(kSession, session_text_, errors);
    const std::string_view parent = name(kParent, parent_text_, errors);
    for (const auto& problem :
         {classes_.problem(class_name), tenants_.problem(tenant), sessions_.problem(session)}) {
      if (problem) errors.push_back(*problem);
    }
    if (!errors.empty()) return tl::unexpected(fare::Errors{std::move(errors.front())});
    row.at = *at;
    row.input = fare::Tokens(*input);
    row.output = fare::Tokens(*output);
    row.request_class = classes_.number(class_name);
    row.tenant = tenants_.number(tenant);
    row.session = session_of(session, parent);
    return row;
  }

  // A chat that goes on from an earlier one belongs to its session.
  std::uint32_t session_of(std::string_view session, std::string_view parent) {
    if (keys_.parent.empty()) return sessions_.number(session);
    const std::uint32_t own = sessions_.number(session);
    if (own == kUnnamed) return own;
    if (roots_.size() <= own) roots_.resize(own + 1, kUnnamed);
    const bool has_parent = !parent.empty() && parent != "-1" && !sessions_.problem(parent);
    const std::uint32_t before = has_parent ? sessions_.number(parent) : own;
    if (roots_.size() <= before) roots_.resize(before + 1, kUnnamed);
    if (roots_[before] == kUnnamed) roots_[before] = before;
    roots_[own] = roots_[before];
    return roots_[own];
  }

  std::optional<fare::Duration> time(fare::Errors& errors) {
    const std::optional<dom::element>& value = needed(kTime, errors);
    if (!value) return std::nullopt;
    if (keys_.milliseconds) {
      std::int64_t number = 0;
      const std::int64_t max = kSecondsMax * 1'000;
      if (value->get(number) == simdjson::SUCCESS && number >= 0 && number <= max) {
        return fare::Duration(number * kNanosecondsPerMillisecond);
      }
      refuse(kTime, whole_rule(0, max), errors);
      return std::nullopt;
    }
    std::string_view text;
    double number = 0;
    if (value->get(text) == simdjson::SUCCESS) {
      if (const auto at = read_seconds(text)) return at;
    } else if (value->get(number) == simdjson::SUCCESS && number >= 0 &&
               number <= static_cast<double>(kSecondsMax)) {
      return fare::Duration(std::llround(number * 1e9));
    }
    refuse(kTime, fmt::format("seconds from 0 to {}", kSecondsMax), errors);
    return std::nullopt;
  }

  std::optional<std::int64_t> tokens(Field field, fare::Errors& errors) {
    const std::optional<dom::element>& value = needed(field, errors);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const std::int64_t max = fare::kTokensMax.count();
    if (value->get(number) == simdjson::SUCCESS && number >= kRecordedTokensMin && number <= max) {
      return number;
    }
    refuse(field, whole_rule(kRecordedTokensMin, max), errors);
    return std::nullopt;
  }

  // A text or a whole number; absent or null: empty.
  std::string_view name(Field field, std::string& buffer, fare::Errors& errors) {
    const std::optional<dom::element>& value = values_[field];
    std::string_view text;
    std::int64_t number = 0;
    if (!value || value->is_null() || value->get(text) == simdjson::SUCCESS) return text;
    if (value->get(number) == simdjson::SUCCESS) {
      buffer = fmt::format("{}", number);
      return buffer;
    }
    refuse(field, "a text or a whole number", errors);
    return text;
  }

  const std::optional<dom::element>& needed(Field field, fare::Errors& errors) {
    if (!values_[field]) {
      errors.push_back(
          {ErrorCode::kMissingKey, "", fmt::format("needs the key \"{}\"", names_[field])});
    }
    return values_[field];
  }

  void refuse(Field field, std::string_view rule, fare::Errors& errors) {
    const dom::element value = *values_[field];
    const bool is_whole = value.is_int64() || value.is_uint64();
    errors.push_back({is_whole ? ErrorCode::kOutOfRange : ErrorCode::kWrongType, "",
                      fmt::format("{} must be {}, but is {}", names_[field], rule,
                                  excerpt(simdjson::to_string(value)))});
  }

  Keys keys_;
  std::array<std::string_view, kFields> names_;
  std::array<RawKey, kFields> raw_names_;
  RawKey raw_unread_;
  std::size_t fields_used_ = fields_used(names_);  // The others have no name.
  bool has_names_ = false;  // In name_texts_, of the row that read() has left.
  dom::parser parser_;
  ondemand::parser stream_;
  TraceRow quick_;
  std::array<std::string, kFields> name_texts_;
  std::array<std::optional<dom::element>, kFields> values_;
  std::string class_text_, tenant_text_, session_text_, parent_text_;
  NameIndex classes_;
  NameIndex tenants_;
  NameIndex sessions_;
  std::vector<TraceRow>& rows_;       // Of the trace.
  std::vector<std::uint32_t> roots_;  // Of chats, by number: the first of their session.
};

}  // namespace

std::unique_ptr<RowParser> json_lines_parser(TraceFormat format, Trace& trace) {
  return std::make_unique<JsonLinesParser>(format, trace);
}

}  // namespace routesim
