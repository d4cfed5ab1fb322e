#pragma once

#include <string>           // std::string.
#include <string_view>      // std::string_view.
#include <tl/expected.hpp>  // tl::expected.
#include <utility>          // std::move.
#include <vector>           // std::vector.

namespace fare {

enum class ErrorCode {
  kSyntax,        // The text is not what its format says: broken JSON, a malformed number.
  kWrongType,     // A value of another JSON type.
  kOutOfRange,    // The right type, but outside the stated range.
  kUnknownKey,    // A key that nobody reads.
  kDuplicateKey,  // A key, name or identifier that stands twice.
  kMissingKey,    // A required key is absent.
  kUnknownName,   // A reference to something that does not exist: a model, a target, a class.
  kConflict,      // Two values that contradict each other.
  kIo,            // A file that cannot be read or written.
};

// The stable, lower-case name of a code: "out_of_range".
[[nodiscard]] std::string_view to_string(ErrorCode code);

// One thing that is wrong with an input.
struct Error {
  ErrorCode code;
  std::string where;    // A path, a path and JSON pointer ("a.json#/models/0"), or a path and line.
  std::string message;  // A sentence that names the value and the rule it broke.
};

// Everything that is wrong with an input, in the order of reading.  Never empty.
using Errors = std::vector<Error>;

// A T, or all the reasons why there is none.
template <class T>
using Expected = tl::expected<T, Errors>;

// `return fail(...)` ends a function that returns an Expected with one error.
[[nodiscard]] inline tl::unexpected<Errors> fail(ErrorCode code, std::string where,
                                                 std::string message) {
  Errors errors;
  errors.push_back({code, std::move(where), std::move(message)});
  return tl::unexpected<Errors>(std::move(errors));
}

// One line an error, "where: message", each ended by a newline.
[[nodiscard]] std::string to_text(const Errors& errors);

}  // namespace fare
