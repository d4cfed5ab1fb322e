#include "fare/text_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "choice/code_points.h"
#include "choice/keywords.h"
#include "choice/prompt_scan.h"
#include "fare/check.h"

namespace fare {
namespace {

// The hand features before the keyword families; their names stand in the same order.
enum Hand : std::size_t {
  kLogCharacters,
  kLogWords,
  kLogStemWords,
  kMeanWordLength,
  kDigitRatio,
  kUpperRatio,
  kSymbolRatio,
  kForeignRatio,
  kDistinctRatio,
  kQuestions,
  kSentences,
  kNumbers,
  kCommas,
  kOptions,
  kOptionSpread,
  kOptionMean,
  kBlanks,
  kLines,
  kCodeMarks,
  kMathMarks,
  kQuotes,
  kColons,
  kParentheses,
  kAccented,
  kCyrillic,
  kIdeographs,
  kIdeographWords,
  kEndsInQuestion,
  kLongWordRatio,
  kEndsInColon,
  kLongestWord,
  kCapitalRatio,
  kStructure,  // How many these are.
};
constexpr std::array<std::string_view, kStructure> kNames = {
    "log_characters",  "log_words",     "log_stem_words",  "mean_word_length",
    "digit_ratio",     "upper_ratio",   "symbol_ratio",    "foreign_ratio",
    "distinct_ratio",  "questions",     "sentences",       "numbers",
    "commas",          "options",       "option_spread",   "option_mean",
    "blanks",          "lines",         "code_marks",      "math_marks",
    "quotes",          "colons",        "parentheses",     "accented",
    "cyrillic",        "ideographs",    "ideograph_words", "ends_in_question",
    "long_word_ratio", "ends_in_colon", "longest_word",    "capital_ratio"};
constexpr std::size_t kOpening = kStructure + kFamilies;
static_assert(kOpening + kOpeningFamilies == kHandFeatures);

constexpr std::size_t kOpeningWords = 5;
constexpr std::size_t kStemMin = 3;   // Letters of the shortest beginning that is looked up.
constexpr std::size_t kStemMax = 14;  // And of the longest.
constexpr std::size_t kLongWord = 9;
constexpr std::size_t kSmallCounts = 512;
constexpr std::uint64_t kBigramFactor = 0xd6e8feb86659fd93u;
constexpr std::uint64_t kGramFactor = 0xff51afd7ed558ccdu;

// Counts by bucket, and which buckets were touched, in order of first appearance.
class Counter {
 public:
  explicit Counter(std::uint32_t bits)
      : shift_(64 - bits),
        count_(std::size_t{1} << bits),
        touched_(count_.size() + 1),
        grams_(count_.size()) {}

  void add(std::uint64_t hash) {
    const auto bucket = static_cast<std::uint32_t>(hash >> shift_);
    // Without a branch: whether a bucket is new is a coin toss.
    touched_[size_] = bucket;
    size_ += count_[bucket]++ == 0 ? 1 : 0;
  }

  std::uint32_t bucket(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash >> shift_);
  }

  std::size_t distinct() const { return size_; }

  // What was counted since the last call.
  std::span<const GramCount> take() {
    GramCount* const grams = grams_.data();
    std::uint16_t* const count = count_.data();
    for (std::size_t i = 0; i < size_; ++i) {
      const std::uint32_t bucket = touched_[i];
      grams[i] = {bucket, count[bucket]};
      count[bucket] = 0;
    }
    return {grams, std::exchange(size_, 0)};
  }

 private:
  unsigned shift_;
  std::vector<std::uint16_t> count_;  // A prompt has fewer grams than this can count.
  std::vector<std::uint32_t> touched_;
  std::size_t size_ = 0;
  std::vector<GramCount> grams_;
};

std::uint64_t bigram_hash(std::uint64_t first, std::uint64_t second) {
  return (first * kBigramFactor + second) * kGramFactor;
}

// log(1 + count), the small ones from a table.  The table is filled when the program runs, by the
// same function as the large ones: a compiler would round some of them otherwise.
float log_of(std::size_t count) {
  static const std::vector<float> small = [] {
    std::vector<float> values(kSmallCounts);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::log1p(static_cast<float>(i));
    return values;
  }();
  return count < kSmallCounts ? small[count] : std::log1p(static_cast<float>(count));
}

float ratio(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0f : static_cast<float>(part) / static_cast<float>(whole);
}

}  // namespace

