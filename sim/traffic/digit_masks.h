#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace routesim {

// Which of 64 bytes are what, bit i of byte i: lists of numbers are looked at 64 bytes at a time.
struct DigitMasks {
  static constexpr std::size_t kBytes = 64;

  std::uint64_t digits = 0;  // '0' to '9',
  std::uint64_t zeros = 0;   // '0' alone,
  std::uint64_t commas = 0;
  std::uint64_t blanks = 0;  // ' ', no tab.

  friend bool operator==(const DigitMasks&, const DigitMasks&) = default;
};

// REQUIRES: DigitMasks::kBytes readable bytes at `text`.
inline DigitMasks portable_digit_masks(const char* text) {
  DigitMasks masks;
  for (std::size_t i = 0; i < DigitMasks::kBytes; ++i) {
    masks.digits |= std::uint64_t{text[i] >= '0' && text[i] <= '9'} << i;
    masks.zeros |= std::uint64_t{text[i] == '0'} << i;
    masks.commas |= std::uint64_t{text[i] == ','} << i;
    masks.blanks |= std::uint64_t{text[i] == ' '} << i;
  }
  return masks;
}

// The same, by SSE2 where there is any: on every x86-64.
inline DigitMasks digit_masks(const char* text) {
#ifdef __SSE2__
  constexpr std::size_t kVectorBytes = 16;
  const auto bits = [](__m128i bytes) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)));
  };
  DigitMasks masks;
  for (std::size_t i = 0; i < DigitMasks::kBytes; i += kVectorBytes) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    // Comparing is signed: so digits are moved to the lowest ten of all numbers.
    const __m128i moved = _mm_sub_epi8(bytes, _mm_set1_epi8('0' - 128));
    masks.digits |= bits(_mm_cmplt_epi8(moved, _mm_set1_epi8(10 - 128))) << i;
    masks.zeros |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('0'))) << i;
    masks.commas |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(','))) << i;
    masks.blanks |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '))) << i;
  }
  return masks;
#else
  return portable_digit_masks(text);
#endif
}

}  // namespace routesim
