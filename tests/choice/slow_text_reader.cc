#include "slow_text_reader.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "choice/asking_part.h"
#include "choice/code_points.h"
#include "choice/keywords.h"

namespace fare::slow {
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
constexpr std::size_t kOpening = kStructure + kFamilies;
static_assert(kOpening + kOpeningFamilies == kHandFeatures);

constexpr std::size_t kOpeningWords = 5;
constexpr std::size_t kStemMin = 3;   // Letters of the shortest beginning that is looked up.
constexpr std::size_t kStemMax = 14;  // And of the longest.
constexpr std::size_t kLongWord = 9;
constexpr std::uint64_t kBigramFactor = 0xd6e8feb86659fd93u;
constexpr std::uint64_t kGramFactor = 0xff51afd7ed558ccdu;

// Counts by bucket, and which buckets were touched, in order of first appearance.
class Counter {
 public:
  explicit Counter(std::uint32_t bits)
      : shift_(64 - bits), count_(std::size_t{1} << bits), touched_(count_.size() + 1) {
    grams_.reserve(std::size_t{1} << bits);
  }

  void add(std::uint64_t hash) {
    const auto bucket = static_cast<std::uint32_t>(hash >> shift_);
    // Without a branch: whether a bucket is new is a coin toss.
    touched_[size_] = bucket;
    size_ += count_[bucket]++ == 0 ? 1 : 0;
  }

  std::size_t distinct() const { return size_; }

  // What was counted since the last call.
  std::span<const GramCount> take() {
    grams_.clear();
    for (std::size_t i = 0; i < size_; ++i) {
      grams_.push_back({touched_[i], count_[touched_[i]]});
      count_[touched_[i]] = 0;
    }
    size_ = 0;
    return grams_;
  }

 private:
  unsigned shift_;
  std::vector<std::uint16_t> count_;  // A prompt has fewer grams than this can count.
  std::vector<std::uint32_t> touched_;
  std::size_t size_ = 0;
  std::vector<GramCount> grams_;
};

struct Point {
  std::uint32_t value;
  CharacterKind kind;
  bool upper;
};

bool in_word(CharacterKind kind) {
  return kind == CharacterKind::kLetter || kind == CharacterKind::kDigit;
}

std::uint64_t bigram_hash(std::uint64_t first, std::uint64_t second) {
  return (first * kBigramFactor + second) * kGramFactor;
}

float log_of(std::size_t count) { return std::log1p(static_cast<float>(count)); }

float ratio(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0f : static_cast<float>(part) / static_cast<float>(whole);
}

}  // namespace

struct TextReader::State {
  explicit State(GramBits wanted) : bits(wanted), words(bits.words), characters(bits.characters) {
    points.reserve(kPromptBytesRead);
    padded.reserve(kPromptBytesRead + 2);
  }

  void load(std::string_view prompt);
  template <class Visit>
  void visit_words(const Visit& visit) const;
  template <class Visit>
  void visit_characters(const Visit& visit) const;
  std::uint64_t hash_of(std::size_t begin, std::size_t end) const;
  void count_words();
  void take_word(std::size_t begin, std::size_t end);
  std::uint32_t families_of(std::size_t begin, std::size_t end) const;
  void count_marks();
  void count_letters();
  void count_options();
  void fill_hand();

  GramBits bits;
  Counter words;
  Counter characters;
  std::vector<Point> points;          // The asking part.
  std::vector<std::uint32_t> padded;  // Its values, all blanks alike, and one at either end.
  std::array<float, kHandFeatures> hand{};

  // What the current prompt has come to so far.
  struct Tally {
    std::size_t words = 0, letters = 0, longest = 0, long_words = 0, capitals = 0, numbers = 0;
    std::size_t stem_words = 0;
    std::uint64_t last_word = 0;
    std::array<std::size_t, kFamilies> family{};
    std::uint32_t opening = 0;
  } tally;
  std::size_t distinct_words = 0;
};

void TextReader::State::load(std::string_view prompt) {
  points.clear();
  padded.assign(1, ' ');
  const AskingPieces pieces = asking_pieces(prompt);
  for (std::size_t i = 0; i < pieces.size; ++i) {
    const std::string_view piece = pieces.piece[i];
    for (std::size_t at = 0; at < piece.size();) {
      const CodePoint point = decode(piece, at);
      const bool digit = point.kind == CharacterKind::kDigit;
      const std::uint32_t value = digit ? '0' : point.value;
      points.push_back({value, point.kind, point.upper});
      padded.push_back(point.kind == CharacterKind::kSpace ? ' ' : value);
      at += point.length;
    }
  }
  padded.push_back(' ');
}

