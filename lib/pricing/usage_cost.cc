#include "pricing/usage_cost.h"

#include <charconv>

namespace fare {
namespace {

constexpr int kDigitsMax = 30;  // A quintillion dollars in picodollars is 1e30.

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// value * 10^exponent, and whether digits beyond those in value were other than zero.
struct Decimal {
  Int128 value = 0;
  std::int64_t exponent = 0;
  int digits = 0;
  bool has_more = false;

  void add(char digit, bool after_point) {
    if (digits < kDigitsMax + 4) {
      value = value * 10 + (digit - '0');
      if (value != 0) ++digits;
      if (after_point) --exponent;
    } else {
      has_more |= digit != '0';
      if (!after_point) ++exponent;
    }
  }
};

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal decimal;
  std::size_t at = 0;
  bool after_point = false;
  bool any = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !after_point)); ++at) {
    if (text[at] == '.') {
      after_point = true;
    } else {
      decimal.add(text[at], after_point);
      any = true;
    }
  }
  if (!any) return std::nullopt;
  if (at == text.size()) return decimal;
  if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
  ++at;
  if (at < text.size() && text[at] == '+') ++at;
  int exponent = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + at, end, exponent);
  if (error != std::errc() || stop != end) return std::nullopt;
  decimal.exponent += exponent;
  return decimal;
}

}  // namespace

std::optional<ReportedCost> read_cost(std::string_view number) {
  const std::optional<Decimal> decimal = read_decimal(number);
  if (!decimal) return std::nullopt;
  Int128 value = decimal->value;
  std::int64_t shift = decimal->exponent + 12;
  if (value == 0) return ReportedCost{Cost(0), decimal->has_more};
  if (decimal->digits + shift > kDigitsMax) return std::nullopt;
  for (; shift > 0; --shift) value *= 10;
  // Digit by digit downwards; what falls off is less than, equal to or more than a half.
  int last = 0;
  bool below = decimal->has_more;
  for (; shift < 0 && (value != 0 || last != 0); ++shift) {
    below |= last != 0;
    last = static_cast<int>(value % 10);
    value /= 10;
  }
  if (shift < 0) below = true;
  if (shift == 0 && (last > 5 || (last == 5 && (below || value % 2 != 0)))) ++value;
  return ReportedCost{Cost(value), last != 0 || below};
}

}  // namespace fare
