#pragma once

#include <simdjson.h>
#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

namespace fare {

// Where a reader is, as a JSON pointer (RFC 6901).  Names are views into the document.
class JsonPath {
 public:
  static constexpr std::size_t kDepthMax = 24;

  void push(std::string_view name) { push(Step{name, 0}); }
  void push(std::size_t index) { push(Step{{}, index}); }
  void pop() { --size_; }
  std::size_t size() const { return size_; }

  void write(std::string& out) const;  // Appends.

 private:
  struct Step {
    std::string_view name;  // Without data: an item of a list.
    std::size_t index = 0;
  };
  void push(Step step);

  std::array<Step, kDepthMax> steps_;
  std::size_t size_ = 0;
};

// Enough of a value to know it by, in a message; UTF-8 as the body was.
std::string excerpt(simdjson::dom::element value);
std::string_view excerpt(std::string_view text);

}  // namespace fare