struct TextReader::State {
  explicit State(GramBits wanted) : bits(wanted), words(bits.words), characters(bits.characters) {}

  template <class Prefix, class Word>
  void visit_words(const Prefix& visit_prefix, const Word& visit_word) const;
  template <class Gram, class End>
  void visit_characters(const Gram& visit_gram, const End& visit_end) const;
  std::string text_of(std::size_t begin, std::size_t end) const;
  void count_words();
  void take_word(std::size_t begin, std::size_t end, std::uint64_t hash, std::uint32_t families);
  std::uint32_t families_ahead(std::size_t begin) const;
  void count_characters();
  void fill_marks();
  void count_options();
  void fill_hand();

  GramBits bits;
  Counter words;
  Counter characters;
  PromptScan scan;
  std::array<float, kHandFeatures> hand{};

  // What the current prompt has come to so far.
  struct Tally {
    std::size_t words = 0, letters = 0, longest = 0, long_words = 0, capitals = 0, numbers = 0;
    std::size_t stem_words = 0, sentences = 0;
    std::uint64_t last_word = 0;
    std::array<std::size_t, kFamilies> family{};
    std::uint32_t opening = 0;
  } tally;
  std::size_t distinct_words = 0;
};

// A word of ideographs has no end: looks up to four characters ahead.
std::uint32_t TextReader::State::families_ahead(std::size_t begin) const {
  std::uint32_t families = 0;
  std::uint64_t hash = 0;
  for (std::size_t i = begin; i < begin + 4; ++i) {
    if (scan.flags()[i] != PromptScan::kIdeograph) break;  // What is behind the last one is none.
    hash = extend_hash(hash, scan.values()[i]);
    families |= keywords().families(hash, false);
  }
  return families;
}

void TextReader::State::take_word(std::size_t begin, std::size_t end, std::uint64_t hash,
                                  std::uint32_t families) {
  const std::uint8_t flags = scan.flags()[begin];
  words.add(hash);
  if (tally.words > 0) words.add(bigram_hash(tally.last_word, hash));
  tally.last_word = hash;
  const std::size_t length = end - begin;
  tally.letters += length;
  tally.longest = std::max(tally.longest, length);
  tally.long_words += length >= kLongWord ? 1 : 0;
  tally.capitals += (flags & PromptScan::kUpper) != 0 && tally.words > 0 ? 1 : 0;
  tally.numbers += (flags & PromptScan::kDigit) != 0 ? 1 : 0;
  if (flags == PromptScan::kIdeograph) families = families_ahead(begin);
  if (tally.words < kOpeningWords) tally.opening |= families;
  for (std::size_t family = 0; families != 0; ++family, families >>= 1u) {
    tally.family[family] += families & 1u;
  }
  ++tally.words;
}

// Calls visit_word(begin, end, hash) for every word: letters, digits and apostrophes between them,
// or one ideograph; and before it, for words, visit_prefix(length, hash, whole) for each beginning.
template <class Prefix, class Word>
void TextReader::State::visit_words(const Prefix& visit_prefix, const Word& visit_word) const {
  const std::uint32_t* const values = scan.values();
  const std::uint8_t* const flags = scan.flags();
  const std::size_t last = scan.size();
  for (std::size_t i = 1; i <= last;) {
    const std::size_t begin = i++;
    if ((flags[begin] & (PromptScan::kInWord | PromptScan::kIdeograph)) == 0) continue;
    std::uint64_t hash = extend_hash(0, values[begin]);
    if (flags[begin] != PromptScan::kIdeograph) {
      for (;; ++i) {
        const bool inside = (flags[i] & PromptScan::kInWord) != 0 ||
                            (values[i] == '\'' && (flags[i + 1] & PromptScan::kInWord) != 0);
        visit_prefix(i - begin, hash, !inside);
        if (!inside) break;
        hash = extend_hash(hash, values[i]);
      }
    }
    visit_word(begin, i, hash);
  }
}

