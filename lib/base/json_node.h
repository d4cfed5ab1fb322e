#pragma once

#include <cstddef>                // std::size_t.
#include <memory>                 // std::unique_ptr.
#include <nlohmann/json_fwd.hpp>  // nlohmann::json, only named.
#include <string>                 // std::string.
#include <string_view>            // std::string_view.
#include <vector>                 // std::vector.

#include "fare/expected.h"  // Errors.

namespace fare {

// The problems of one file, in the order they were found; at most kProblemsMax are kept, and then a
// last one says how many more there were.
class Problems {
 public:
  static constexpr std::size_t kProblemsMax = 100;

  explicit Problems(std::string file) : file_(std::move(file)) {}

  // `pointer` is the JSON pointer of the place ("" for the whole document).
  void add(ErrorCode code, std::string_view pointer, std::string message);
  void add_all(Errors errors);  // Problems found elsewhere, with their own places.

  bool empty() const { return errors_.empty(); }
  Errors take();
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  Errors errors_;
  std::size_t dropped_ = 0;
};

// A value inside a document, and where it stands.
class JsonNode {
 public:
  JsonNode(const nlohmann::json* value, std::string pointer, Problems* problems)
      : value_(value), pointer_(std::move(pointer)), problems_(problems) {}

  // Records that this value breaks a rule: "must be <rule>, but is <value>".
  void must_be(ErrorCode code, std::string_view rule) const;
  void problem(ErrorCode code, std::string message) const;

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  std::size_t size() const;                       // Of an array or object; else 0.
  JsonNode item(std::size_t index) const;         // REQUIRES: is_array(), index < size().
  JsonNode member(const std::string& key) const;  // REQUIRES: is_object() and the key exists.
  bool has(const std::string& key) const;
  std::vector<std::string> keys() const;  // Sorted.
  std::string dump() const;               // The value as compact JSON text.

  const nlohmann::json& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }
  Problems& problems() const { return *problems_; }

 private:
  const nlohmann::json* value_;
  std::string pointer_;
  Problems* problems_;
};

// A parsed text.  Broken text (with line and column), a duplicate key and nesting deeper than 64
// are problems; then root() is an empty object.
class JsonDocument {
 public:
  JsonDocument(std::string_view text, Problems& problems);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  bool ok() const { return ok_; }
  JsonNode root() const;

 private:
  std::unique_ptr<nlohmann::json> value_;
  Problems* problems_;
  bool ok_ = false;
};

}  // namespace fare
