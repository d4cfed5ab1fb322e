#include "pricing/json_layout.h"

namespace fare {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 100;

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string one_line(const Json& value) {
  if (!value.is_structured()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text = value.is_object() ? "{" : "[";
  bool first = true;
  for (const auto& item : value.items()) {
    if (!first) text += ", ";
    first = false;
    if (value.is_object()) text += quoted(item.key()) + ": ";
    text += one_line(item.value());
  }
  return text + (value.is_object() ? "}" : "]");
}

class Layout {
 public:
  std::string text() && { return std::move(text_) + "\n"; }

  // Writes `value` behind `head`, which stands in the current line; `tail` follows it.
  void add(const Json& value, std::size_t indent, const std::string& tail, bool is_root) {
    std::string line = one_line(value) + tail;
    if (!is_root && column() + line.size() <= kColumns) {
      text_ += line;
      return;
    }
    if (!value.is_structured()) {
      text_ += line;
      return;
    }
    text_ += value.is_object() ? "{" : "[";
    add_members(value, indent + 2, is_root);
    new_line(indent);
    text_ += (value.is_object() ? "}" : "]") + tail;
  }

 private:
  void add_members(const Json& value, std::size_t indent, bool is_root) {
    bool in_line = false;  // Whether the line may take another plain member.
    std::size_t left = value.size();
    for (const auto& item : value.items()) {
      const std::string head = value.is_object() ? quoted(item.key()) + ": " : std::string();
      const std::string tail = --left == 0 ? "" : ",";
      const bool is_plain = !item.value().is_structured();
      const std::size_t width = head.size() + one_line(item.value()).size() + tail.size();
      if (in_line && is_plain && !is_root && column() + 1 + width <= kColumns) {
        text_ += ' ';
      } else {
        new_line(indent);
      }
      text_ += head;
      add(item.value(), indent, tail, false);
      in_line = is_plain;
    }
  }

  std::size_t column() const { return text_.size() - line_start_; }

  void new_line(std::size_t indent) {
    text_ += '\n';
    line_start_ = text_.size();
    text_.append(indent, ' ');
  }

  std::string text_;
  std::size_t line_start_ = 0;
};

}  // namespace

std::string laid_out(const Json& root) {
  Layout layout;
  layout.add(root, 0, "", true);
  return std::move(layout).text();
}

}  // namespace fare
