#include "traffic/name_index.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "traffic/field_text.h"
#include "traffic/trace.h"

namespace routesim {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::optional<fare::Error> NameIndex::problem(std::string_view name) const {
  if (name.empty() || numbers_.find(name) != numbers_.end()) return std::nullopt;
  const bool is_name = name.size() <= kNameMax && simdjson::validate_utf8(name) &&
                       std::none_of(name.begin(), name.end(), is_control);
  if (is_name && names_.size() < count_max_) return std::nullopt;
  return bad_field(field_,
                   is_name ? fmt::format("one of at most {} names", count_max_)
                           : fmt::format("a name of at most {} bytes of UTF-8", kNameMax),
                   name);
}

std::uint32_t NameIndex::number(std::string_view name) {
  if (name.empty()) return kUnnamed;
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  const auto next = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  numbers_.emplace(name, next);
  return next;
}

}  // namespace routesim
