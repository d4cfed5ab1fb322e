#include "pricing/exact_decimal.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace fare {
namespace {

constexpr std::size_t kDigitsMax = 18;  // What an int64 always holds.
constexpr int kExponentMax = 1'000;
constexpr std::size_t kTextMax = 1'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`.
std::string take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  std::string digits(text.begin(), end);
  text.remove_prefix(digits.size());
  return digits;
}

// Whether the digits behind the last kept one round it up, half to even.
bool rounds_up(const std::string& digits, std::size_t kept) {
  const char next = digits[kept];
  if (next != '5') return next > '5';
  const bool beyond_half = std::any_of(digits.begin() + static_cast<std::ptrdiff_t>(kept) + 1,
                                       digits.end(), [](char c) { return c != '0'; });
  const bool odd = kept > 0 && (digits[kept - 1] - '0') % 2 == 1;
  return beyond_half || odd;
}

// digits x 10^exponent.
ScaledDecimal whole(std::string digits, int exponent) {
  using Status = ScaledDecimal::Status;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return {Status::kExact, 0};
  if (exponent > 0) digits.append(static_cast<std::size_t>(exponent), '0');
  bool exact = true;
  bool up = false;
  if (exponent < 0) {
    const auto dropped = static_cast<std::size_t>(-exponent);
    if (dropped > digits.size()) digits.insert(0, dropped - digits.size(), '0');
    const std::size_t kept = digits.size() - dropped;
    exact = digits.find_first_not_of('0', kept) == std::string::npos;
    up = rounds_up(digits, kept);
    digits.resize(kept);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  }
  if (digits.size() > kDigitsMax) return {Status::kTooLarge, 0};
  std::int64_t count = 0;
  for (const char digit : digits) count = count * 10 + (digit - '0');
  return {exact ? Status::kExact : Status::kRounded, count + (up ? 1 : 0)};
}

}  // namespace

ScaledDecimal scaled(std::string_view text, int shift) {
  using Status = ScaledDecimal::Status;
  if (text.size() > kTextMax) return {};
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::string digits = take_digits(text);
  if (digits.empty()) return {};
  int exponent = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::string fraction = take_digits(text);
    if (fraction.empty()) return {};
    digits += fraction;
    exponent = -static_cast<int>(fraction.size());
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    int written = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), written);
    if (read.ec != std::errc() || std::abs(written) > kExponentMax) return {};
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    exponent += written;
  }
  if (!text.empty()) return {};
  const ScaledDecimal result = whole(std::move(digits), exponent + shift);
  if (negative && (result.status != Status::kExact || result.count != 0)) {
    return {Status::kNegative, 0};
  }
  return result;
}

}  // namespace fare
