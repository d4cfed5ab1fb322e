#include "report/apportion.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fare/check.h"
#include "report/format.h"

namespace routesim {
namespace {

constexpr int kPicodollarDecimals = 12;

// How many digits dollars_text() puts behind the point.
int decimals_of(fare::Cost cost) {
  const std::string text = dollars_text(cost);
  const std::size_t point = text.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(text.size() - point - 1);
}

// The last of so many decimals of a dollar, in picodollars.
fare::Int128 unit_of(int decimals) {
  fare::Int128 unit = 1;
  for (int i = decimals; i < kPicodollarDecimals; ++i) unit *= 10;
  return unit;
}

fare::Int128 divided_half_even(fare::Int128 value, fare::Int128 divisor) {
  const fare::Int128 quotient = value / divisor;
  const fare::Int128 twice = value % divisor * 2;
  const bool up = twice > divisor || (twice == divisor && quotient % 2 != 0);
  return quotient + (up ? 1 : 0);
}

}  // namespace

std::vector<fare::Int128> apportion(const std::vector<fare::Int128>& parts, fare::Int128 divisor,
                                    fare::Int128 total) {
  FARE_CHECK(divisor > 0);
  std::vector<fare::Int128> shares;
  for (const fare::Int128 part : parts) {
    FARE_CHECK(part >= 0);
    shares.push_back(part / divisor);
    total -= part / divisor;
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return parts[a] % divisor > parts[b] % divisor;
  });
  for (std::size_t i = 0; i < order.size() && total > 0; ++i, --total) ++shares[order[i]];
  return shares;
}

std::vector<fare::Int128> share_tenths(const std::vector<fare::Int128>& parts, fare::Int128 whole,
                                       fare::Int128 tenths) {
  if (whole == 0) return std::vector<fare::Int128>(parts.size());
  std::vector<fare::Int128> scaled;
  scaled.reserve(parts.size());
  for (const fare::Int128 part : parts) scaled.push_back(part * 1'000);
  return apportion(scaled, whole, tenths);
}

std::string tenths_text(fare::Int128 tenths) {
  const auto value = static_cast<std::int64_t>(tenths);
  return fmt::format("{}.{} %", value / 10, value % 10);
}

MeanColumn::MeanColumn(const std::vector<fare::Cost>& totals, fare::Int128 unit, int decimals,
                       std::uint32_t replications, fare::Int128 shown)
    : totals_(totals), unit_(unit), decimals_(decimals), replications_(replications) {
  std::vector<fare::Int128> parts;
  parts.reserve(totals.size());
  for (const fare::Cost total : totals) parts.push_back(total.count());
  shown_ = apportion(parts, unit * replications, shown);
}

MeanColumn::MeanColumn(const std::vector<fare::Cost>& totals, std::uint32_t replications,
                       fare::Cost mean)
    : MeanColumn(totals, unit_of(decimals_of(mean)), decimals_of(mean), replications,
                 divided_half_even(mean.count(), unit_of(decimals_of(mean)))) {}

MeanColumn MeanColumn::parts_of(std::size_t row, const std::vector<fare::Cost>& totals) const {
  return {totals, unit_, decimals_, replications_, shown_[row]};
}

std::string MeanColumn::text(const std::vector<std::size_t>& rows) const {
  fare::Cost total;
  fare::Int128 shown = 0;
  for (const std::size_t row : rows) {
    total += totals_[row];
    shown += shown_[row];
  }
  const bool tiny = shown == 0 && total > fare::Cost(0);
  return (tiny ? "< $" : "$") +
         fare::to_usd_rounded(fare::Cost(tiny ? unit_ : shown * unit_), decimals_);
}

}  // namespace routesim
