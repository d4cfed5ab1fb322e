#include "fare/expected.h"

namespace fare {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kSyntax:
      return "syntax";
    case ErrorCode::kWrongType:
      return "wrong_type";
    case ErrorCode::kOutOfRange:
      return "out_of_range";
    case ErrorCode::kUnknownKey:
      return "unknown_key";
    case ErrorCode::kDuplicateKey:
      return "duplicate_key";
    case ErrorCode::kMissingKey:
      return "missing_key";
    case ErrorCode::kUnknownName:
      return "unknown_name";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kIo:
      return "io";
  }
  return "unknown";
}

std::string to_text(const Errors& errors) {
  std::string text;
  for (const Error& error : errors) {
    if (!error.where.empty()) text.append(error.where).append(": ");
    text.append(error.message).append("\n");
  }
  return text;
}

}  // namespace fare
