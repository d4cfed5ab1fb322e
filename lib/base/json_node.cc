#include "base/json_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace fare {
namespace {

constexpr std::size_t kDepthMax = 64;
constexpr std::size_t kExcerptMax = 64;
constexpr std::size_t kSyntaxMax = 256;
constexpr int kNumberTooLarge = 406;  // The library's out_of_range.406.

// One step of a JSON pointer (RFC 6901): "~" and "/" are escaped.
std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (const char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

// Builds the tree itself, so that duplicate keys and deep nesting are seen with their place: the
// library's own builder keeps the last of two equal keys without a word.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  using Json = nlohmann::json;
  TreeBuilder(Json& root, Problems& problems) : root_(root), problems_(problems) {}

  bool null() override { return add(Json(nullptr)); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (level.value->contains(name)) {
      problems_.add(ErrorCode::kDuplicateKey, pointer() + pointer_step(name),
                    fmt::format("key \"{}\" stands twice in one object", name));
      failed_ = true;
    }
    level.key = name;
    return true;
  }

  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::json::exception& e) override {
    failed_ = true;
    if (e.id == kNumberTooLarge) {  // Valid JSON, and its place is known.
      problems_.add(ErrorCode::kOutOfRange, next_pointer(),
                    fmt::format("must be a number below 1e309, but is {}", token.substr(0, 64)));
      return false;
    }
    std::string message = e.what();  // "[json.exception.parse_error.101] parse error at line ...".
    const std::size_t bracket = message.find("] ");
    if (bracket != std::string::npos) message.erase(0, bracket + 2);
    message.resize(std::min(message.size(), kSyntaxMax));  // It quotes the last token, all of it.
    problems_.add(ErrorCode::kSyntax, "", "is not valid JSON: " + message);
    return false;
  }

  bool ok() const { return !failed_; }

 private:
  struct Level {
    Json* value;
    std::string key;  // Of the member being read, in an object.
  };

  Json* place(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = levels_.back();
    if (level.value->is_array()) {
      level.value->push_back(std::move(value));
      return &level.value->back();
    }
    Json& member = (*level.value)[level.key];
    member = std::move(value);
    return &member;
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (levels_.size() >= kDepthMax) {
      problems_.add(ErrorCode::kOutOfRange, pointer(),
                    fmt::format("is nested deeper than {} levels", kDepthMax));
      failed_ = true;
      return false;
    }
    levels_.push_back({place(std::move(value)), ""});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  // Of the innermost list or object.
  std::string pointer() const {
    std::string pointer;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      const Level& level = levels_[i];
      pointer += level.value->is_array() ? fmt::format("/{}", level.value->size() - 1)
                                         : pointer_step(level.key);
    }
    return pointer;
  }

  // Of the value that is read next.
  std::string next_pointer() const {
    if (levels_.empty()) return "";
    const Level& level = levels_.back();
    return pointer() + (level.value->is_array() ? fmt::format("/{}", level.value->size())
                                                : pointer_step(level.key));
  }

  Json& root_;
  Problems& problems_;
  std::vector<Level> levels_;  // Pointers stay valid: only the innermost value grows.
  bool failed_ = false;
};

std::string excerpt(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  const auto* text = value.get_ptr<const std::string*>();
  const bool cut = text != nullptr && text->size() > kExcerptMax;
  const nlohmann::json& shown = cut ? nlohmann::json(text->substr(0, kExcerptMax)) : value;
  return shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + (cut ? "..." : "");
}

// A message may quote broken input, or cut a letter in two; it is UTF-8 all the same.
std::string valid_utf8(std::string text) {
  using Json = nlohmann::json;
  const Json value(std::move(text));
  return Json::parse(value.dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

void Problems::add(ErrorCode code, std::string_view pointer, std::string message) {
  if (errors_.size() >= kProblemsMax) {
    ++dropped_;
    return;
  }
  errors_.push_back({code, pointer.empty() ? file_ : fmt::format("{}#{}", file_, pointer),
                     valid_utf8(std::move(message))});
}

void Problems::add_all(Errors errors) {
  for (Error& error : errors) {
    if (errors_.size() >= kProblemsMax) {
      ++dropped_;
    } else {
      errors_.push_back(std::move(error));
    }
  }
}

Errors Problems::take() {
  if (dropped_ > 0) {
    errors_.push_back({ErrorCode::kConflict, file_, fmt::format("{} more problems", dropped_)});
  }
  dropped_ = 0;
  return std::exchange(errors_, {});
}

void JsonNode::must_be(ErrorCode code, std::string_view rule) const {
  problem(code, fmt::format("must be {}, but is {}", rule, excerpt(*value_)));
}

void JsonNode::problem(ErrorCode code, std::string message) const {
  problems_->add(code, pointer_, std::move(message));
}

bool JsonNode::is_object() const { return value_->is_object(); }
bool JsonNode::is_array() const { return value_->is_array(); }
bool JsonNode::is_string() const { return value_->is_string(); }
std::size_t JsonNode::size() const { return value_->is_structured() ? value_->size() : 0; }

JsonNode JsonNode::item(std::size_t index) const {
  return {&value_->at(index), fmt::format("{}/{}", pointer_, index), problems_};
}

JsonNode JsonNode::member(const std::string& key) const {
  return {&value_->at(key), pointer_ + pointer_step(key), problems_};
}

bool JsonNode::has(const std::string& key) const { return value_->contains(key); }

std::vector<std::string> JsonNode::keys() const {
  std::vector<std::string> keys;
  if (!is_object()) return keys;
  for (auto it = value_->begin(); it != value_->end(); ++it) keys.push_back(it.key());
  return keys;
}

std::string JsonNode::dump() const {
  return value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonDocument::JsonDocument(std::string_view text, Problems& problems)
    : value_(std::make_unique<nlohmann::json>()), problems_(&problems) {
  TreeBuilder builder(*value_, problems);
  ok_ = nlohmann::json::sax_parse(text, &builder) && builder.ok();
  if (!ok_) *value_ = nlohmann::json::object();
}

JsonDocument::~JsonDocument() = default;

JsonNode JsonDocument::root() const { return {value_.get(), "", problems_}; }

}  // namespace fare
