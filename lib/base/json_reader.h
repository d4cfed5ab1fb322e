#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::int64_t.
#include <functional>   // std::function.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "base/json_node.h"  // JsonNode, JsonDocument, Problems.
#include "fare/expected.h"   // Expected.

namespace fare {

// Reading JSON into valid structs, with every problem found in one go.
//
//   Problems problems("policy.json");
//   const JsonDocument document(text, problems);
//   ObjectReader reader(document.root());
//   reader.required("name", policy.name, json::text(64));
//   reader.optional("classes", policy.classes, json::list(read_class, 0, 100));
//   reader.finish();                               // Reports the keys that nobody read.
//   if (!problems.empty()) return tl::unexpected(problems.take());
//
// Not thread-safe; everything refers to the `Problems` and the `JsonDocument`, which must outlive
// it.

// A parser turns a node into a T, or records a problem and returns nothing.
template <class T>
using JsonParser = std::function<std::optional<T>(const JsonNode&)>;

// Reads the keys of one object, each at most once.
class ObjectReader {
 public:
  explicit ObjectReader(const JsonNode& node);

  bool ok() const { return ok_; }  // Whether it is an object at all; if not, that is recorded.

  // Returns whether `out` was set.  A missing required key is a problem.
  template <class T, class Parser>
  bool required(std::string_view key, T& out, const Parser& parse) {
    return read(key, out, parse, true);
  }
  template <class T, class Parser>
  bool optional(std::string_view key, T& out, const Parser& parse) {
    return read(key, out, parse, false);
  }

  // The member, if it is there; counts as read.  For values whose shape decides how to read them.
  std::optional<JsonNode> member(std::string_view key, bool required);

  // Records every key that was not read, with the nearest one that would have been.
  void finish();

  const JsonNode& node() const { return node_; }

 private:
  template <class T, class Parser>
  bool read(std::string_view key, T& out, const Parser& parse, bool required) {
    const std::optional<JsonNode> found = member(key, required);
    if (!found) return false;
    auto value = parse(*found);
    if (!value) return false;
    out = std::move(*value);
    return true;
  }

  JsonNode node_;
  bool ok_;
  std::vector<std::string> known_;
};

namespace json {

JsonParser<std::string> text(std::size_t length_max);  // Not empty.
JsonParser<bool> boolean();
JsonParser<std::int64_t> integer(std::int64_t min, std::int64_t max);
JsonParser<double> number(double min, double max);  // Finite.

// A string that `read` (such as parse_instant) accepts.
template <class T>
JsonParser<T> read_with(Expected<T> (*read)(std::string_view)) {
  return [read](const JsonNode& node) -> std::optional<T> {
    const std::optional<std::string> raw = text(256)(node);
    if (!raw) return std::nullopt;
    Expected<T> value = read(*raw);
    if (value) return std::move(*value);
    for (Error& error : value.error()) node.problem(error.code, std::move(error.message));
    return std::nullopt;
  };
}

// An array of min to max items, each read by `parse`.
template <class Parser>
auto list(Parser parse, std::size_t min, std::size_t max);

// Which of the names it is: the index.
JsonParser<std::size_t> one_of(std::vector<std::string_view> names);

// Records whether `node` is an array of min to max items.
bool is_list(const JsonNode& node, std::size_t min, std::size_t max);

template <class Parser>
auto list(Parser parse, std::size_t min, std::size_t max) {
  using T = typename decltype(parse(std::declval<const JsonNode&>()))::value_type;
  return [parse, min, max](const JsonNode& node) -> std::optional<std::vector<T>> {
    if (!is_list(node, min, max)) return std::nullopt;
    std::vector<T> items;
    items.reserve(node.size());
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (std::optional<T> item = parse(node.item(i))) items.push_back(std::move(*item));
    }
    if (items.size() != node.size()) return std::nullopt;
    return items;
  };
}

}  // namespace json
}  // namespace fare
