#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <string_view>  // std::string_view.

namespace fare {

// The pieces of a prompt that ask, in their order, by the rules of asking_part().
struct AskingPieces {
  static constexpr std::size_t kMax = 32;  // What comes after the last piece is dropped.

  std::array<std::string_view, kMax> piece;
  std::size_t size = 0;
};

// Allocates nothing.  The pieces are views of `prompt`.
AskingPieces asking_pieces(std::string_view prompt);

}  // namespace fare
