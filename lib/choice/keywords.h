#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint32_t.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace fare {

// Families of words that tell what a prompt is about or asks for, in eight languages.  The first
// kOpeningFamilies of them also count when they stand among a prompt's first words.
enum class Family : std::uint8_t {
  kProof,
  kBuild,
  kAsk,
  kExplain,
  kCompare,
  kSummarise,
  kTest,
  kTrivial,
  kCode,
  kMath,
  kCreative,
  kSteps,
  kLaw,
  kMedicine,
  kComputing,
  kScience,
  kHumanities,
  kBusiness,
  kEthics,
  kNegation,
};
inline constexpr std::size_t kFamilies = 20;
inline constexpr std::size_t kOpeningFamilies = 12;

std::string_view family_name(std::size_t family);

// The hash of a word so far, fed one folded code point at a time; starts at 0.
constexpr std::uint64_t extend_hash(std::uint64_t hash, std::uint32_t value) {
  return (hash + value + 1) * 0x9e3779b97f4a7c15u;
}

// Finds keywords by the hash of a word or of its beginning.  Immutable after construction.
class Keywords {
 public:
  Keywords();

  // The families (bit i for family i) of a keyword with this hash, 0 if there is none.  `whole`
  // tells whether the word ends here; keywords that are stems match a beginning too.
  std::uint32_t families(std::uint64_t hash, bool whole) const {
    // Most words are none: four kilobytes that stay in the first cache say so, and are seldom
    // wrong.
    const std::uint64_t mark = hash >> (64 - kMarkBits);
    if ((marks_[mark / 64] >> (mark % 64) & 1u) == 0) return 0;
    const Slot* slot = &slots_[hash >> (64 - kBits)];
    while (slot->hash != hash) {
      if (slot->hash == 0) return 0;
      ++slot;
    }
    return whole ? slot->whole : slot->stem;
  }

 private:
  static constexpr unsigned kBits = 13;
  static constexpr unsigned kMarkBits = 15;

  struct Slot {
    std::uint64_t hash = 0;  // 0: free.
    std::uint32_t whole = 0;
    std::uint32_t stem = 0;
  };

  void add(std::string_view word, std::uint32_t family);

  std::vector<Slot> slots_;
  std::array<std::uint64_t, (1u << kMarkBits) / 64>
      marks_{};  // A bit for what hashes may begin by.
};

// The one table; built at its first use, thread-safe.
const Keywords& keywords();

}  // namespace fare
