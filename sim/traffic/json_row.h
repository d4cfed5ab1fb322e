#pragma once

#include <simdjson.h>
#include <cstdint>      // std::int64_t.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Error, Errors.
#include "fare/time.h"      // Duration.

namespace routesim {

// Reads the keys of one JSON object of a trace.  A key that is missing, doubled or has a wrong
// value is noted once, with its place; after that ok() is false.
class JsonRow {
 public:
  // `where` is the file and line; `inside` the path within the line, such as "requests/3".
  JsonRow(simdjson::dom::object object, std::string_view where, std::string inside,
          fare::Errors& errors)
      : object_(object), where_(where), inside_(std::move(inside)), errors_(errors) {}

  bool ok() const { return ok_; }

  // A whole number from min to max.
  std::int64_t whole(std::string_view key, std::int64_t min, std::int64_t max);

  // Seconds from 0 to 9e6, a number or a number in quotes, rounded to the nanosecond.
  fare::Duration seconds(std::string_view key);
  std::optional<fare::Duration> optional_seconds(std::string_view key);  // Absent or null: nothing.

  std::string_view text(std::string_view key);  // Of 1 to 200 bytes.
  std::optional<simdjson::dom::array> list(std::string_view key);
  std::optional<simdjson::dom::object> object(std::string_view key);
  std::optional<simdjson::dom::element> find(std::string_view key, bool required);

  // Notes that the value of `key` (or an item of it) breaks a rule: "KEY must be RULE, but is ...".
  void must_be(std::string_view key, std::string_view rule, simdjson::dom::element value);
  void note(fare::ErrorCode code, std::string message);

  const std::string& inside() const { return inside_; }
  std::string_view where() const { return where_; }

 private:
  std::optional<fare::Duration> read_seconds_of(std::string_view key, simdjson::dom::element value);
  std::string path(std::string_view key) const;

  simdjson::dom::object object_;
  std::string_view where_;
  std::string inside_;
  fare::Errors& errors_;
  bool ok_ = true;
};

}  // namespace routesim
