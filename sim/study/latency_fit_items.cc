#include "study/latency_fit_items.h"

#include <algorithm>
#include <map>

#include "fare/check.h"

namespace routesim {
namespace {

double to_ms(fare::Duration time) { return static_cast<double>(time.count()) / 1e6; }

bool is_in(const LatencyRow& row, std::uint32_t model, SessionHalf half) {
  if (row.model != model) return false;
  return half == SessionHalf::kAll || (row.session % 2 == 0) == (half == SessionHalf::kEven);
}

}  // namespace

HostedItems hosted_items(const LatencyRows& rows, std::uint32_t model, SessionHalf half) {
  HostedItems items;
  for (const LatencyRow& row : rows.rows) {
    if (!is_in(row, model, half) || row.total.count() == 0) continue;
    items.push_back({.total = to_ms(row.total),
                     .first = row.first_token == kUnrecorded ? -1 : to_ms(row.first_token),
                     .later_tokens = static_cast<double>(row.output.count() - 1),
                     .new_k = static_cast<double>((row.input - row.cached).count()) / 1'000,
                     .cached_k = static_cast<double>(row.cached.count()) / 1'000,
                     .session = row.session});
  }
  return items;
}

std::vector<HostedItems> by_session(std::span<const HostedItem> items) {
  std::vector<HostedItems> sessions;
  std::map<std::uint32_t, std::size_t> places;
  for (const HostedItem& item : items) {
    const auto [place, is_new] = places.try_emplace(item.session, sessions.size());
    if (is_new) sessions.emplace_back();
    sessions[place->second].push_back(item);
  }
  return sessions;
}

std::vector<double> quantiles_of(std::span<double> values, std::span<const double> shares) {
  FARE_CHECK(!values.empty());
  std::vector<double> quantiles;
  auto begin = values.begin();  // What is before it is not greater than what is not.
  for (const double share : shares) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(place);
    const auto middle = values.begin() + below;
    std::nth_element(begin, middle, values.end());
    begin = middle;
    const double above =
        middle + 1 < values.end() ? *std::min_element(middle + 1, values.end()) : *middle;
    quantiles.push_back(*middle + (above - *middle) * (place - static_cast<double>(below)));
  }
  return quantiles;
}

}  // namespace routesim