void TextReader::State::count_words() {
  tally = {};
  const std::size_t line = scan.line_end(1);  // Where the first line ends.
  const Keywords& table = keywords();
  std::uint32_t families = 0;
  visit_words(
      [&](std::size_t length, std::uint64_t hash, bool whole) {
        if (length > kStemMax || (length < kStemMin && !whole)) return;
        families |= table.families(hash, whole);
      },
      [&](std::size_t begin, std::size_t end, std::uint64_t hash) {
        take_word(begin, end, hash, families);
        families = 0;
        if (begin < line) tally.stem_words = tally.words;
      });
}

// Calls visit_gram(characters, length, hash) for the grams of 3 to 5 characters inside stretches
// without blanks, with a blank on either side; `characters` points to the first.  After each
// stretch calls visit_end(its last character).
template <class Gram, class End>
void TextReader::State::visit_characters(const Gram& visit_gram, const End& visit_end) const {
  const std::uint32_t* const all = scan.values();
  const std::uint32_t* const blanks = scan.blank_places().data();
  for (std::size_t k = 0; k + 1 < scan.blank_count(); ++k) {
    const std::uint32_t* from = all + blanks[k];
    const std::uint32_t* const end = all + blanks[k + 1];
    const auto three = [&] {
      const std::uint64_t hash = extend_hash(extend_hash(kGramFactor, from[0]), from[1]);
      return extend_hash(hash, from[2]);
    };
    for (; from + 4 <= end; ++from) {
      const std::uint64_t hash = three();
      const std::uint64_t longer = extend_hash(hash, from[3]);
      visit_gram(from, 3, hash);
      visit_gram(from, 4, longer);
      visit_gram(from, 5, extend_hash(longer, from[4]));
    }
    if (from + 3 <= end) {
      const std::uint64_t hash = three();
      visit_gram(from, 3, hash);
      visit_gram(from, 4, extend_hash(hash, from[3]));
      ++from;
    }
    if (from + 2 <= end) visit_gram(from, 3, three());
    visit_end(end[-1]);
  }
}

void TextReader::State::count_characters() {
  Counter& counter = characters;
  std::size_t sentences = 0;
  visit_characters([&counter](const auto&, std::size_t, std::uint64_t hash) { counter.add(hash); },
                   [&sentences](std::uint32_t last) {
                     sentences += last == '.' || last == '!' || last == '?' ? 1 : 0;
                   });
  tally.sentences = sentences;
}

void TextReader::State::fill_marks() {
  const MarkCounts marks = scan.marks();
  const std::size_t all = scan.size();
  hand[kSymbolRatio] = ratio(marks.symbols, all);
  hand[kQuestions] = log_of(marks.questions);
  hand[kSentences] = log_of(tally.sentences + marks.full_stops);
  hand[kCommas] = log_of(marks.commas);
  hand[kBlanks] = log_of(marks.blanks);
  hand[kLines] = log_of(marks.lines);
  hand[kCodeMarks] = log_of(marks.code);
  hand[kMathMarks] = log_of(marks.math);
  hand[kQuotes] = log_of(marks.quotes);
  hand[kColons] = log_of(marks.colons);
  hand[kParentheses] = log_of(marks.parentheses);
  hand[kDigitRatio] = ratio(marks.digits, all);
  hand[kUpperRatio] = ratio(marks.upper, all);
  hand[kForeignRatio] = ratio(marks.foreign, all);
  hand[kAccented] = marks.accented > 0 ? 1.0f : 0.0f;
  hand[kCyrillic] = marks.cyrillic > 0 ? 1.0f : 0.0f;
  hand[kIdeographs] = ratio(marks.ideographs, all);
  std::size_t end = all;
  while (end > 0 && (scan.flags()[end] & PromptScan::kSpace) != 0) --end;
  const std::uint32_t last = end > 0 ? scan.values()[end] : 0;
  hand[kEndsInQuestion] = last == '?' || last == 0xff1f ? 1.0f : 0.0f;
  hand[kEndsInColon] = last == ':' || last == 0xff1a ? 1.0f : 0.0f;
}

