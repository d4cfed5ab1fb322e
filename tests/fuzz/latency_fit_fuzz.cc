#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "fare/check.h"
#include "study/latency_fit_pooled.h"
#include "study/latency_fit_rows.h"

// Goal: no measured rows make the fit of a hosted model crash, and what it writes, a world reads.
// Method: the bytes are read as rows of every format; each model that gets a fit, of its own or
// pooled, has its distributions read back and its totals drawn.

namespace {

using namespace routesim;

void check_distribution(const std::vector<Distribution::Point>& quantiles) {
  fare::Problems problems("fit");
  const fare::JsonDocument document(R"({"law":)" + distribution_json(quantiles) + "}", problems);
  FARE_CHECK(problems.empty());
  const auto distribution = read_distribution(document.root().member("law"));
  FARE_CHECK(distribution.has_value());
  FARE_CHECK(distribution->least() >= 0);
}

void check_fit(const LatencyRows& rows, const HostedFit& fit) {
  FARE_CHECK(std::isfinite(fit.input_effect.per_1k_new));
  FARE_CHECK(fit.input_effect.per_1k_new >= fit.input_effect.per_1k_cached);
  FARE_CHECK(fit.input_effect.per_1k_cached >= 0);
  FARE_CHECK(fit.own_share >= 0);
  FARE_CHECK(fit.own_share <= 1);
  check_distribution(fit.first_token_ms);
  check_distribution(fit.ms_per_output_token);
  const HostedItems items = hosted_items(rows, fit.model, SessionHalf::kAll);
  for (const double total : drawn_totals(items, fit, 1, 1)) FARE_CHECK(std::isfinite(total));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LatencyFormat format :
       {LatencyFormat::kVllm, LatencyFormat::kClaudeCode, LatencyFormat::kCsv}) {
    const auto rows = parse_latency_rows("fuzz", text, format);
    if (!rows) continue;
    for (std::uint32_t model = 0; model < rows->models.size(); ++model) {
      if (const auto fit = fit_or_pool(*rows, model, SessionHalf::kAll)) check_fit(*rows, *fit);
    }
  }
  return 0;
}
