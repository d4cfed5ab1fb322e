#include "fare/money.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace fare {
namespace {

constexpr std::int64_t kPicodollarsPerNanodollar = 1'000;
constexpr int kPicodollarDecimals = 12;
constexpr int kRateDecimals = 6;
constexpr std::int64_t kDollarsMax = 1'000'000'000'000'000'000;
constexpr std::int64_t kRateMax = 1'000'000;

constexpr Int128 power_of_ten(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

enum class Rounding { kHalfEven, kUp };

// value / divisor, rounded; divisor > 0.
Int128 divide(Int128 value, Int128 divisor, Rounding rounding) {
  Int128 quotient = value / divisor;
  Int128 remainder = value % divisor;
  if (remainder < 0) {  // Towards minus infinity, so that the remainder is never negative.
    remainder += divisor;
    --quotient;
  }
  if (remainder == 0) return quotient;
  if (rounding == Rounding::kUp) return quotient + 1;
  const Int128 twice = remainder * 2;
  const bool up = twice > divisor || (twice == divisor && quotient % 2 != 0);
  return quotient + (up ? 1 : 0);
}

std::optional<Money> to_money(Cost cost, Rounding rounding) {
  const Int128 nanodollars = divide(cost.count(), kPicodollarsPerNanodollar, rounding);
  if (nanodollars > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  if (nanodollars < std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return Money(static_cast<std::int64_t>(nanodollars));
}

tl::unexpected<Errors> bad_decimal(ErrorCode code, std::string_view text, std::string_view rule) {
  return fail(code, "", fmt::format("must be {}, but is \"{}\"", rule, text.substr(0, 64)));
}

struct DecimalRule {
  int decimals;           // The most digits after the point; the result counts 10^-decimals.
  std::int64_t max;       // The largest whole part.
  bool negative;          // Whether a minus is allowed.
  std::string_view text;  // What the sentence says.
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Expected<Int128> parse_decimal(std::string_view text, const DecimalRule& rule) {
  std::string_view rest = text;
  const bool minus = rest.starts_with('-');
  if (minus) rest.remove_prefix(1);
  const std::size_t point = rest.find('.');
  const std::string_view whole = rest.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : rest.substr(point + 1);
  const bool digits_only = std::all_of(whole.begin(), whole.end(), is_digit) &&
                           std::all_of(fraction.begin(), fraction.end(), is_digit);
  const bool point_alone = point != std::string_view::npos && fraction.empty();
  if (whole.empty() || !digits_only || point_alone) {
    return bad_decimal(ErrorCode::kSyntax, text, rule.text);
  }
  const bool too_fine = fraction.size() > static_cast<std::size_t>(rule.decimals);
  if (whole.size() > 19 || too_fine || (minus && !rule.negative)) {
    return bad_decimal(ErrorCode::kOutOfRange, text, rule.text);
  }
  Int128 value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  for (const char c : fraction) value = value * 10 + (c - '0');
  value *= power_of_ten(rule.decimals - static_cast<int>(fraction.size()));
  if (value > rule.max * power_of_ten(rule.decimals)) {
    return bad_decimal(ErrorCode::kOutOfRange, text, rule.text);
  }
  return minus ? -value : value;
}

// Its own type: the magnitude of the least Int128 does not fit into an Int128.
__extension__ typedef unsigned __int128 Magnitude;

Magnitude magnitude_of(Int128 value) {
  return value < 0 ? -static_cast<Magnitude>(value) : static_cast<Magnitude>(value);
}

// magnitude * 10^-decimals as text, at least one digit before the point, no trailing zeros.
std::string exact_text(Magnitude magnitude, int decimals) {
  std::string digits = fmt::format("{}", magnitude);
  if (digits.size() <= static_cast<std::size_t>(decimals)) {
    digits.insert(0, static_cast<std::size_t>(decimals) + 1 - digits.size(), '0');
  }
  digits.insert(digits.size() - static_cast<std::size_t>(decimals), ".");
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits;
}

std::string signed_text(Int128 value, int decimals) {
  return (value < 0 ? "-" : "") + exact_text(magnitude_of(value), decimals);
}

void separate_thousands(std::string& digits) {
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ",");
}

}  // namespace

Cost cost_of(Rate rate, std::int64_t parts, Tokens count) {
  return parts == 1 ? rate * count
                    : Cost(divide((rate * count).count(), parts, Rounding::kHalfEven));
}

std::optional<Money> money_half_even(Cost cost) { return to_money(cost, Rounding::kHalfEven); }
std::optional<Money> money_rounded_up(Cost cost) { return to_money(cost, Rounding::kUp); }

Expected<Cost> parse_usd(std::string_view text) {
  static constexpr DecimalRule kRule = {
      kPicodollarDecimals, kDollarsMax, true,
      "a decimal number of dollars with at most 12 decimals such as \"0.005\""};
  return parse_decimal(text, kRule).transform([](Int128 value) { return Cost(value); });
}

Expected<Rate> parse_usd_per_mtok(std::string_view text) {
  static constexpr DecimalRule kRule = {
      kRateDecimals, kRateMax, false,
      "a decimal number of dollars per million tokens, from 0 to 1000000 and with at most 6 "
      "decimals, such as \"2.50\""};
  return parse_decimal(text, kRule).transform([](Int128 value) {
    return Rate(static_cast<std::int64_t>(value));
  });
}

Expected<Rate> parse_usd_per_unit(std::string_view text) {
  static constexpr DecimalRule kRule = {
      kPicodollarDecimals, kRateMax, false,
      "a decimal number of dollars, from 0 to 1000000 and with at most 12 decimals, such as "
      "\"0.01\""};
  return parse_decimal(text, kRule).transform([](Int128 value) {
    return Rate(static_cast<std::int64_t>(value));
  });
}

std::string to_usd(Cost cost) { return signed_text(cost.count(), kPicodollarDecimals); }
std::string to_usd(Money money) { return signed_text(money.count(), kPicodollarDecimals - 3); }
std::string to_usd_per_mtok(Rate rate) { return signed_text(rate.count(), kRateDecimals); }

std::string to_usd_per_mtok(Rate rate, std::int64_t parts) {
  int decimals = 0;
  while (power_of_ten(decimals) % parts != 0) ++decimals;
  return signed_text(rate.count() * (power_of_ten(decimals) / parts), kRateDecimals + decimals);
}

std::string to_usd_rounded(Cost cost, int decimals) {
  FARE_CHECK(decimals >= 0);
  FARE_CHECK(decimals <= kPicodollarDecimals);
  const Int128 rounded =
      divide(cost.count(), power_of_ten(kPicodollarDecimals - decimals), Rounding::kHalfEven);
  std::string text = exact_text(magnitude_of(rounded), decimals);
  const std::size_t point = text.find('.');
  std::string whole = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  fraction.append(static_cast<std::size_t>(decimals) - fraction.size(), '0');
  separate_thousands(whole);
  if (decimals > 0) whole.append(".").append(fraction);
  return rounded < 0 ? "-" + whole : whole;
}

}  // namespace fare
