#include "pricing/usage_path.h"

#include <fmt/format.h>

#include <iterator>

#include "fare/check.h"

namespace fare {
namespace {

constexpr std::size_t kExcerptMax = 60;

void write_escaped(std::string_view name, std::string& out) {
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

}  // namespace

void JsonPath::push(Step step) {
  FARE_CHECK(size_ < kDepthMax);
  steps_[size_++] = step;
}

void JsonPath::write(std::string& out) const {
  for (std::size_t i = 0; i < size_; ++i) {
    out += '/';
    if (steps_[i].name.data() == nullptr) {
      fmt::format_to(std::back_inserter(out), "{}", steps_[i].index);
    } else {
      write_escaped(steps_[i].name, out);
    }
  }
}

std::string_view excerpt(std::string_view text) {
  if (text.size() <= kExcerptMax) return text;
  std::size_t end = kExcerptMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return text.substr(0, end);
}

std::string excerpt(simdjson::dom::element value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  const std::string text = simdjson::minify(value);
  const std::string_view shown = excerpt(std::string_view(text));
  return std::string(shown) + (shown.size() < text.size() ? "..." : "");
}

}  // namespace fare
