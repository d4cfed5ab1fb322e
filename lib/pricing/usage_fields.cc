#include "pricing/usage_fields.h"

#include <algorithm>

#include "fare/check.h"
#include "pricing/usage_tables.h"

namespace fare {

const Field* Dialect::find(Scope scope, std::string_view name) const {
  for (std::uint8_t at = tables::hash_of(scope, name);; ++at) {
    const std::uint8_t slot = (*index)[at];
    if (slot == tables::kNoField) return nullptr;
    const Field& field = fields[slot];
    if (field.scope == scope && field.name == name) return &field;
  }
}

bool Dialect::has(Part part) const {
  return std::any_of(fields.begin(), fields.end(), [part](const Field& field) {
    const bool counts = field.kind == FieldKind::kCount || field.kind == FieldKind::kSum;
    if (field.kind == FieldKind::kModalities) {
      return part > field.part() && part <= field.part() + 4;
    }
    return (counts && field.part() == part) || (field.kind == FieldKind::kCacheDetails &&
                                                (part == Part::kWrite5m || part == Part::kWrite1h));
  });
}

const Dialect& dialect_of(UsageApi api) {
  switch (api) {
    case UsageApi::kCanonical:
      return tables::canonical();
    case UsageApi::kOpenAiResponses:
      return tables::responses();
    case UsageApi::kAnthropic:
      return tables::anthropic();
    case UsageApi::kGemini:
      return tables::gemini();
    case UsageApi::kBedrockConverse:
    case UsageApi::kBedrockInvoke:
      return tables::bedrock(api);
    case UsageApi::kOtel:
      return tables::otel();
    default:
      return tables::chat(api);
  }
}

std::string path_of(const Dialect& dialect, const Field& field) {
  std::string path(field.name);
  Scope scope = field.scope;
  while (scope != Scope::kUsage && scope != Scope::kEnvelope) {
    const auto parent =
        std::find_if(dialect.fields.begin(), dialect.fields.end(), [scope](const Field& candidate) {
          return candidate.kind == FieldKind::kObject && candidate.object() == scope;
        });
    FARE_CHECK(parent != dialect.fields.end());
    path = std::string(parent->name) + "/" + path;
    scope = parent->scope;
  }
  return path;
}

}  // namespace fare