// Bits of all families that the word, or a beginning of it, belongs to.
std::uint32_t TextReader::State::families_of(std::size_t begin, std::size_t end) const {
  const Keywords& table = keywords();
  std::uint32_t families = 0;
  std::uint64_t hash = 0;
  const std::size_t last = std::min(end, begin + kStemMax);
  for (std::size_t i = begin; i < last; ++i) {
    hash = extend_hash(hash, points[i].value);
    const bool whole = i + 1 == end;
    if (whole || i + 1 - begin >= kStemMin) families |= table.families(hash, whole);
  }
  return families;
}

void TextReader::State::take_word(std::size_t begin, std::size_t end) {
  const bool ideograph = points[begin].kind == CharacterKind::kIdeograph;
  const std::uint64_t hash = hash_of(begin, end);
  words.add(hash);
  if (tally.words > 0) words.add(bigram_hash(tally.last_word, hash));
  tally.last_word = hash;
  const std::size_t length = end - begin;
  tally.letters += length;
  tally.longest = std::max(tally.longest, length);
  tally.long_words += length >= kLongWord ? 1 : 0;
  tally.capitals += points[begin].upper && tally.words > 0 ? 1 : 0;
  tally.numbers += points[begin].kind == CharacterKind::kDigit ? 1 : 0;
  // A word of ideographs has no end: look up to four characters ahead.
  std::uint32_t families = 0;
  if (ideograph) {
    std::uint64_t ahead = 0;
    for (std::size_t i = begin; i < std::min(begin + 4, points.size()); ++i) {
      if (points[i].kind != CharacterKind::kIdeograph) break;
      ahead = extend_hash(ahead, points[i].value);
      families |= keywords().families(ahead, false);
    }
  } else {
    families = families_of(begin, end);
  }
  if (tally.words < kOpeningWords) tally.opening |= families;
  for (std::size_t family = 0; families != 0; ++family, families >>= 1u) {
    tally.family[family] += families & 1u;
  }
  ++tally.words;
}

// Calls visit(begin, end) for every word: letters, digits and apostrophes between them, or one
// ideograph.
template <class Visit>
void TextReader::State::visit_words(const Visit& visit) const {
  const auto inside = [this](std::size_t at) {
    if (at >= points.size()) return false;
    if (in_word(points[at].kind)) return true;
    return points[at].value == '\'' && at + 1 < points.size() && in_word(points[at + 1].kind);
  };
  for (std::size_t i = 0; i < points.size();) {
    const CharacterKind kind = points[i].kind;
    std::size_t end = i + 1;
    if (in_word(kind)) {
      while (inside(end)) ++end;
    }
    if (in_word(kind) || kind == CharacterKind::kIdeograph) visit(i, end);
    i = end;
  }
}

std::uint64_t TextReader::State::hash_of(std::size_t begin, std::size_t end) const {
  std::uint64_t hash = 0;
  for (std::size_t i = begin; i < end; ++i) hash = extend_hash(hash, points[i].value);
  return hash;
}

void TextReader::State::count_words() {
  tally = {};
  std::size_t line = 0;  // Where the first line ends.
  while (line < points.size() && points[line].value != '\n') ++line;
  visit_words([&](std::size_t begin, std::size_t end) {
    take_word(begin, end);
    if (begin < line) tally.stem_words = tally.words;
  });
}

// Calls visit(characters, length, hash) for the grams of 3 to 5 characters inside stretches without
// blanks, with a blank on either side; `characters` points to the first.
template <class Visit>
void TextReader::State::visit_characters(const Visit& visit) const {
  const std::uint32_t* const all = padded.data();
  const std::size_t last = padded.size() - 1;
  for (std::size_t begin = 0; begin < last;) {
    // `begin` is a blank; the stretch ends at the next one.
    std::size_t end = begin + 1;
    while (all[end] != ' ') ++end;
    for (std::size_t i = begin; i + 2 <= end; ++i) {
      const std::uint32_t* const from = all + i;
      std::uint64_t hash = extend_hash(kGramFactor, from[0]);
      hash = extend_hash(extend_hash(hash, from[1]), from[2]);
      visit(from, 3, hash);
      if (i + 3 > end) continue;
      hash = extend_hash(hash, from[3]);
      visit(from, 4, hash);
      if (i + 4 > end) continue;
      visit(from, 5, extend_hash(hash, from[4]));
    }
    begin = end;
  }
}

// What characters that are no letters come to.
struct Marks {
  std::size_t symbols = 0, questions = 0, sentences = 0, commas = 0, blanks = 0, code = 0, math = 0;
  std::size_t quotes = 0, colons = 0, parentheses = 0;

