#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstdint>
#include <string>

#include "traffic/field_text.h"
#include "traffic/row_parser.h"

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

struct Field {
  std::string_view name;
  std::int64_t min;
  std::int64_t max;
};
constexpr std::array<Field, 3> kFields = {{
    {"timestamp", 0, kSecondsMax * 1'000},
    {"input_length", kRecordedTokensMin, fare::kTokensMax.count()},
    {"output_length", kRecordedTokensMin, fare::kTokensMax.count()},
}};

fare::Expected<TraceRow> not_json(simdjson::error_code error) {
  return fare::fail(
      ErrorCode::kSyntax, "",
      fmt::format("must be one line of JSON, but is not ({})", simdjson::error_message(error)));
}

class MooncakeParser : public RowParser {
 public:
  fare::Expected<TraceRow> parse(std::string_view line) override {
    simdjson::dom::element document;
    const bool copies = false;  // The line reader pads, so that simdjson need not.
    if (const auto error = parser_.parse(line.data(), line.size(), copies).get(document)) {
      return not_json(error);
    }
    simdjson::dom::object object;
    if (document.get(object) != simdjson::SUCCESS) {
      return fare::fail(ErrorCode::kWrongType, "", "must be a JSON object");
    }
    std::array<std::int64_t, kFields.size()> values;
    std::array<bool, kFields.size()> seen{};
    for (const auto [key, value] : object) {
      for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (key != kFields[i].name) continue;
        if (seen[i]) return twice(key);
        seen[i] = true;
        if (!read(value, kFields[i], values[i])) return refused(value, kFields[i]);
      }
    }
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (!seen[i]) return missing(kFields[i]);
    }
    return TraceRow{.at = fare::Duration(values[0] * kNanosecondsPerMillisecond),
                    .input = fare::Tokens(values[1]),
                    .output = fare::Tokens(values[2])};
  }

 private:
  static bool read(simdjson::dom::element value, const Field& field, std::int64_t& number) {
    return value.get(number) == simdjson::SUCCESS && number >= field.min && number <= field.max;
  }

  static fare::Expected<TraceRow> refused(simdjson::dom::element value, const Field& field) {
    const bool is_whole = value.is_int64() || value.is_uint64();
    return fare::fail(
        is_whole ? ErrorCode::kOutOfRange : ErrorCode::kWrongType, "",
        fmt::format("{} must be {}, but is {}", field.name, whole_rule(field.min, field.max),
                    excerpt(simdjson::to_string(value))));
  }

  static fare::Expected<TraceRow> twice(std::string_view key) {
    return fare::fail(ErrorCode::kDuplicateKey, "", fmt::format("has the key \"{}\" twice", key));
  }

  static fare::Expected<TraceRow> missing(const Field& field) {
    return fare::fail(ErrorCode::kMissingKey, "", fmt::format("needs the key \"{}\"", field.name));
  }

  simdjson::dom::parser parser_;
};

}  // namespace

std::unique_ptr<RowParser> mooncake_parser() { return std::make_unique<MooncakeParser>(); }

}  // namespace routesim
