#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <map>          // std::map.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"     // Expected.
#include "fare/price_sheet.h"  // PriceSheet.
#include "fare/time.h"         // Instant.

namespace fare {

// Other people's price lists, read into our sheets.  Decimals are taken as they are written, never
// through floating point; what cannot be carried is said, entry by entry.

enum class ForeignFormat : std::uint8_t {
  kLiteLlm,      // BerriAI/litellm, model_prices_and_context_window.json: dollars a token.
  kGenaiPrices,  // pydantic/genai-prices, data.json: dollars per million.
  kModelsDev,    // models.dev, api.json: dollars per million.
  kOpenRouter,   // GET openrouter.ai/api/v1/models: dollars a token, as text.
};

// "litellm", "genai-prices", "models.dev", "openrouter".
[[nodiscard]] std::string_view to_string(ForeignFormat format);
[[nodiscard]] std::optional<ForeignFormat> foreign_format_named(std::string_view name);

enum class ImportRemark : std::uint8_t {
  kEntryLeftOut,  // The whole entry: no model came of it.
  kFieldLeftOut,  // A price that our format cannot hold or that is not clear.
  kNameLeftOut,   // A name that is not exact, or is another model's.
  kRounded,       // To a picodollar a unit: 1e-12 dollars a token.
  kAssumed,       // Carried, read in a way that the list does not state.
};

// "entry left out", ...
[[nodiscard]] std::string_view to_string(ImportRemark remark);

struct ImportNote {
  ImportRemark remark;
  std::string entry;  // The entry's key: "gpt-5.4", "openai/gpt-5.4".
  std::string field;  // Empty: the whole entry.
  std::string value;  // As the list has it.
  std::string why;
};

struct ImportOptions {
  ForeignFormat format = ForeignFormat::kLiteLlm;
  std::string name;      // The file's name, for messages and as the source.
  Instant from;          // When prices hold from, where the list does not say.
  std::string observed;  // The day of the list, "2026-08-01".
};

struct PriceImport {
  std::vector<PriceSheet> sheets;                   // One a provider, by name.
  std::vector<ImportNote> notes;                    // In the order of the list.
  std::size_t entries = 0;                          // How many the list has.
  std::size_t models = 0;                           // How many were carried.
  std::map<std::string, std::size_t> other_fields;  // That are no prices: name → how often.
};

// Reads a list.  Every entry becomes a model or is named in `notes`.  The sheets read back without
// a problem.  Errors: the text is not JSON of that shape at all.
[[nodiscard]] Expected<PriceImport> import_prices(std::string_view text,
                                                  const ImportOptions& options);

}  // namespace fare
