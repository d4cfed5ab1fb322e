#pragma once

#include <cstdint>      // std::int64_t.
#include <map>          // std::map.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/usage_body.h"  // UsageApi.

namespace fare {

// What one of genai-prices' extractors makes of a body.
struct GoldenPair {
  std::string provider;                       // "anthropic", "aws", "huggingface_groq".
  std::string flavor;                         // "default", "chat", "responses".
  std::map<std::string, std::int64_t> usage;  // Its units, not disjoint: "input_tokens".
  std::string input_price;                    // Decimal dollars; empty if it knows no price.
  std::string output_price;
  std::string total_price;  // Only where it is not the sum of those: searches.
};

// A body that a vendor once returned: recorded by pydantic-ai's tests.
struct GoldenBody {
  std::string json;
  std::string file;
  std::string model;  // Empty if the body names none.
  std::vector<GoldenPair> pairs;
};

// The golden usages of ../shared/data/pricing, in the file's order; empty if it is not there.
std::vector<GoldenBody> golden_usages();

// Whose API an extractor reads.  It is tried on every body of a fitting shape, so that the API need
// not be the body's own.  Nothing for those that we do not read.
std::optional<UsageApi> golden_api(std::string_view provider, std::string_view flavor);

}  // namespace fare
