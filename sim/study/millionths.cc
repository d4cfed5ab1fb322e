#include "study/millionths.h"

#include <string>

#include "fare/money.h"

namespace routesim {

std::optional<std::int64_t> read_millionths(const fare::JsonNode& node) {
  constexpr std::string_view kRule =
      "a share from \"0\" to \"1\" with at most 6 decimals, such as \"0.4\"";
  constexpr fare::Int128 kPicodollarsPerMillionth = 1'000'000;  // parse_usd() counts 10^-12.
  const std::optional<std::string> text = fare::json::text(32)(node);
  if (!text) return std::nullopt;
  const fare::Expected<fare::Cost> value = fare::parse_usd(*text);
  const fare::Int128 count = value ? value->count() : -1;
  const bool fits = count >= 0 && count <= kPicodollarsPerMillionth * 1'000'000 &&
                    count % kPicodollarsPerMillionth == 0;
  if (fits) return static_cast<std::int64_t>(count / kPicodollarsPerMillionth);
  node.must_be(fare::ErrorCode::kOutOfRange, kRule);
  return std::nullopt;
}

}  // namespace routesim
