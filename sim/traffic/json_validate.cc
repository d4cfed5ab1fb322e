#include "traffic/json_validate.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "traffic/digit_masks.h"

namespace routesim {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kDigitsMax = 18;  // Any number of so many fits into 64 bits.

// Whether more than kDigitsMax bits in a row are set, by what ends 2, 4, 8, 16 and 16 + 3 of them.
bool has_long_row(std::uint64_t bits) {
  for (const int step : {1, 2, 4}) bits &= bits << step;
  if (bits == 0) return false;  // As ever for lists of short numbers.
  bits &= bits << 8;
  return (bits & bits << (kDigitsMax + 1 - 16)) != 0;
}

// Looks at a list, block by block.
class ListWalk {
 public:
  // Whether the first `size` bytes of a block, from 1 to all, go on a list.
  bool go_on(DigitMasks now, std::size_t size) {
    const auto after = [](std::uint64_t bits, std::uint64_t earlier, int by) {
      return bits << by | earlier >> (64 - by);
    };
    const std::uint64_t looked_at = ~std::uint64_t{0} >> (DigitMasks::kBytes - size);
    now.digits &= looked_at;
    const std::uint64_t after_digit = after(now.digits, before_.digits, 1);
    const std::uint64_t after_two = after(now.digits, before_.digits, 2);
    const std::uint64_t after_zero = after(now.zeros, before_.zeros, 1);
    const std::uint64_t after_comma = after(now.commas, before_.commas, 1);
    const std::uint64_t good = (now.digits & (after_two | ~after_zero)) |
                               (now.commas & after_digit) | (now.blanks & after_comma);
    const int digits_begun = std::countl_one(before_.digits) + std::countr_one(now.digits);
    before_ = now;
    return (~good & looked_at) == 0 && digits_begun <= kDigitsMax && !has_long_row(now.digits);
  }

 private:
  DigitMasks before_;
};

bool is_json_list(ondemand::array list) {
  std::string_view text;
  if (list.raw_json().get(text) != simdjson::SUCCESS) return false;
  return is_plain_list(text);
}

bool is_json_object(ondemand::object object) {
  for (auto member : object) {
    ondemand::field field;
    std::string_view key;
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (!is_json(field.value())) return false;
  }
  return true;
}

}  // namespace

bool is_plain_list(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  if (text == "[]") return true;
  const std::string_view items = text.substr(1, text.size() - 2);
  if (items.back() < '0' || items.back() > '9') return false;
  ListWalk walk;
  for (std::size_t i = 0; i < items.size(); i += DigitMasks::kBytes) {
    const std::size_t size = std::min(items.size() - i, DigitMasks::kBytes);
    if (!walk.go_on(digit_masks(items.data() + i), size)) return false;
  }
  return true;
}

bool is_json(ondemand::value value) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case ondemand::json_type::array: {
      ondemand::array list;
      return value.get_array().get(list) == simdjson::SUCCESS && is_json_list(list);
    }
    case ondemand::json_type::object: {
      ondemand::object object;
      return value.get_object().get(object) == simdjson::SUCCESS && is_json_object(object);
    }
    case ondemand::json_type::number: {
      ondemand::number number;
      return value.get_number().get(number) == simdjson::SUCCESS;
    }
    case ondemand::json_type::string: {
      std::string_view text;
      return value.get_string().get(text) == simdjson::SUCCESS;
    }
    case ondemand::json_type::boolean: {
      bool yes = false;
      return value.get_bool().get(yes) == simdjson::SUCCESS;
    }
    case ondemand::json_type::null: {
      bool yes = false;
      return simdjson::simdjson_result<bool>(value.is_null()).get(yes) == simdjson::SUCCESS && yes;
    }
  }
  return false;
}

}  // namespace routesim
