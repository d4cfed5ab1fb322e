#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "fare/check.h"
#include "fare/money.h"
#include "fare/time.h"

// Goal: no bytes make JSON reading crash, lose a problem, or say it in a text that is not UTF-8.
// Method: the bytes are read as a document; then every parser meets every value of it, and must
// either give a value within its range or record why not.

namespace {

using fare::JsonDocument;
using fare::JsonNode;
using fare::ObjectReader;
using fare::Problems;

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(errors.size() <= Problems::kProblemsMax + 1);
  for (const fare::Error& error : errors) {
    FARE_CHECK(error.where.starts_with("fuzz"));
    FARE_CHECK(!error.message.empty());
    static_cast<void>(nlohmann::json(error.where + error.message).dump());  // Throws if not UTF-8.
  }
}

// `parse` gives a value, or a reason in the very place.
template <class Parser, class Valid>
void check_parser(const nlohmann::json& value, const Parser& parse, const Valid& valid) {
  Problems problems("fuzz");
  const auto read = parse(JsonNode(&value, "", &problems));
  FARE_CHECK(read.has_value() == problems.empty());
  if (read) FARE_CHECK(valid(*read));
  check_errors(problems.take());
}

void check_parsers(const nlohmann::json& value) {
  namespace json = fare::json;
  const auto any = [](const auto&) { return true; };
  check_parser(value, json::text(9),
               [](const std::string& text) { return !text.empty() && text.size() <= 9; });
  check_parser(value, json::boolean(), any);
  check_parser(value, json::integer(-7, 1'000),
               [](std::int64_t number) { return number >= -7 && number <= 1'000; });
  check_parser(value, json::integer(std::numeric_limits<std::int64_t>::min(), -1),
               [](std::int64_t number) { return number < 0; });
  check_parser(value, json::number(0, 1), [](double number) { return number >= 0 && number <= 1; });
  check_parser(value, json::one_of({"a", "fare-policy/1"}),
               [](std::size_t index) { return index < 2; });
  check_parser(value, json::list(json::integer(0, 9), 1, 3),
               [](const auto& list) { return !list.empty() && list.size() <= 3; });
  check_parser(value, json::read_with(&fare::parse_instant), [](fare::Instant instant) {
    return fare::parse_instant(fare::to_rfc3339(instant)).value() == instant;
  });
  check_parser(value, json::read_with(&fare::parse_usd),
               [](fare::Cost cost) { return fare::parse_usd(fare::to_usd(cost)).value() == cost; });
  check_parser(value, json::read_with(&fare::parse_usd_per_mtok), [](fare::Rate rate) {
    return fare::parse_usd_per_mtok(fare::to_usd_per_mtok(rate)).value() == rate;
  });
}

// Reads one object as a file would be read: some keys wanted, the rest unknown.
void check_object(const nlohmann::json& value) {
  Problems problems("fuzz");
  ObjectReader reader(JsonNode(&value, "", &problems));
  std::string name;
  std::int64_t number = 0;
  const bool has_name = reader.required("name", name, fare::json::text(64));
  const bool has_number = reader.optional("number", number, fare::json::integer(0, 9));
  reader.finish();
  if (problems.empty()) {
    FARE_CHECK(has_name);
    FARE_CHECK(value.size() == (has_number ? 2u : 1u));
  }
  check_errors(problems.take());
}

void check_tree(const nlohmann::json& value, int depth) {
  FARE_CHECK(depth <= 64);
  check_parsers(value);
  check_object(value);
  for (const nlohmann::json& child : value) {
    if (value.is_structured()) check_tree(child, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Problems problems("fuzz");
  const JsonDocument document(text, problems);
  FARE_CHECK(document.ok() == problems.empty());
  const fare::Errors errors = problems.take();
  check_errors(errors);
  if (!document.ok()) {
    FARE_CHECK(document.root().is_object());
    FARE_CHECK(document.root().size() == 0);
    return 0;
  }
  check_tree(document.root().value(), 0);
  const std::string written = document.root().dump();
  const JsonDocument again(written, problems);
  FARE_CHECK(again.ok());
  FARE_CHECK(again.root().dump() == written);
  return 0;
}
