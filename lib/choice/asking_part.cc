#include "choice/asking_part.h"

#include <algorithm>

#include "base/names.h"
#include "choice/code_points.h"
#include "fare/text_features.h"

namespace fare {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

constexpr std::array<std::string_view, 5> kOpenMarkers = {
    "Answer:", "A:", "Output:", "Response:", "Label:"};
constexpr std::array<std::string_view, 6> kQuotes = {"tool_result", "tool_output", "documents",
                                                     "document",    "context",     "system"};

bool says_something(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode(text, at);
    if (point.kind != CharacterKind::kSpace && point.kind != CharacterKind::kSymbol) return true;
    at += point.length;
  }
  return false;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The last place before `end` where a line begins with `marker`.
std::size_t last_line_with(std::string_view text, std::string_view marker, std::size_t end) {
  for (std::size_t at = end; at > 0;) {
    at = text.rfind(marker, at - 1);
    if (at == kNone) return kNone;
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return kNone;
}

// Drops the worked examples before the last, open question.
std::string_view without_examples(std::string_view text) {
  std::array<std::size_t, kOpenMarkers.size()> last, before;
  last.fill(kNone);
  before.fill(kNone);
  for (std::size_t line = 0; line < text.size();) {
    for (std::size_t i = 0; i < kOpenMarkers.size(); ++i) {
      if (!text.substr(line).starts_with(kOpenMarkers[i])) continue;
      before[i] = last[i];
      last[i] = line;
    }
    const std::size_t end = text.find('\n', line);
    line = end == kNone ? text.size() : end + 1;
  }
  for (std::size_t i = 0; i < kOpenMarkers.size(); ++i) {
    if (last[i] == kNone || !is_blank(text.substr(last[i] + kOpenMarkers[i].size()))) continue;
    if (before[i] == kNone) return text;
    std::size_t block = text.find("\n\n", before[i]);
    if (block == kNone || block > last[i]) block = text.find('\n', before[i]);
    const std::string_view rest = text.substr(block, last[i] - block);
    return says_something(rest) ? text.substr(block) : text;
  }
  return text;
}

// Keeps the last turn of the user, if it is a transcript.
std::string_view last_turn(std::string_view text) {
  const bool transcript =
      text.starts_with("System:") || text.starts_with("User:") || text.starts_with("Human:");
  if (!transcript) return text;
  std::size_t begin = 0;
  for (const std::string_view marker : {"User:", "Human:"}) {
    const std::size_t at = last_line_with(text, marker, text.size());
    if (at != kNone) begin = std::max(begin, at + marker.size());
  }
  if (begin == 0) return text;
  const std::size_t end = text.find("\nAssistant:", begin);
  const std::string_view turn = text.substr(begin, end == kNone ? kNone : end - begin);
  return says_something(turn) ? turn : text;
}

// Where a quotation that begins at `at` ends; `at` itself if none begins there.  `unclosed` keeps
// in mind which elements have no end any more, so that a text is searched for it once.
std::size_t quote_end(std::string_view text, std::size_t at,
                      std::array<bool, kQuotes.size()>& unclosed) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("> ") && (at == 0 || text[at - 1] == '\n')) {
    const std::size_t line = text.find('\n', at);
    return line == kNone ? text.size() : line + 1;
  }
  if (!rest.starts_with('<')) return at;
  for (std::size_t i = 0; i < kQuotes.size(); ++i) {
    const std::string_view name = kQuotes[i];
    if (unclosed[i] || !rest.substr(1).starts_with(name)) continue;
    const std::size_t after = 1 + name.size();
    if (after >= rest.size() || (rest[after] != '>' && rest[after] != ' ')) continue;
    for (std::size_t close = rest.find("</", after); close != kNone;
         close = rest.find("</", close + 2)) {
      if (!rest.substr(close + 2).starts_with(name)) continue;
      const std::size_t end = close + 2 + name.size();
      if (end < rest.size() && rest[end] == '>') return at + end + 1;
    }
    unclosed[i] = true;
  }
  return at;
}

void add_piece(AskingPieces& pieces, std::string_view piece) {
  if (piece.empty() || pieces.size == AskingPieces::kMax) return;
  pieces.piece[pieces.size++] = piece;
}

AskingPieces without_quotes(std::string_view text) {
  AskingPieces pieces;
  std::array<bool, kQuotes.size()> unclosed{};
  std::size_t begin = 0;
  std::size_t less = text.find('<'), more = text.find('>');
  while (std::min(less, more) != kNone) {
    const std::size_t at = std::min(less, more);
    const std::size_t end = quote_end(text, at, unclosed);
    if (end > at) {
      add_piece(pieces, text.substr(begin, at - begin));
      begin = end;
    }
    const std::size_t next = std::max(end, at + 1);
    if (less < next) less = text.find('<', next);
    if (more < next) more = text.find('>', next);
  }
  add_piece(pieces, text.substr(begin));
  const bool any = std::any_of(pieces.piece.begin(), pieces.piece.begin() + pieces.size,
                               [](std::string_view piece) { return says_something(piece); });
  if (!any) {
    pieces.size = 0;
    add_piece(pieces, text);
  }
  return pieces;
}

// Cuts the middle out of what is longer than what will be read.
AskingPieces shortened(const AskingPieces& pieces) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < pieces.size; ++i) total += pieces.piece[i].size();
  if (total <= kPromptBytesRead) return pieces;
  const std::size_t half = kPromptBytesRead / 2;
  AskingPieces kept;
  std::size_t front = 0;
  for (std::size_t i = 0; i < pieces.size; ++i) {
    const std::string_view piece = pieces.piece[i];
    const std::size_t back = total - half;  // Where the end begins.
    if (front < half) add_piece(kept, piece.substr(0, half - front));
    if (front + piece.size() > back) add_piece(kept, piece.substr(front < back ? back - front : 0));
    front += piece.size();
  }
  return kept;
}

}  // namespace

AskingPieces asking_pieces(std::string_view prompt) {
  return shortened(without_quotes(without_examples(last_turn(prompt))));
}

std::string asking_part(std::string_view prompt) {
  const AskingPieces pieces = without_quotes(without_examples(last_turn(prompt)));
  std::string text;
  for (std::size_t i = 0; i < pieces.size; ++i) text += pieces.piece[i];
  return text;
}

std::string answered_prompt(std::string_view prompt, std::string_view answer) {
  std::string text = asking_part(prompt);
  text += "\n\n=> ";
  text += answer;
  return text;
}

std::string prompt_hash(std::string_view prompt) {
  const std::string text = asking_part(prompt);
  std::string folded;
  folded.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode(text, at);
    at += point.length;
    if (point.kind != CharacterKind::kSpace) {
      append_utf8(point.value, folded);
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
  while (folded.ends_with(' ')) folded.pop_back();
  return content_hash(folded);
}

}  // namespace fare
