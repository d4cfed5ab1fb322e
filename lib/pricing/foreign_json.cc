#include "pricing/foreign_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace fare {
namespace {

using Json = nlohmann::json;
using Kind = ForeignValue::Kind;

constexpr std::size_t kDepthMax = 64;
constexpr std::size_t kShownMax = 100;

// Builds the tree.  Values that are open lie on a stack of their own, so none moves while it grows.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit TreeBuilder(std::vector<std::string>& twice) : twice_(twice) {}

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(plain(Kind::kBool, value ? "true" : "false")); }
  bool number_integer(number_integer_t value) override {
    return put(plain(Kind::kNumber, std::to_string(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return put(plain(Kind::kNumber, std::to_string(value)));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return put(plain(Kind::kNumber, text));
  }
  bool string(string_t& value) override { return put(plain(Kind::kString, std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::kObject); }
  bool start_array(std::size_t) override { return open(Kind::kArray); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!names_.back().insert(name).second) twice_.push_back(name);
    open_.back().keys.push_back(std::move(name));
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    error_ = error.what();
    return false;
  }

  const std::string& error() const { return error_; }
  ForeignValue take() { return std::move(root_); }

 private:
  static ForeignValue plain(Kind kind, std::string text) {
    return {.kind = kind, .text = std::move(text), .items = {}, .keys = {}};
  }

  bool put(ForeignValue value) {
    (open_.empty() ? root_ : open_.back().items.emplace_back()) = std::move(value);
    return true;
  }

  bool open(Kind kind) {
    if (open_.size() == kDepthMax) {
      error_ = fmt::format("is nested deeper than {}", kDepthMax);
      return false;
    }
    open_.push_back(plain(kind, ""));
    names_.emplace_back();
    return true;
  }

  bool close() {
    ForeignValue done = std::move(open_.back());
    open_.pop_back();
    names_.pop_back();
    return put(std::move(done));
  }

  std::vector<std::string>& twice_;
  std::vector<ForeignValue> open_;
  std::vector<std::set<std::string>> names_;
  ForeignValue root_;
  std::string error_ = "is not JSON";
};

void show(const ForeignValue& value, std::string& out) {
  if (out.size() > kShownMax) return;
  if (!value.is_object() && !value.is_array()) {
    out += value.kind == Kind::kNull ? "null" : value.text;
    return;
  }
  out += value.is_object() ? "{" : "[";
  for (std::size_t i = 0; i < value.items.size() && out.size() <= kShownMax; ++i) {
    if (i > 0) out += ", ";
    if (value.is_object()) out += value.keys[i] + ": ";
    show(value.items[i], out);
  }
  out += value.is_object() ? "}" : "]";
}

}  // namespace

const ForeignValue* ForeignValue::find(std::string_view key) const {
  for (std::size_t i = keys.size(); i-- > 0;) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string_view ForeignValue::string_of(std::string_view key) const {
  const ForeignValue* value = find(key);
  return value != nullptr && value->is_string() ? std::string_view(value->text) : "";
}

std::string ForeignValue::shown() const {
  std::string out;
  show(*this, out);
  if (out.size() <= kShownMax) return out;
  std::size_t end = kShownMax;  // Not in the middle of a UTF-8 character.
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0u) == 0x80u) --end;
  return out.substr(0, end) + "...";
}

Expected<ForeignValue> parse_foreign(std::string_view text, std::string_view name,
                                     std::vector<std::string>& twice) {
  TreeBuilder builder(twice);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.take();
  return fail(ErrorCode::kSyntax, std::string(name), builder.error());
}

}  // namespace fare
