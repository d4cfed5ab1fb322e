#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fare/expected.h"

namespace fare {

// JSON whose numbers keep their text: 2.9999900000000002e-06 is a decimal here, not a double.
struct ForeignValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text;                 // Of a number as written, of a string, of a bool.
  std::vector<ForeignValue> items;  // Of an array or object, in order.
  std::vector<std::string> keys;    // Of an object, beside `items`.

  bool is_object() const { return kind == Kind::kObject; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_number() const { return kind == Kind::kNumber; }
  bool is_true() const { return kind == Kind::kBool && text == "true"; }

  // The member, or null.  Of a key that stands twice, the last, as most readers take it.
  const ForeignValue* find(std::string_view key) const;

  // The text of a string member, or "".
  std::string_view string_of(std::string_view key) const;

  // What it looked like, shortened to about 100 bytes.
  std::string shown() const;
};

// Errors: broken text, or nesting deeper than 64.  Keys that stand twice in one object are added to
// `twice`.
Expected<ForeignValue> parse_foreign(std::string_view text, std::string_view name,
                                     std::vector<std::string>& twice);

}  // namespace fare
