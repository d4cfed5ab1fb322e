#include "traffic/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>

#include "fare/check.h"

namespace routesim {
namespace {

constexpr std::size_t kCountMax = 1'000;
constexpr double kValueMin = 1e-9;
constexpr double kValueMax = 1e9;
constexpr int kPowerMax = 38;  // 10^38 < 2^127.

}  // namespace

Decimal shortest_decimal(double value) {
  FARE_CHECK(std::isfinite(value));
  FARE_CHECK(value >= 0);
  std::array<char, 32> text;  // "1.2345678901234567e-308" is the longest.
  const std::to_chars_result result =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  FARE_CHECK(result.ec == std::errc());
  Decimal decimal;
  int decimals = 0;
  const char* c = text.data();
  bool is_after_point = false;
  for (; *c != 'e'; ++c) {
    if (*c == '.') {
      is_after_point = true;
    } else {
      decimal.digits = decimal.digits * 10 + (*c - '0');
      decimals += is_after_point ? 1 : 0;
    }
  }
  ++c;
  if (*c == '+') ++c;  // from_chars takes a minus only.
  std::from_chars(c, result.ptr, decimal.exponent);
  decimal.exponent -= decimals;
  return decimal;
}

fare::Int128 power_of_ten(int exponent) {
  FARE_CHECK(exponent >= 0);
  FARE_CHECK(exponent <= kPowerMax);
  fare::Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

std::vector<fare::Int128> in_proportion(const std::vector<double>& values) {
  FARE_CHECK(values.size() <= kCountMax);
  std::vector<Decimal> decimals;
  int exponent_min = 0;
  for (const double value : values) {
    FARE_CHECK(value == 0 || value >= kValueMin);
    FARE_CHECK(value <= kValueMax);
    decimals.push_back(shortest_decimal(value));
    if (value != 0) exponent_min = std::min(exponent_min, decimals.back().exponent);
  }
  std::vector<fare::Int128> numbers;
  for (const Decimal& decimal : decimals) {
    const bool is_zero = decimal.digits == 0;
    numbers.push_back(is_zero ? 0 : decimal.digits * power_of_ten(decimal.exponent - exponent_min));
  }
  return numbers;
}

}  // namespace routesim
