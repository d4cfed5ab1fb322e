#pragma once

#include <tsl/robin_map.h>
#include <cstddef>      // std::size_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

namespace fare {

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const;  // XXH3, 64 bits.
};

struct NameEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

// From names to values; found by string_view without allocating.  Never iterated into an output:
// its order is that of the hash.
template <class T>
using NameMap = tsl::robin_map<std::string, T, NameHash, NameEqual>;

// Identifies a content: 128-bit XXH3 of `text` as 32 hexadecimal digits.
std::string content_hash(std::string_view text);

}  // namespace fare