// Lines such as "A. text", "b) text" and "(C) text".
void TextReader::State::count_options() {
  const std::uint32_t* const values = scan.values();
  std::size_t options = 0, shortest = 0, longest = 0, total = 0;
  for (std::size_t begin = 1; begin <= scan.size();) {
    const std::size_t end = scan.line_end(begin);
    std::size_t at = begin;
    if (at < end && values[at] == '(') ++at;
    const bool option = at + 2 < end && values[at] >= 'a' && values[at] <= 'j' &&
                        (values[at + 1] == '.' || values[at + 1] == ')');
    if (option) {
      const std::size_t length = end - at - 2;
      shortest = options == 0 ? length : std::min(shortest, length);
      longest = std::max(longest, length);
      total += length;
      ++options;
    }
    begin = end + 1;
  }
  hand[kOptions] = log_of(options);
  hand[kOptionSpread] = log_of(longest - shortest);
  hand[kOptionMean] = options == 0 ? 0.0f : log_of(total / options);
}

void TextReader::State::fill_hand() {
  fill_marks();
  count_options();
  hand[kLogCharacters] = log_of(scan.size());
  hand[kLogWords] = log_of(tally.words);
  hand[kLogStemWords] = log_of(tally.stem_words);
  hand[kMeanWordLength] = ratio(tally.letters, tally.words);
  hand[kDistinctRatio] = ratio(distinct_words, 2 * tally.words);
  hand[kNumbers] = log_of(tally.numbers);
  hand[kLongWordRatio] = ratio(tally.long_words, tally.words);
  hand[kLongestWord] = log_of(tally.longest);
  hand[kCapitalRatio] = ratio(tally.capitals, tally.words);
  hand[kIdeographWords] = hand[kIdeographs] > 0 ? hand[kLogWords] : 0.0f;
  for (std::size_t i = 0; i < kFamilies; ++i) hand[kStructure + i] = log_of(tally.family[i]);
  for (std::size_t i = 0; i < kOpeningFamilies; ++i) {
    hand[kOpening + i] = static_cast<float>(tally.opening >> i & 1u);
  }
}

TextReader::TextReader(GramBits bits) {
  FARE_CHECK(bits.words >= 8 && bits.words <= 20);
  FARE_CHECK(bits.characters >= 8 && bits.characters <= 20);
  state_ = std::make_unique<State>(bits);
}
TextReader::~TextReader() = default;
TextReader::TextReader(TextReader&&) noexcept = default;
TextReader& TextReader::operator=(TextReader&&) noexcept = default;

const GramBits& TextReader::bits() const { return state_->bits; }

TextFeatures TextReader::read(std::string_view prompt) {
  State& state = *state_;
  state.scan.read(prompt);
  state.count_words();
  state.distinct_words = state.words.distinct();
  state.count_characters();
  state.fill_hand();
  return {state.hand, state.words.take(), state.characters.take()};
}

std::string TextReader::State::text_of(std::size_t begin, std::size_t end) const {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) append_utf8(scan.values()[i], text);
  return text;
}

std::vector<NamedGram> TextReader::grams() const {
  const State& state = *state_;
  std::map<std::pair<bool, std::string>, std::uint32_t> found;
  std::string last;
  std::uint64_t last_hash = 0;
  state.visit_words(
      [](std::size_t, std::uint64_t, bool) {},
      [&](std::size_t begin, std::size_t end, std::uint64_t hash) {
        const std::string text = state.text_of(begin, end);
        found[{true, text}] = state.words.bucket(hash);
        if (!last.empty()) {
          found[{true, last + " " + text}] = state.words.bucket(bigram_hash(last_hash, hash));
        }
        last = text;
        last_hash = hash;
      });
  state.visit_characters(
      [&](const auto& from, std::size_t length, std::uint64_t hash) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) append_utf8(from[i], text);
        found[{false, text}] = state.characters.bucket(hash);
      },
      [](std::uint32_t) {});
  std::vector<NamedGram> grams;
  for (const auto& [name, bucket] : found) grams.push_back({name.second, bucket, name.first});
  return grams;
}

std::string_view hand_feature_name(std::size_t feature) {
  FARE_CHECK(feature < kHandFeatures);
  static const std::array<std::string, kHandFeatures> names = [] {
    std::array<std::string, kHandFeatures> all;
    for (std::size_t i = 0; i < kStructure; ++i) all[i] = kNames[i];
    for (std::size_t i = 0; i < kFamilies; ++i) {
      all[kStructure + i] = "words_of_" + std::string(family_name(i));
    }
    for (std::size_t i = 0; i < kOpeningFamilies; ++i) {
      all[kOpening + i] = "opens_with_" + std::string(family_name(i));
    }
    return all;
  }();
  return names[feature];
}

}  // namespace fare
