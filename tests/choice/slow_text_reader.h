#pragma once

#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.

#include "fare/text_features.h"  // GramBits, TextFeatures.

namespace fare::slow {

// The model that TextReader is held to, bit by bit: the same features, one concern a pass.
class TextReader {
 public:
  explicit TextReader(GramBits bits);
  ~TextReader();

  TextFeatures read(std::string_view prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare::slow
