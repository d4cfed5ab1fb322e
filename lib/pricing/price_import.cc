#include "fare/price_import.h"

#include <array>

#include "pricing/import_desk.h"

namespace fare {
namespace {

constexpr std::array<std::string_view, 4> kFormats = {"litellm", "genai-prices", "models.dev",
                                                      "openrouter"};
constexpr std::array<std::string_view, 4> kTitles = {"LiteLLM model prices and context window",
                                                     "genai-prices data", "models.dev api",
                                                     "OpenRouter model listing"};

using Importer = void (*)(const ForeignValue&, ImportDesk&);
constexpr std::array<Importer, 4> kImporters = {&import_litellm, &import_genai_prices,
                                                &import_models_dev, &import_open_router};

// Whether the document is of the kind that the format is.
bool has_shape(ForeignFormat format, const ForeignValue& root) {
  switch (format) {
    case ForeignFormat::kLiteLlm:
    case ForeignFormat::kModelsDev:
      return root.is_object();
    case ForeignFormat::kGenaiPrices:
      return root.is_array();
    case ForeignFormat::kOpenRouter:
      return root.find("data") != nullptr && root.find("data")->is_array();
  }
  return false;
}

constexpr std::array<std::string_view, 4> kShapes = {
    "an object of models by key", "an array of providers", "an object of providers by id",
    "an object with the array \"data\""};

}  // namespace

std::string_view to_string(ForeignFormat format) {
  return kFormats[static_cast<std::size_t>(format)];
}

std::optional<ForeignFormat> foreign_format_named(std::string_view name) {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i] == name) return static_cast<ForeignFormat>(i);
  }
  return std::nullopt;
}

std::string_view to_string(ImportRemark remark) {
  switch (remark) {
    case ImportRemark::kEntryLeftOut:
      return "entry left out";
    case ImportRemark::kFieldLeftOut:
      return "price left out";
    case ImportRemark::kNameLeftOut:
      return "name left out";
    case ImportRemark::kRounded:
      return "rounded";
    case ImportRemark::kAssumed:
      return "assumed";
  }
  return "unknown";
}

Expected<PriceImport> import_prices(std::string_view text, const ImportOptions& options) {
  std::vector<std::string> twice;
  const Expected<ForeignValue> root = parse_foreign(text, options.name, twice);
  if (!root) return tl::unexpected<Errors>(root.error());
  const auto number = static_cast<std::size_t>(options.format);
  if (!has_shape(options.format, *root)) {
    return fail(ErrorCode::kWrongType, options.name,
                "must be " + std::string(kShapes[number]) + ", as " +
                    std::string(kFormats[number]) + " has it, but is " + root->shown());
  }
  std::string where = options.name.substr(0, 1'000);
  ImportDesk desk(options, std::string(kTitles[number]), where.empty() ? "-" : where);
  for (const std::string& key : twice) {
    desk.begin_entry(key);
    desk.note(ImportRemark::kAssumed, "", "", "stands twice in one object: the last one counts");
  }
  kImporters[number](*root, desk);
  return desk.finish();
}

}  // namespace fare