  void add(std::uint32_t c, std::uint32_t before, bool ends) {
    ++symbols;
    questions += c == '?' || c == 0xff1f ? 1 : 0;
    sentences += ((c == '.' || c == '!' || c == '?') && ends) || c == 0x3002 ? 1 : 0;
    commas += c == ',' || c == 0xff0c || c == 0x3001 ? 1 : 0;
    blanks += c == '_' && before != '_' ? 1 : 0;
    code += c == '{' || c == '}' || c == ';' || c == '`' || c == '<' || c == '>' ? 1 : 0;
    const bool ascii = c == '^' || c == '+' || c == '=' || c == '\\' || c == '$' || c == '/';
    math += ascii || c == '*' || (c >= 0x2200 && c < 0x2300) ? 1 : 0;
    quotes += c == '"' || c == 0x201c || c == 0x201d ? 1 : 0;
    colons += c == ':' || c == 0xff1a ? 1 : 0;
    parentheses += c == '(' || c == 0xff08 ? 1 : 0;
  }
};

void TextReader::State::count_marks() {
  Marks marks;
  std::size_t lines = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (point.kind == CharacterKind::kSpace) lines += point.value == '\n' ? 1 : 0;
    if (point.kind != CharacterKind::kSymbol) continue;
    const bool ends = i + 1 == points.size() || points[i + 1].kind == CharacterKind::kSpace;
    marks.add(point.value, i == 0 ? 0 : points[i - 1].value, ends);
  }
  hand[kSymbolRatio] = ratio(marks.symbols, points.size());
  hand[kQuestions] = log_of(marks.questions);
  hand[kSentences] = log_of(marks.sentences);
  hand[kCommas] = log_of(marks.commas);
  hand[kBlanks] = log_of(marks.blanks);
  hand[kLines] = log_of(lines);
  hand[kCodeMarks] = log_of(marks.code);
  hand[kMathMarks] = log_of(marks.math);
  hand[kQuotes] = log_of(marks.quotes);
  hand[kColons] = log_of(marks.colons);
  hand[kParentheses] = log_of(marks.parentheses);
}

void TextReader::State::count_letters() {
  std::size_t digits = 0, upper = 0, foreign = 0, accented = 0, cyrillic = 0, ideographs = 0;
  for (const Point& point : points) {
    digits += point.kind == CharacterKind::kDigit ? 1 : 0;
    ideographs += point.kind == CharacterKind::kIdeograph ? 1 : 0;
    if (point.kind != CharacterKind::kLetter) continue;
    upper += point.upper ? 1 : 0;
    foreign += point.value >= 0x80 ? 1 : 0;
    accented += point.value >= 0xc0 && point.value < 0x250 ? 1 : 0;
    cyrillic += point.value >= 0x400 && point.value < 0x530 ? 1 : 0;
  }
  const std::size_t all = points.size();
  hand[kDigitRatio] = ratio(digits, all);
  hand[kUpperRatio] = ratio(upper, all);
  hand[kForeignRatio] = ratio(foreign, all);
  hand[kAccented] = accented > 0 ? 1.0f : 0.0f;
  hand[kCyrillic] = cyrillic > 0 ? 1.0f : 0.0f;
  hand[kIdeographs] = ratio(ideographs, all);
  std::size_t end = all;
  while (end > 0 && points[end - 1].kind == CharacterKind::kSpace) --end;
  const std::uint32_t last = end > 0 ? points[end - 1].value : 0;
  hand[kEndsInQuestion] = last == '?' || last == 0xff1f ? 1.0f : 0.0f;
  hand[kEndsInColon] = last == ':' || last == 0xff1a ? 1.0f : 0.0f;
}

// Lines such as "A. text", "b) text" and "(C) text".
void TextReader::State::count_options() {
  std::size_t options = 0, shortest = 0, longest = 0, total = 0;
  for (std::size_t begin = 0; begin < points.size();) {
    std::size_t end = begin;
    while (end < points.size() && points[end].value != '\n') ++end;
    std::size_t at = begin;
    if (at < end && points[at].value == '(') ++at;
    const bool option = at + 2 < end && points[at].value >= 'a' && points[at].value <= 'j' &&
                        (points[at + 1].value == '.' || points[at + 1].value == ')');
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
  count_marks();
  count_letters();
  count_options();
  hand[kLogCharacters] = log_of(points.size());
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

TextReader::TextReader(GramBits bits) : state_(std::make_unique<State>(bits)) {}
TextReader::~TextReader() = default;

TextFeatures TextReader::read(std::string_view prompt) {
  State& state = *state_;
  state.load(prompt);
  state.count_words();
  state.distinct_words = state.words.distinct();
  state.visit_characters(
      [&state](const auto&, std::size_t, std::uint64_t hash) { state.characters.add(hash); });
  state.fill_hand();
  return {state.hand, state.words.take(), state.characters.take()};
}

}  // namespace fare::slow
