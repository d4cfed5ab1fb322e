#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <memory>       // std::unique_ptr.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace fare {

// What a prompt looks like, as numbers: hand-made features (lengths, ratios, keyword families) and
// hashed counts of word 1-2-grams and character 3-5-grams.
//
// Works on any UTF-8: Latin, Greek and Cyrillic letters are folded to lower case, digits to '0', a
// Chinese, Japanese or Korean character is a word of its own; a byte that is no UTF-8 is a symbol.

inline constexpr std::size_t kHandFeatures = 64;

// The stable name of a hand feature: "log_words".  REQUIRES: feature < kHandFeatures.
[[nodiscard]] std::string_view hand_feature_name(std::size_t feature);

// At most this many bytes of a prompt are read: half from its front, half from its end.
inline constexpr std::size_t kPromptBytesRead = 8'192;

// How many buckets grams are hashed into: 2^bits.  Part of a model: other bits, other buckets.
struct GramBits {
  std::uint32_t words = 13;       // In [8, 20], here and below.
  std::uint32_t characters = 13;  // 2^12 to 2^14 are enough in practice.

  friend bool operator==(const GramBits&, const GramBits&) = default;
};

// A bucket and how many of the prompt's grams fell into it, at least one.
struct GramCount {
  std::uint32_t bucket;
  std::uint32_t count;
};

// The views live until the next read() of the reader that gave them.
struct TextFeatures {
  std::span<const float> hand;            // kHandFeatures of them; all finite.
  std::span<const GramCount> words;       // Each bucket once, in order of first appearance.
  std::span<const GramCount> characters;  // Likewise.
};

// A gram of a prompt and the bucket it fell into, for explanations.
struct NamedGram {
  std::string text;
  std::uint32_t bucket;
  bool is_word;  // Else of characters.

  friend bool operator==(const NamedGram&, const NamedGram&) = default;
};

// The part of a prompt that asks: without, by rule,
//   - worked examples: all but the last block, where the blocks of the text end in the same marker
//     line ("Answer:", "A:", "Output:", "Response:", "Label:") and only the last one is left open;
//   - system text and earlier turns: all before the last "User:" or "Human:" line of a transcript
//     that begins with "System:", "User:" or "Human:", and what "Assistant:" says after it;
//   - quoted material: <tool_result>, <tool_output>, <document>, <documents>, <context> and
//     <system> elements, and lines that begin with "> ".
// A rule that would leave no letter or digit is not applied.  Linear in the prompt.
[[nodiscard]] std::string asking_part(std::string_view prompt);

// Identifies what a prompt asks: 128-bit XXH3 of asking_part() in lower case with blanks squeezed,
// as 32 hexadecimal digits.  Two prompts with one hash are duplicates.
[[nodiscard]] std::string prompt_hash(std::string_view prompt);

// What a cascade's scorer reads: what was asked, and the cheap answer.
[[nodiscard]] std::string answered_prompt(std::string_view prompt, std::string_view answer);

// Reads prompts into features.  Keeps memory (14 bytes a bucket, and 75 KB) between calls: after
// the first prompts of full length it allocates nothing.  Not thread-safe: one reader a thread.
class TextReader {
 public:
  explicit TextReader(GramBits bits);
  ~TextReader();
  TextReader(TextReader&&) noexcept;
  TextReader& operator=(TextReader&&) noexcept;

  // The features of asking_part(prompt).  About 8 us a KB.
  TextFeatures read(std::string_view prompt);

  // The grams that read() counted last, each distinct text once.  For explanations: allocates.
  [[nodiscard]] std::vector<NamedGram> grams() const;

  const GramBits& bits() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare
