#include "traffic/json_validate.h"

#include <cstddef>

namespace routesim {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kDigitsMax = 18;  // Any number of so many fits into 64 bits.

// Whether there are more than kDigitsMax digits in a row: then one of them is at a multiple of as
// many and one.
bool has_long_number(std::string_view text) {
  const auto is_digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  for (std::size_t i = 0; i < text.size(); i += kDigitsMax + 1) {
    if (!is_digit(i)) continue;
    std::size_t from = i;
    std::size_t to = i + 1;
    while (from > 0 && is_digit(from - 1)) --from;
    while (to < text.size() && is_digit(to)) ++to;
    if (to - from > kDigitsMax) return true;
  }
  return false;
}

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
  const auto* const c = reinterpret_cast<const unsigned char*>(text.data());
  const auto is_digit = [](unsigned char x) -> unsigned char {
    return static_cast<unsigned char>(x - '0') < 10;
  };
  // The first two and the last are looked at by themselves.
  const std::size_t last = text.size() - 2;
  if (!is_digit(c[1]) || !is_digit(c[last])) return false;
  unsigned char good = 1;
  for (std::size_t i = 2; i <= last; ++i) {
    const unsigned char digit = is_digit(c[i]);
    const unsigned char comma = (c[i] == ',') & is_digit(c[i - 1]);
    const unsigned char blank = (c[i] == ' ') & (c[i - 1] == ',');
    const unsigned char zero = (c[i - 1] == '0') & (is_digit(c[i - 2]) ^ 1);
    good &= static_cast<unsigned char>((digit & (zero ^ 1)) | comma | blank);
  }
  return good != 0 && !has_long_number(text);
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
